// The live stream as server-sent events.
import type { LiveItem, LiveSignal } from "../../../core/live.ts";
import type { LiveSubscription } from "../../../engine/live-calls.ts";
import type { Reply } from "../../request/route.ts";
import { eventStream } from "../../request/server-sent-events.ts";

/** How long a client should wait before it reconnects. */
const RETRY_MS = 2_000;
/** The text of each item, since the same item goes to many clients. */
const itemTexts = new WeakMap<LiveItem, string>();

/** The response to a client of the live stream. The engine limits the items that wait for it. */
export function liveStream(subscription: LiveSubscription): Reply {
	return eventStream(RETRY_MS, subscription, signalText);
}

function signalText(signal: LiveSignal): string {
	switch (signal.type) {
		case "item":
			return itemText(signal.item);
		case "heartbeat":
			// An id without data moves the client's `Last-Event-ID` forward without an event.
			return `: heartbeat\nid: ${signal.id}\n\n`;
		case "gap":
			return `id: ${signal.id}\n${controlText("gap", signal.reason)}`;
		case "dropped":
		case "end":
			return controlText(signal.type, signal.reason);
	}
}

function itemText(item: LiveItem): string {
	const known = itemTexts.get(item);
	if (known !== undefined) return known;
	const text = `id: ${item.id}\nevent: ${item.kind}\ndata: ${JSON.stringify(presentItem(item))}\n\n`;
	itemTexts.set(item, text);
	return text;
}

/** An item as it is on the wire. */
export function presentItem(item: LiveItem): object {
	const { id, kind, projectId, date, customers: _customers, ...fact } = item;
	return { object: "streamItem", id, kind, projectId, date, ...fact };
}

/** The item that says why others may be missing. */
export function presentGap(reason: string): object {
	return { object: "streamItem", kind: "gap", reason };
}

function controlText(kind: string, reason: string): string {
	return `event: ${kind}\ndata: ${JSON.stringify({ object: "streamItem", kind, reason })}\n\n`;
}
