// The search parameters of each screen. What can't be read is dropped: an address that somebody typed never breaks a screen.
import { CAUSES } from "../parts/text/causes.ts";
import { isTypeFilter } from "../parts/text/type-filter.ts";

export const RANGES = ["1h", "24h", "7d", "30d"] as const;
const STATUSES = ["Pending", "Held", "Failed", "Succeeded", "Cancelled"] as const;
const ERRORS = ["timeout", "dns", "refused", "reset", "tls", "blocked_address", "protocol", "unreachable"] as const;
const WEBHOOK_STATES = ["failing", "paused", "disabled"] as const;
const WEBHOOK_TABS = ["activity", "settings", "secret", "history"] as const;

export type Range = (typeof RANGES)[number];
export type DeliveryStatusName = (typeof STATUSES)[number];
export type ErrorName = (typeof ERRORS)[number];
export type WebhookState = (typeof WEBHOOK_STATES)[number];
export type WebhookTab = (typeof WEBHOOK_TABS)[number];

/** How long each range is. */
export const SPANS: Readonly<Record<Range, string>> = {
	"1h": "hour",
	"24h": "24 hours",
	"7d": "7 days",
	"30d": "30 days",
};

type Search = Readonly<Record<string, unknown>>;

/** Where to go after signing in. */
export function signInSearch(search: Search): { readonly from?: string } {
	const from = text(search["from"]);
	// Only an address of this page: never one of another host.
	return from !== undefined && /^\/(?![/\\])/.test(from) ? { from } : {};
}

export function statsSearch(search: Search): { readonly range?: Range } {
	return defined({ range: oneOf(RANGES, search["range"]) });
}

export interface WebhooksSearch {
	/** A part of the name, the address or the customer. */
	readonly q?: string;
	readonly state?: WebhookState;
	/** Present while the drawer is open: `new`, or the id of the webhook to edit. */
	readonly form?: string;
}

export function webhooksSearch(search: Search): WebhooksSearch {
	return defined({
		q: text(search["q"]),
		state: oneOf(WEBHOOK_STATES, search["state"]),
		form: text(search["form"]),
	});
}

export interface WebhookSearch {
	readonly tab?: WebhookTab;
	/** Present while the drawer to edit it is open. */
	readonly form?: "edit";
}

export function webhookSearch(search: Search): WebhookSearch {
	return defined({ tab: oneOf(WEBHOOK_TABS, search["tab"]), form: oneOf(["edit"] as const, search["form"]) });
}

/** The filters of deliveries. Those that take several values have them as one text, with commas between them. */
export interface DeliveriesFilter {
	/** Statuses. */
	readonly status?: string;
	/** HTTP statuses of the last attempt, or classes such as `5xx`; `0` for no response. */
	readonly code?: string;
	/** Why the last attempt failed. */
	readonly cause?: string;
	/** Kinds of errors of the last attempt. */
	readonly error?: string;
	readonly webhook?: string;
	readonly event?: string;
	/** Names of event types, or prefixes such as `order.*`. */
	readonly type?: string;
	readonly customer?: string;
	/** A tag of their events, as a whole. */
	readonly tag?: string;
	/** When they were created: in the last hour, day …. */
	readonly range?: Range;
	/** When they last changed. */
	readonly changed?: Range;
	/** Created at this time or later: an ISO date, or milliseconds since the epoch. */
	readonly after?: string;
	/** Created before this time. */
	readonly before?: string;
}

/** What is shown of one delivery. */
interface ShownDelivery {
	/** The number of the attempt that is shown. The newest one without it. */
	readonly attempt?: string;
}

/** The list of deliveries. */
export interface DeliveriesSearch extends DeliveriesFilter, ShownDelivery {
	/** The delivery beside the list. */
	readonly open?: string;
}

/** One delivery, with the filter of the list that it is looked at in. */
export interface DeliverySearch extends DeliveriesFilter, ShownDelivery {}

/** What decides which deliveries the list has. */
export function filterPart(search: DeliveriesSearch): DeliveriesFilter {
	const { open: _open, attempt: _attempt, ...filter } = search;
	return filter;
}

export function deliveriesSearch(search: Search): DeliveriesSearch {
	return defined({
		status: listOf(search["status"], (one) => STATUSES.some((status) => status === one)),
		code: listOf(search["code"], (one) => /^(0|[1-5]\d\d|[1-5]xx)$/.test(one), MAX_CODES),
		cause: listOf(search["cause"], (one) => Object.hasOwn(CAUSES, one)),
		error: listOf(search["error"], (one) => ERRORS.some((error) => error === one)),
		webhook: text(search["webhook"]),
		event: text(search["event"]),
		type: typesText(search["type"], "deliveries"),
		customer: text(search["customer"]),
		tag: text(search["tag"]),
		range: oneOf(RANGES, search["range"]),
		changed: oneOf(RANGES, search["changed"]),
		after: timeText(search["after"]),
		before: timeText(search["before"]),
		open: text(search["open"]),
		attempt: numberText(search["attempt"]),
	});
}

export function deliverySearch(search: Search): DeliverySearch {
	const { open: _, ...rest } = deliveriesSearch(search);
	return rest;
}

/** The deliveries that were created in a time, which ends before `before`; undefined for no end. */
export function rangeSearch(from: number, before: number | undefined): Pick<DeliveriesSearch, "after" | "before"> {
	return {
		after: new Date(from).toISOString(),
		...(before !== undefined && { before: new Date(before).toISOString() }),
	};
}

/**
 * Where the list of what is older than these rows begins, which are the newest first. The last row is in both lists: others may be of
 * the same time. Undefined if all rows are of one time, so that the other list would be this one.
 */
export function beforeLast(rows: readonly { readonly createDate: number }[]): string | undefined {
	const [first, last] = [rows[0], rows.at(-1)];
	if (first === undefined || last === undefined || first.createDate <= last.createDate) return undefined;
	return new Date(last.createDate + 1).toISOString();
}

/** The values of a parameter that takes several. */
export function valuesOf(text: string | undefined): readonly string[] {
	return text === undefined ? [] : text.split(",");
}

/** The parameter with a value added, or taken out if it has it; undefined if none is left. */
export function toggled(text: string | undefined, value: string): string | undefined {
	const values = valuesOf(text);
	const rest = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
	return rest.length === 0 ? undefined : rest.join(",");
}

/** A time of the address in milliseconds since the epoch. */
export function timeOf(text: string): number {
	return /^\d+$/.test(text) ? Number(text) : Date.parse(text);
}

/** The earlier of a time of the address and another one, in milliseconds since the epoch; undefined if there is neither. */
export function earlierOf(text: string | undefined, time: number | undefined): number | undefined {
	const times = [...(text === undefined ? [] : [timeOf(text)]), ...(time === undefined ? [] : [time])];
	return times.length === 0 ? undefined : Math.min(...times);
}

/** Where a range begins, in milliseconds since the epoch. */
export function rangeStart(range: Range, now: number): number {
	const [, count = "1", unit = "h"] = /^(\d+)([hd])$/.exec(range) ?? [];
	return now - Number(count) * (unit === "d" ? 24 : 1) * 3_600_000;
}

/** A text of a usual length, without white space around it. */
export function text(value: unknown): string | undefined {
	// The router reads numbers as such.
	if (typeof value === "number") return String(value);
	return typeof value === "string" && value.trim() !== "" && value.length <= 512 ? value.trim() : undefined;
}

/** The most codes that the server takes in a filter. */
const MAX_CODES = 20;
/** And the most types. */
const MAX_TYPES = { deliveries: 20, events: 100 } as const;

/** What to say where `typesText` can read nothing. */
export function expectedTypes(list: keyof typeof MAX_TYPES): string {
	return `Up to ${MAX_TYPES[list]} types such as order.paid, or order.*`;
}

/**
 * Names of event types, or prefixes such as `order.*`, with commas between them. Commas or spaces separate them where they are typed.
 * Undefined also if there are more than the list can be filtered by.
 */
export function typesText(value: unknown, list: keyof typeof MAX_TYPES): string | undefined {
	return listOf(text(value)?.replaceAll(/[\s,]+/g, ","), isTypeFilter, MAX_TYPES[list]);
}

/** Without what is not allowed; undefined if nothing is left, or more than `max`. */
function listOf(value: unknown, isAllowed: (one: string) => boolean, max = Infinity): string | undefined {
	const values = new Set((text(value) ?? "").split(",").filter(isAllowed));
	return values.size === 0 || values.size > max ? undefined : [...values].join(",");
}

/** A whole number from 1 on. */
function numberText(value: unknown): string | undefined {
	const given = text(value);
	return given !== undefined && /^[1-9]\d{0,8}$/.test(given) ? given : undefined;
}

/** The last time that JavaScript has a date for. */
const LAST_TIME = 8.64e15;

/** A time that can be read. */
export function timeText(value: unknown): string | undefined {
	const given = text(value);
	return given !== undefined && Math.abs(timeOf(given)) <= LAST_TIME ? given : undefined;
}

/** The value if it is one of those allowed. */
export function oneOf<T extends string>(allowed: readonly T[], value: unknown): T | undefined {
	return allowed.find((one) => one === value);
}

/** Without the properties that are undefined, which would show up in the address. */
export function defined<T extends object>(search: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
	return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as T;
}
