// Who gets events, and why: asked before one is sent, or about one that was accepted.
import { EVERY_CUSTOMER } from "../../core/access/customer.ts";
import {
	customerOf,
	narrowed,
	notForCustomers,
	projectOf,
	projectScope,
	type Scope,
} from "../../core/access/principal.ts";
import { FanfareError } from "../../core/errors.ts";
import { isRouted, matchReasons, routingReasons } from "../../core/log/routing.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { WebhookFilter } from "../../ports/store/directory.ts";
import type { EventDelivery, LogStore } from "../../ports/store/log.ts";
import type { PossibleEvent, RoutedWebhook, RoutingFilter, Webhooks } from "../calls.ts";
import type { Directory } from "../directory/directory.ts";
import { eventTypesOf } from "../directory/webhook-table.ts";

interface Neighbours {
	readonly directory: Pick<Directory, "project" | "match" | "isInternal" | "webhooksOf">;
	readonly webhooks: Pick<Webhooks, "list" | "get">;
}

const EVERY_WEBHOOK: WebhookFilter = {
	text: null,
	statuses: null,
	health: null,
	customerId: null,
	key: null,
	eventType: null,
	metadata: {},
	// Relays get events like all others.
	withRelays: true,
};

/** See `Events.match` in calls.ts. */
export async function matchWebhooks(
	{ directory, webhooks }: Neighbours,
	scope: Scope,
	{ type, customers }: PossibleEvent,
	request: PageRequest,
): Promise<{ readonly page: Page<RoutedWebhook>; readonly matchedCount: number }> {
	const projectId = projectOf(scope);
	directory.project(projectId);
	const reader = customerOf(scope);
	if (reader !== null && customers !== null) {
		if (typeof customers !== "string" || customers === EVERY_CUSTOMER) throw notForCustomers();
		narrowed(scope, customers);
	}
	const meant = reader ?? customers;
	// A customer does not learn which types are internal: for them, such a type is one that nobody has listed.
	const isInternal = reader === null && directory.isInternal(projectId, type);
	const reasonFor = matchReasons({ type, customers: meant, isInternal });
	const page = await webhooks.list(scope, EVERY_WEBHOOK, request);
	const rows = page.rows.map((webhook) => ({ webhook, reason: reasonFor(webhook), delivery: null }));
	const matchedCount =
		reader === null
			? directory.match(projectId, type, customers).length
			: directory
					.webhooksOf(projectId, reader)
					.filter((webhook) => isRouted(reasonFor({ customerId: reader, eventTypes: eventTypesOf(webhook) }))).length;
	return { page: { ...page, rows }, matchedCount };
}

/** See `Events.routing` in calls.ts. */
export async function routingOf(
	{ directory, webhooks }: Neighbours,
	store: Pick<LogStore, "event" | "eventDetails" | "eventDeliveries">,
	{ scope, eventId }: { readonly scope: Scope; readonly eventId: string },
	{ webhookId, customerId }: RoutingFilter,
	request: PageRequest,
): Promise<Page<RoutedWebhook>> {
	const projectId = projectOf(scope);
	directory.project(projectId);
	const event = await store.event(scope, eventId);
	// Whom the sender named decides about the webhooks of a customer, too, although the customer does not see it.
	const details = event === null ? null : await store.eventDetails(projectScope(projectId), eventId);
	if (event === null || details === null) throw eventNotFound();
	const page =
		webhookId === null
			? await webhooks.list(scope, { ...EVERY_WEBHOOK, customerId }, request)
			: { rows: [await webhooks.get(narrowed(scope, customerId), webhookId)], hasNewer: false, hasOlder: false };
	const ids = page.rows.map(({ id }) => id);
	const deliveries = await store.eventDeliveries(scope, eventId, ids);
	if (deliveries === null) throw eventNotFound();
	const newest = new Map<string, EventDelivery>();
	const first = new Set<string>();
	for (const delivery of deliveries) {
		const known = newest.get(delivery.webhookId);
		if (known === undefined || known.deliveryId < delivery.deliveryId) newest.set(delivery.webhookId, delivery);
		if (!delivery.isReplayed) first.add(delivery.webhookId);
	}
	const reasonFor = routingReasons({
		type: event.type,
		customers: event.customers,
		createDate: event.createDate,
		targets: details.targets,
		isInternal: directory.isInternal(projectId, event.type),
	});
	const rows = page.rows.map((webhook) => {
		const delivery = newest.get(webhook.id) ?? null;
		const has = first.has(webhook.id) ? "first" : delivery === null ? null : "replayed";
		return { webhook, reason: reasonFor(webhook, has), delivery };
	});
	return { ...page, rows };
}

function eventNotFound(): FanfareError {
	return new FanfareError("event_not_found", "There is no such event in this project.");
}
