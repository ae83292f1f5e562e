// Customers of a project.
import { isCustomerId } from "../../../core/access/customer.ts";
import { customerNotFound, narrowed, type Scope } from "../../../core/access/principal.ts";
import { decodeCursor, PAGE_LIMIT } from "../../../core/page.ts";
import type { Change } from "../../../engine/calls.ts";
import { jsonBody } from "../../request/body/body-rule.ts";
import { json, keyOrCustomerWith, keyWith, route } from "../../request/route.ts";
import { checkNewValues, keepsNames } from "../common/kept-values.ts";
import { listReply } from "../common/list-reply.ts";
import { listOf } from "../common/schemas.ts";
import { presentStats } from "../stats/present.ts";
import { statsQuerySchema, statsSchema } from "../stats/schemas.ts";
import { presentCustomer } from "./present.ts";
import {
	customerQuerySchema,
	customerSchema,
	customerWebhooksSchema,
	updateCustomerSchema,
	newInCustomerSchema,
} from "./schemas.ts";

const STATS = "/projects/{projectId}/customers/{customerId}/stats";

const COLLECTION = "/projects/{projectId}/customers";
const ONE = "/projects/{projectId}/customers/{customerId}";
const BEING_DELETED = { 409: "The customer is being deleted (`customer_being_deleted`)." };
const changed = {
	200: {
		description: "The number of webhooks that the customer has, and that were changed.",
		schema: customerWebhooksSchema,
	},
};

export const customerRoutes = [
	route({
		id: "listCustomers",
		tag: "Customers",
		method: "get",
		path: COLLECTION,
		access: keyWith("read"),
		summary: "List customers",
		description:
			"Ordered by id: those that have or had a webhook, or for whom a name or metadata is kept. A page can have fewer rows than " +
			"`limit` if few match `q`.",
		query: customerQuerySchema,
		answers: { 200: { description: "A page of customers.", schema: listOf(customerSchema) } },
		async handle({ deps, scope, query }) {
			const { limit = PAGE_LIMIT.default, page, q = null } = query;
			const request = { limit, cursor: page === undefined ? null : decodeCursor(page, isCustomerId) };
			return listReply(await deps.engine.customers.list(scope, q, request), request, presentCustomer);
		},
	}),
	// Before the path of one customer, whose id may have a colon.
	route({
		id: "pauseCustomer",
		tag: "Customers",
		method: "post",
		path: "/projects/{projectId}/customers/{customerId}:pause",
		audit: "customer.pause",
		access: keyWith("write"),
		summary: "Pause all webhooks of a customer",
		description: "One after the other, as if each was paused by itself. Those that are Disabled stay as they are.",
		answers: changed,
		errors: BEING_DELETED,
		async handle({ deps, change, params }) {
			const result = await deps.engine.customers.pause(changeOf(change, params.customerId));
			return json({ object: "webhooksChanged", ...result });
		},
	}),
	route({
		id: "resumeCustomer",
		tag: "Customers",
		method: "post",
		path: "/projects/{projectId}/customers/{customerId}:resume",
		audit: "customer.resume",
		access: keyWith("write"),
		summary: "Resume all webhooks of a customer",
		description: "One after the other, as if each was resumed by itself: paused and disabled ones.",
		answers: changed,
		errors: BEING_DELETED,
		async handle({ deps, change, params }) {
			const result = await deps.engine.customers.resume(changeOf(change, params.customerId));
			return json({ object: "webhooksChanged", ...result });
		},
	}),
	route({
		id: "getCustomer",
		tag: "Customers",
		method: "get",
		path: ONE,
		access: keyWith("read"),
		summary: "Get a customer",
		description: "Returns one customer.",
		answers: { 200: { description: "The customer.", schema: customerSchema } },
		async handle({ deps, scope, params }) {
			return json(presentCustomer(await deps.engine.customers.get(scopeOf(scope, params.customerId))));
		},
	}),
	route({
		id: "updateCustomer",
		tag: "Customers",
		method: "patch",
		path: ONE,
		audit: "customer.update",
		access: keyWith("write"),
		summary: "Keep a customer's name and metadata",
		description: "The customer need not have a webhook yet.",
		body: jsonBody(updateCustomerSchema, { name: "Acme Inc." }),
		answers: { 200: { description: "The customer as it is now.", schema: customerSchema } },
		errors: {
			409: "The project keeps a name or metadata for as many customers as it may (`too_many_customers`), what it keeps would grow and has no room (`customers_too_large`), or the customer is being deleted (`customer_being_deleted`).",
		},
		async handle({ deps, change, params, body }) {
			const { name, metadata } = body;
			const wanted = changeOf(change, params.customerId);
			const stored = () => deps.engine.customers.get(wanted.scope);
			await checkNewValues(newInCustomerSchema, body, stored, (path, known) =>
				path === "name" ? name === known.name : keepsNames(path.slice("metadata.".length), metadata, known.metadata),
			);
			const changes = {
				...(name !== undefined && { name }),
				...(metadata !== undefined && { metadata: metadata ?? {} }),
			};
			return json(presentCustomer(await deps.engine.customers.update(wanted, changes)));
		},
	}),
	route({
		id: "deleteCustomer",
		tag: "Customers",
		method: "delete",
		path: ONE,
		audit: "customer.delete",
		access: keyWith("write"),
		summary: "Delete a customer",
		description:
			"Begins to delete everything of a customer: its portal sessions; its webhooks, with their secrets and all that was written " +
			"into them; the responses of its receivers; the payloads of events that are for this customer alone, as " +
			"`DELETE …/events/{eventId}/data` does; its name and metadata. This goes on in the background, also after a restart. " +
			"`GET` shows how far it is (`deletion`), and answers 404 when it is over. Until then, the customer's id is refused with 409 " +
			"`customer_being_deleted` in new webhooks, events and portal sessions; afterwards it is that of a new customer. Events, deliveries and attempts stay in the log, without " +
			"payloads and responses; the deliveries belong to no customer any more. Events for several customers keep their payload.",
		answers: {
			202: { description: "The customer, whose deletion has begun or is under way.", schema: customerSchema },
		},
		async handle({ deps, change, params }) {
			return json(presentCustomer(await deps.engine.customers.delete(changeOf(change, params.customerId))), 202);
		},
	}),
	route({
		id: "getCustomerStats",
		tag: "Customers",
		method: "get",
		path: STATS,
		access: keyOrCustomerWith("read", "read"),
		summary: "Get a customer's stats",
		description:
			"The sum of the stats of the customer's webhooks, in the same form as a project's stats. An event that goes to two of " +
			"the webhooks counts twice in `accepted`.",
		query: statsQuerySchema,
		answers: { 200: { description: "The stats.", schema: statsSchema } },
		async handle({ deps, scope, params, query: { width = "hour", from = null, to = null } }) {
			const customer = scopeOf(scope, params.customerId);
			// A customer may ask before it has a webhook.
			if (scope.kind === "project") await deps.engine.customers.get(customer);
			return json(presentStats(await deps.engine.stats.read(customer, null, { width, from, to })));
		},
	}),
];

/** A change in the scope of the customer that a path names. */
function changeOf(change: Change, customerId: string): Change {
	return { ...change, scope: scopeOf(change.scope, customerId) };
}

/** The scope of the customer that a path names. Throws `customer_not_found` if there can be none, or for a token of another. */
function scopeOf(scope: Scope, customerId: string): Scope {
	if (!isCustomerId(customerId)) throw customerNotFound();
	return narrowed(scope, customerId);
}
