// Why a webhook gets or got an event, or not: one closed list of reasons. They follow from what the webhook wants. Whether it is Enabled,
// Paused or Disabled does not matter, since its deliveries then wait.
import { isFor, type EventCustomers } from "../access/customer.ts";
import { isReservedEventType } from "../event-type.ts";
import type { EventTargets } from "../event.ts";
import { typeFilterEntries } from "../webhook.ts";

/** Why a webhook gets an event. */
const ROUTED_REASONS = ["matches", "named", "replayed"] as const;
/** Why it does not. */
const UNROUTED_REASONS = [
	"not_named",
	"created_later",
	"other_customer",
	"internal_type",
	"own_event",
	"type_filter",
	"changed_since",
] as const;
/** All reasons, the permanent names of the API. */
export const ROUTING_REASONS = [...ROUTED_REASONS, ...UNROUTED_REASONS] as const;
export type RoutingReason = (typeof ROUTING_REASONS)[number];

/** The properties of an event that decide who gets it. */
export interface RoutedEvent {
	readonly type: string;
	readonly customers: EventCustomers;
	/** Whether its type is internal now: no webhook of a customer gets it. */
	readonly isInternal: boolean;
}

/** The properties of a webhook that decide which events it gets. */
export interface RoutedWebhook {
	readonly customerId: string | null;
	readonly eventTypes: readonly string[] | null;
}

/** Whether a reason is one to get the event. */
export function isRouted(reason: RoutingReason): boolean {
	return (ROUTED_REASONS as readonly RoutingReason[]).includes(reason);
}

/**
 * Prepares saying why webhooks would get an event that is sent now to all whose filter matches, or not: `matches`, or the first rule
 * that keeps it away.
 *
 * @example
 * const reasonFor = matchReasons({ type: "order.paid", customers: null, isInternal: false });
 * reasonFor({ customerId: null, eventTypes: ["order.*"] }); // "matches"
 * reasonFor({ customerId: "acme", eventTypes: null }); // "other_customer"
 */
export function matchReasons({ type, customers, isInternal }: RoutedEvent): (webhook: RoutedWebhook) => RoutingReason {
	const entries = new Set(typeFilterEntries(type));
	const isOwn = isReservedEventType(type);
	return ({ customerId, eventTypes }) => {
		if (!isFor(customers, customerId)) return "other_customer";
		if (isInternal && customerId !== null) return "internal_type";
		if (eventTypes === null) return isOwn ? "own_event" : "matches";
		return eventTypes.some((entry) => entries.has(entry)) ? "matches" : "type_filter";
	};
}

/** An event that was accepted, with whom its sender named; null if that is not known. */
export interface AcceptedEvent extends RoutedEvent {
	readonly createDate: number;
	readonly targets: EventTargets | null;
}

/**
 * Prepares saying why webhooks got an accepted event, or not. `hasDelivery` is `replayed` if there are only deliveries that replays have
 * made. Without a delivery, the rules are applied to the webhook as it is now: `changed_since` means that it would get the event now.
 */
export function routingReasons(
	event: AcceptedEvent,
): (
	webhook: RoutedWebhook & { readonly createDate: number },
	hasDelivery: "first" | "replayed" | null,
) => RoutingReason {
	const { createDate, targets } = event;
	const reasonNow = matchReasons(event);
	return (webhook, hasDelivery) => {
		if (hasDelivery === "replayed") return "replayed";
		if (hasDelivery === "first") return targets === "webhooks" ? "named" : "matches";
		if (webhook.createDate > createDate) return "created_later";
		if (targets === "webhooks" || targets === "nobody") return "not_named";
		const reason = reasonNow(webhook);
		return reason === "matches" ? "changed_since" : reason;
	};
}
