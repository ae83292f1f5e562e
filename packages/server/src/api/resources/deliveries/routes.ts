// The delivery log.
import { notForCustomers, type Scope } from "../../../core/access/principal.ts";
import { FanfareError } from "../../../core/errors.ts";
import type { Change, ManyChanged } from "../../../engine/calls.ts";
import type { LoggedDelivery } from "../../../ports/store/log.ts";
import type { ApiStore } from "../../deps.ts";
import { jsonBody } from "../../request/body/body-rule.ts";
import { json, keyOrCustomerWith, route, type Reply } from "../../request/route.ts";
import { bodyReply, pageRequest } from "../common/list-reply.ts";
import { listOf, scannedListOf } from "../common/schemas.ts";
import { deliveryCountQuerySchema, deliveryFilterSchema, deliveryQuerySchema } from "./filters.ts";
import { attemptPageRequest, changeListRequest, deliveryFilter, goesOnAt, nextPageOf, withinScope } from "./input.ts";
import { attemptViewOf, presentDelivery, presentDeliveryWithAttempts } from "./present.ts";
import {
	attemptQuerySchema,
	attemptSchema,
	deliveryCountSchema,
	deliverySchema,
	deliveryWithAttemptsSchema,
	manyChangedSchema,
	SHOWN_ATTEMPTS,
} from "./schemas.ts";

const logRoutes = [
	route({
		id: "listDeliveries",
		tag: "Deliveries",
		method: "get",
		path: "/projects/{projectId}/deliveries",
		access: keyOrCustomerWith("read", "read"),
		summary: "List deliveries",
		description:
			"Newest first, or with `order=updated` those that changed last first. A delivery is listed if it matches all filters. If few " +
			"match, a page can have fewer rows than `limit`, even none: `scannedTo` says how far it has looked, and `nextPage` goes on.",
		query: deliveryQuerySchema,
		answers: { 200: { description: "A page of deliveries.", schema: scannedListOf(deliverySchema) } },
		async handle({ deps, principal, scope, query }) {
			const wanted = withinScope(scope, query);
			if (query.order === "updated") {
				// Where a page of changes stops, its cursor can name a delivery of others.
				if (principal?.kind === "customer") throw notForCustomers();
				const { filter, request } = changeListRequest(query);
				return bodyReply(await deps.lists.changedDeliveries(wanted, filter, request));
			}
			return bodyReply(await deps.lists.deliveries(wanted, deliveryFilter(query), pageRequest(query, "dlv")));
		},
	}),
	route({
		id: "countDeliveries",
		tag: "Deliveries",
		method: "get",
		path: "/projects/{projectId}/deliveries:count",
		access: keyOrCustomerWith("read", "read"),
		summary: "Count deliveries",
		description:
			"Counts the deliveries that match all filters, those of the list. A count that takes longer than 2 s ends early, and `complete` is " +
			"false. The counts of a project are made one after the other, and those of each customer.",
		query: deliveryCountQuerySchema,
		answers: { 200: { description: "The number.", schema: deliveryCountSchema } },
		async handle({ deps, scope, query }) {
			const counted = await deps.engine.deliveries.count(withinScope(scope, query), deliveryFilter(query));
			return json({ object: "deliveryCount", ...counted });
		},
	}),
	route({
		id: "getDelivery",
		tag: "Deliveries",
		method: "get",
		path: "/projects/{projectId}/deliveries/{deliveryId}",
		access: keyOrCustomerWith("read", "read"),
		summary: "Get a delivery",
		description: `Returns one delivery with its newest attempts, up to ${SHOWN_ATTEMPTS}.`,
		answers: { 200: { description: "The delivery.", schema: deliveryWithAttemptsSchema } },
		async handle({ deps, principal, scope, params }) {
			const delivery = await findDelivery(deps.store, scope, params.deliveryId);
			const attempts = await deps.store.attempts(scope, delivery.id, { limit: SHOWN_ATTEMPTS, cursor: null });
			return json(presentDeliveryWithAttempts(delivery, attempts, attemptViewOf(principal)));
		},
	}),
	route({
		id: "listAttempts",
		tag: "Deliveries",
		method: "get",
		path: "/projects/{projectId}/deliveries/{deliveryId}/attempts",
		access: keyOrCustomerWith("read", "read"),
		summary: "List the attempts of a delivery",
		description:
			"Newest first. A page can have fewer rows than `limit` if the stored responses reach several megabytes.",
		query: attemptQuerySchema,
		answers: { 200: { description: "A page of attempts.", schema: listOf(attemptSchema) } },
		async handle({ deps, principal, scope, params, query }) {
			const request = attemptPageRequest(query);
			const { id } = await findDelivery(deps.store, scope, params.deliveryId);
			return bodyReply(await deps.lists.attempts(scope, id, request, attemptViewOf(principal)));
		},
	}),
];

async function findDelivery(store: ApiStore, scope: Scope, deliveryId: string): Promise<LoggedDelivery> {
	const delivery = await store.delivery(scope, deliveryId);
	if (delivery === null) throw new FanfareError("delivery_not_found", "There is no such delivery in this project.");
	return delivery;
}

function narrowedChange(change: Change, body: { readonly customerId?: string | undefined }): Change {
	return { ...change, scope: withinScope(change.scope, body) };
}

const changed = { 200: { description: "The delivery as it is now.", schema: deliverySchema } };
const manyChanged = {
	200: { description: "The number of deliveries that matched and were changed.", schema: manyChangedSchema },
};
const OVER_QUOTA =
	"The project has used up its quota of stored bytes (`stored_bytes_exceeded`), or has made too many changes (`change_rate_exceeded`); see `Retry-After`.";
const manyErrors = {
	400: "The request is not valid; `issues` says where. Or `page` is not that of such a change (`invalid_cursor`).",
};
const filterExample = { status: ["Failed"], responseCode: ["5xx", 429], updatedAfter: 1_723_633_671_620 };

function manyReply({ goesOnAt, ...result }: ManyChanged): Reply {
	return json({ object: "deliveriesChanged", ...result, nextPage: nextPageOf(goesOnAt) });
}

const changeRoutes = [
	route({
		id: "retryDelivery",
		tag: "Deliveries",
		method: "post",
		path: "/projects/{projectId}/deliveries/{deliveryId}:retry",
		audit: "delivery.retry",
		access: keyOrCustomerWith("write", "deliveries.retry"),
		summary: "Retry a delivery",
		description:
			"Makes an attempt now. The delivery must be Failed, Cancelled or Pending. If the attempt fails, the automatic " +
			"schedule continues as before. A delivery can be retried by hand 100 times at most; after that, replay the event. Refused while the " +
			"project has used up its quota of stored bytes.",
		answers: changed,
		errors: {
			409:
				"The delivery is Succeeded or Held (`delivery_not_changeable`), its webhook is not Enabled (`webhook_not_active`), its " +
				"payload was erased (`payload_erased`), or it has been retried by hand 100 times (`too_many_retries`).",
			429: OVER_QUOTA,
		},
		async handle({ deps, change, params }) {
			return json(presentDelivery(await deps.engine.deliveries.retry(change, params.deliveryId)));
		},
	}),
	route({
		id: "cancelDelivery",
		tag: "Deliveries",
		method: "post",
		path: "/projects/{projectId}/deliveries/{deliveryId}:cancel",
		audit: "delivery.cancel",
		access: keyOrCustomerWith("write", "deliveries.retry"),
		summary: "Cancel a delivery",
		description:
			"The delivery must be Pending or Held. An attempt in flight cannot be stopped: the receiver may still get it.",
		answers: changed,
		errors: { 409: "The delivery has already ended (`delivery_not_changeable`)." },
		async handle({ deps, change, params }) {
			return json(presentDelivery(await deps.engine.deliveries.cancel(change, params.deliveryId)));
		},
	}),
	route({
		id: "retryDeliveries",
		tag: "Deliveries",
		method: "post",
		path: "/projects/{projectId}/deliveries:retry",
		audit: "delivery.retry_many",
		access: keyOrCustomerWith("write", "deliveries.retry"),
		summary: "Retry many deliveries",
		description:
			"Retries all deliveries that match all filters and are Failed, Cancelled or Pending, newest first. Skips those that have been " +
			"retried by hand 100 times. One call looks at up to 10,000 and takes about 10 s at most; `nextPage` goes on. Ends early, or is " +
			"refused, when the project has used up its quota of stored bytes. At least one filter is required.",
		body: jsonBody(deliveryFilterSchema, filterExample),
		answers: manyChanged,
		errors: { ...manyErrors, 429: OVER_QUOTA },
		async handle({ deps, change, body }) {
			const where = [deliveryFilter(body), goesOnAt(body)] as const;
			return manyReply(await deps.engine.deliveries.retryMany(narrowedChange(change, body), ...where));
		},
	}),
	route({
		id: "cancelDeliveries",
		tag: "Deliveries",
		method: "post",
		path: "/projects/{projectId}/deliveries:cancel",
		audit: "delivery.cancel_many",
		access: keyOrCustomerWith("write", "deliveries.retry"),
		summary: "Cancel many deliveries",
		description:
			"Cancels all deliveries that match all filters and are Pending or Held, newest first. One call looks at up to " +
			"10,000 and takes about 10 s at most; `nextPage` goes on. At least one filter is required.",
		body: jsonBody(deliveryFilterSchema, filterExample),
		answers: manyChanged,
		errors: manyErrors,
		async handle({ deps, change, body }) {
			const where = [deliveryFilter(body), goesOnAt(body)] as const;
			return manyReply(await deps.engine.deliveries.cancelMany(narrowedChange(change, body), ...where));
		},
	}),
];

export const deliveryRoutes = [...logRoutes, ...changeRoutes];
