// Exports of events as files.
import type { z } from "@hono/zod-openapi";

import type { Page } from "../../../core/page.ts";
import type { LoggedEvent } from "../../../ports/store/log.ts";
import { keyOrCustomerWith } from "../../request/route.ts";
import { csvList, csvTime } from "../exports/csv.ts";
import type { Columns } from "../exports/export-reply.ts";
import { exportRoute } from "../exports/export-route.ts";
import { eventExportQuerySchema, wantedEvents } from "./filters.ts";
import { presentLoggedEvent } from "./present.ts";
import { loggedEventSchema } from "./schemas.ts";

const COLUMNS: Columns<z.infer<typeof loggedEventSchema>> = {
	id: ({ id }) => id,
	createDate: ({ createDate }) => csvTime(createDate),
	timestamp: ({ timestamp }) => csvTime(timestamp),
	type: ({ type }) => type,
	customerId: ({ customerId }) => customerId ?? null,
	customerIds: ({ customerIds }) => csvList([customerIds ?? []].flat()),
	tags: ({ tags }) => csvList(tags),
	idempotencyKey: ({ idempotencyKey }) => idempotencyKey,
	deliveryCount: ({ deliveryCount }) => deliveryCount,
	deliveriesPending: ({ deliveries }) => deliveries?.Pending ?? null,
	deliveriesHeld: ({ deliveries }) => deliveries?.Held ?? null,
	deliveriesSucceeded: ({ deliveries }) => deliveries?.Succeeded ?? null,
	deliveriesFailed: ({ deliveries }) => deliveries?.Failed ?? null,
	deliveriesCancelled: ({ deliveries }) => deliveries?.Cancelled ?? null,
};

export const eventExportRoutes = [
	exportRoute({
		id: "exportEvents",
		tag: "Events",
		path: "/projects/{projectId}/events:export",
		access: keyOrCustomerWith("read", "read"),
		nouns: "events",
		noun: "event",
		remarks: "Events come without their data. A cell with several customers or tags has a space between them.",
		query: eventExportQuerySchema,
		schema: loggedEventSchema,
		columns: COLUMNS,
		reader({ deps, scope, query }) {
			const { wanted, filter } = wantedEvents(scope, query);
			return async (request) => {
				const page = untilUncounted(await deps.store.events(wanted, filter, request));
				return { ...page, rows: page.rows.map(presentLoggedEvent) };
			};
		},
	}),
];

/**
 * A page counts the deliveries of its first events only. An export goes on with the first event that was not counted, so that its
 * counts are missing only if it alone has too many. Those that come first are not counted at all.
 */
function untilUncounted(page: Page<LoggedEvent>): Page<LoggedEvent> {
	const { rows, hasNewer } = page;
	const counted = rows.findIndex(({ deliveries }) => deliveries !== null);
	const end = rows.findIndex(({ deliveries }, index) => deliveries === null && index > counted);
	return counted === -1 || end === -1 ? page : { rows: rows.slice(0, end), hasNewer, hasOlder: true };
}
