// Exports of events as files.
import type { z } from "@hono/zod-openapi";

import type { Page, PageRequest } from "../../../core/page.ts";
import type { LoggedEvent } from "../../../ports/store/log.ts";
import { keyOrCustomerWith } from "../../request/route.ts";
import { csvList, csvTime } from "../exports/csv.ts";
import type { Columns } from "../exports/export-reply.ts";
import { exportRoute } from "../exports/export-route.ts";
import { eventExportQuerySchema, wantedEvents } from "./filters.ts";
import { presentLoggedEvent } from "./present.ts";
import { loggedEventSchema } from "./schemas.ts";

/** An event can name 100 customers, which makes some 13 KB. */
const ROWS_AT_ONCE = 250;

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
		rowsAtOnce: ROWS_AT_ONCE,
		reader({ deps, scope, query }) {
			const { wanted, filter } = wantedEvents(scope, query);
			const read = countingReader((request) => deps.store.events(wanted, filter, request));
			return async (request) => {
				const page = await read(request);
				return { ...page, rows: page.rows.map(presentLoggedEvent) };
			};
		},
	}),
];

/** If a page of events has counted nothing, so many times fewer are read instead. */
const FEWER = 10;
/** After a page that has counted something, up to so many times more are read. */
const MORE = 2;

type Reader = (request: PageRequest) => Promise<Page<LoggedEvent>>;

/**
 * Reads pages in such a way that only events that alone have too many deliveries lack their counts. A page can count nothing because all
 * its events together have too many: then it is read again with fewer of them, down to one.
 */
function countingReader(read: Reader): Reader {
	let most = Number.POSITIVE_INFINITY;
	return async ({ limit, cursor }) => {
		for (most = Math.min(limit, most); ;) {
			const page = await read({ limit: most, cursor });
			const isCounted = page.rows.some(({ deliveries }) => deliveries !== null);
			if (!isCounted && page.rows.length > 1) {
				most = Math.max(1, Math.floor(page.rows.length / FEWER));
				continue;
			}
			if (isCounted) most *= MORE;
			return untilUncounted(page);
		}
	};
}

/**
 * A page counts the deliveries of its first events only. An export goes on with the first event that was not counted, so that its
 * counts are missing only if it alone has too many: where it was the first of a page.
 */
function untilUncounted(page: Page<LoggedEvent>): Page<LoggedEvent> {
	const { rows, hasNewer } = page;
	const end = rows.findIndex(({ deliveries }, index) => deliveries === null && index > 0);
	return end === -1 ? page : { rows: rows.slice(0, end), hasNewer, hasOlder: true };
}
