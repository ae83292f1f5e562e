// What the live stream says about which rows a list gets: only the server knows it for every filter.
import type { StreamItem } from "@fanfare/sdk";

import { timeOf, valuesOf, type DeliveriesSearch } from "../../app/search.ts";
import type { HeardEvent } from "../../live/live-feed.ts";

/** The filters that need nothing but what an item about an accepted event says. */
const TOLD_BY_EVENT: ReadonlySet<string> = new Set(["open", "attempt", "type", "tag", "range", "after"]);

/** Whether an accepted event tells by itself how many rows it brings. */
export function isToldByEvent(search: object): boolean {
	return Object.keys(search).every((name) => TOLD_BY_EVENT.has(name));
}

/** Whether an accepted event has the type and the tag of a search. */
export function isOfSearch(
	{ eventType, tags }: Pick<HeardEvent, "eventType" | "tags">,
	{ type, tag }: { readonly type?: string | undefined; readonly tag?: string | undefined },
): boolean {
	return isOfType(eventType, type) && (tag === undefined || tags.includes(tag));
}

/** What a delivery is when it is made, which no other item says. */
const MADE_AS: ReadonlySet<string> = new Set(["Pending", "Held"]);

/** Whether an item may have brought deliveries into the list of a search. */
export function mayBringDelivery(item: StreamItem, search: DeliveriesSearch): boolean {
	if (item.kind === "event.accepted") return mayBringMade(item, search);
	if (item.kind !== "delivery.updated" && item.kind !== "attempt.finished") return false;
	const { status } = search;
	if (!isOfSameParts(item, search)) return false;
	if (status === undefined) return true;
	// After an attempt that failed, another item says what became of the delivery.
	const now = item.kind === "delivery.updated" ? item.status : item.result === "success" ? "Succeeded" : null;
	return valuesOf(status).some((one) => one === now);
}

/** The filters that a delivery can enter and leave while it is there. */
const OF_CHANGES = ["status", "code", "cause", "error", "changed"] as const;

/** Whether an item may have changed how many deliveries match a search: some may have come, or be other ones now. */
export function mayChangeCount(item: StreamItem, search: DeliveriesSearch): boolean {
	if (item.kind === "event.accepted") return mayBringMade(item, search);
	// They say no more about which ones.
	if (item.kind === "deliveries.updated" || item.kind === "replay.updated")
		return search.webhook === undefined || search.webhook === item.webhookId;
	if (item.kind !== "delivery.updated" && item.kind !== "attempt.finished") return false;
	return OF_CHANGES.some((name) => search[name] !== undefined) && isOfSameParts(item, search);
}

/** How often those that match are counted at most, while they change. */
const COUNT_EVERY_MS = 5_000;
/** Of a count that takes long: the part of the time in which the server counts. */
const COUNTING_PART = 1 / 20;
/** A count ends after two seconds; what is longer was spent on waiting for it. */
const LONGEST_COUNT_MS = 2_000;

/** How long nothing is counted after a count that has taken so long. */
export function recountAfterMs(tookMs: number): number {
	return Math.max(COUNT_EVERY_MS, Math.min(tookMs, LONGEST_COUNT_MS) / COUNTING_PART);
}

/** Whether an accepted event may have brought deliveries into the list. They have had no answer yet. */
function mayBringMade(item: StreamItem & { readonly kind: "event.accepted" }, search: DeliveriesSearch): boolean {
	const { event, status, code, cause, error, before } = search;
	if (item.deliveryCount === 0 || (code ?? cause ?? error) !== undefined) return false;
	if (before !== undefined && timeOf(before) <= item.date) return false;
	if (event !== undefined && event !== item.eventId) return false;
	if (status !== undefined && !valuesOf(status).some((one) => MADE_AS.has(one))) return false;
	return isOfSearch({ ...item, tags: item.tags ?? [] }, search);
}

type OfDelivery = Extract<StreamItem, { readonly kind: "delivery.updated" | "attempt.finished" }>;

/** Whether a delivery is of the webhook, the event and the types of a search, which never change. */
function isOfSameParts(item: OfDelivery, { webhook, event, type }: DeliveriesSearch): boolean {
	const isOf = (wanted: string | undefined, value: string) => wanted === undefined || wanted === value;
	return isOf(webhook, item.webhookId) && isOf(event, item.eventId) && isOfType(item.eventType, type);
}

/** Whether an event type is one of exact names or prefixes such as `order.*`, with commas or spaces between them. */
function isOfType(eventType: string, type: string | undefined): boolean {
	const names = (type ?? "").split(/[\s,]+/).filter((name) => name !== "");
	if (names.length === 0) return true;
	return names.some((name) => (name.endsWith(".*") ? eventType.startsWith(name.slice(0, -1)) : name === eventType));
}
