// The names under which people give the fields of the API: what `spec.timeoutMs` is called where they have typed it.

/** Names that no rule gives, by the field of the API. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
	checks: ["only"],
	contents: ["secret-file", "secret"],
	customerIds: ["customer", "every-customer"],
	customerId: ["customer"],
	endpoint: ["url"],
	expireDate: ["expires"],
	expiresInMs: ["expires"],
	headers: ["header", "headers-file"],
	lastEventId: ["from"],
	maxBackoffMs: ["max-retry-delay"],
	mirrorOf: ["mirror"],
	outcomes: ["status"],
	secret: ["secret-file"],
	tags: ["tag"],
	webhookIds: ["webhook", "also-to"],
};
/** Options with all entries of a list but the first, which is an argument, in the commands that have them. */
const OTHER_ENTRIES: Readonly<Record<string, string>> = { webhookIds: "also-to" };
/** Fields that only hold others. */
const CONTAINERS = ["spec", "retries"];
/** Fields with milliseconds whose names do not say so. */
const DURATIONS = ["maxRetryDelay"];
const TIMES = [
	"after",
	"before",
	"updatedAfter",
	"updatedBefore",
	"since",
	"until",
	"timestamp",
	"expireDate",
	"from",
	"to",
];

/** A field of the API as the path of an issue names it. */
export interface Field {
	/** The names that it may have, the likely ones first: `timeout-ms`, `timeout`. */
	readonly names: readonly string[];
	/** What its numbers are. */
	readonly unit: "duration" | "time" | null;
	/** The place inside of it: the position in a list, from 1, or the name in a map; null for the whole field. */
	readonly inside: string | number | null;
	/** The option that has the entries from the second on, if the command has it: `also-to` of `replays start`. */
	readonly others: string | null;
}

/** The field of a path such as `spec.retries.scheduleMs.1`. Null for the whole request. */
export function fieldOf(path: string): Field | null {
	const parts = path.split(".");
	while (parts.length > 1 && CONTAINERS.includes(parts[0] ?? "")) parts.shift();
	const [field = "", ...rest] = parts;
	if (field === "") return null;
	const place = rest.join(".");
	const inside = place === "" || field === "rateLimit" ? null : /^\d+$/.test(place) ? Number(place) + 1 : place;
	const isDuration = /[a-z]Ms$/.test(field) || DURATIONS.includes(field);
	const unit = isDuration ? "duration" : TIMES.includes(field) ? "time" : null;
	return { names: namesOf(field), unit, inside, others: OTHER_ENTRIES[field] ?? null };
}

function namesOf(field: string): string[] {
	const name = field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
	const likely = [name, name.replace(/-ms$/, ""), name.replace(/-ids?$/, ""), name.replace(/-id(s?)$/, "$1")];
	return [...new Set([...likely, ...(OTHER_NAMES[field] ?? [])])];
}
