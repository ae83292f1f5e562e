// The filters of events.
import { z } from "@hono/zod-openapi";

import { narrowed, notForCustomers, type Scope } from "../../../core/access/principal.ts";
import { EVENT_TYPE_MAX_LENGTH } from "../../../core/event.ts";
import { EVENT_TYPE_FILTER_PATTERN } from "../../../core/webhook.ts";
import type { EventFilter } from "../../../ports/store/log.ts";
import { listParameter } from "../common/lists.ts";
import { customerIdText, pageQuery, tagText, timeRangeQuery } from "../common/schemas.ts";
import { formatParameter } from "../exports/export-route.ts";
import { idempotencyKeyText } from "./schemas.ts";

/** The filters of lists and exports. */
const filterQuery = {
	type: listParameter(
		(text): text is string => text.length <= EVENT_TYPE_MAX_LENGTH && EVENT_TYPE_FILTER_PATTERN.test(text),
		"names of event types, or prefixes such as order.*",
		"Only events of these types, or with a prefix such as `order.*`",
	).optional(),
	customerId: customerIdText.optional().openapi({
		description: "Only events that are for this customer, also beside others.",
	}),
	tag: tagText.optional().openapi({ description: "Only events with this tag." }),
	idempotencyKey: idempotencyKeyText.optional().openapi({
		description: "Only events that were sent with this idempotency key. Not for a customer's token.",
		minLength: 1,
		maxLength: 256,
	}),
	unmatched: z.enum(["true", "false"]).optional().openapi({
		description: "If `true`, only events that no webhook wanted when they were accepted. Not for a customer's token.",
	}),
	...timeRangeQuery,
};

export const eventQuerySchema = z.strictObject({ ...pageQuery, ...filterQuery });

export const eventExportQuerySchema = z.strictObject({ ...filterQuery, format: formatParameter });

/**
 * The events that a call asks for: the scope and the filter for the store. Throws `insufficient_scope` if somebody who acts for a
 * customer uses a filter that is not for customers, and `customer_not_found` if they name another one.
 */
export function wantedEvents(
	scope: Scope,
	query: z.infer<typeof eventExportQuerySchema>,
): { readonly wanted: Scope; readonly filter: EventFilter } {
	const { type: types = null, customerId = null, tag = null, idempotencyKey = null } = query;
	const { after = null, before = null } = query;
	const unmatched = query.unmatched === "true";
	// The keys of the sender, and what reaches nobody, are not for customers.
	if (scope.kind === "customer" && (idempotencyKey !== null || unmatched)) throw notForCustomers();
	// The events that are for a customer are found by a filter; the scope of one has only those with deliveries to it.
	const wanted = scope.kind === "customer" ? narrowed(scope, customerId) : scope;
	return { wanted, filter: { types, customerId, tag, idempotencyKey, unmatched, after, before } };
}
