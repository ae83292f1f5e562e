// What the addresses of events say.
import { defined, oneOf, RANGES, text, timeText, typesText, type Range } from "../../app/search.ts";

export interface EventsSearch {
	/** Exact names or `prefix.*`, with commas between them. */
	readonly type?: string;
	readonly customer?: string;
	readonly tag?: string;
	readonly range?: Range;
	/** Accepted before this time: an ISO date, or milliseconds since the epoch. */
	readonly before?: string;
	/** `nobody` for only those that no webhook wanted. */
	readonly to?: "nobody";
}

export function eventsSearch(search: Readonly<Record<string, unknown>>): EventsSearch {
	return defined({
		type: typesText(search["type"], "events"),
		customer: text(search["customer"]),
		tag: text(search["tag"]),
		range: oneOf(RANGES, search["range"]),
		before: timeText(search["before"]),
		to: oneOf(["nobody"] as const, search["to"]),
	});
}

export interface SendSearch {
	readonly type?: string;
	/** The event whose payload is filled in. */
	readonly from?: string;
}

export function sendSearch(search: Readonly<Record<string, unknown>>): SendSearch {
	return defined({ type: text(search["type"]), from: text(search["from"]) });
}
