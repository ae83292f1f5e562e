// Checks the lines of an import before they are sent: what the server would refuse whatever it has, and the types that the project takes.
import type { SendEvent } from "@fanfare/sdk";

import type { Call } from "../../frame/call.ts";
import { CommandError, EXIT } from "../../frame/failure.ts";
import { isExactNumber } from "../../frame/values.ts";
import { printable, printableJson } from "../../text/printable.ts";

const TYPE = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
const MAX_TYPE = 256;
const CUSTOMER = /^[A-Za-z0-9._:-]{1,128}$/;
const TAG = /^[A-Za-z0-9][A-Za-z0-9._:/=@-]{0,63}$/;
const KEY = /^[^\p{C}\p{Zl}\p{Zp}]{1,256}$/u;
const WEBHOOK_ID = /^webhook_[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const MAX_TAGS = 5;
const MAX_CUSTOMERS = 100;
const MAX_WEBHOOKS = 1_000;
const MAX_TIME_MS = 253_402_300_799_999;
/** Numbers that the SDK refuses as times, since they can only be meant as seconds. */
const SECONDS = { from: 500_000_000, to: 10_000_000_000 };

/** What is wrong with a value; null if nothing is. */
type Check = (value: unknown) => string | null;

const text = (pattern: RegExp, expected: string): Check => {
	return (value) =>
		typeof value === "string" && pattern.test(value) ? null : `must be ${expected}, got ${shown(value)}`;
};
const list = (entry: Check, min: number, max: number): Check => {
	return (value) => {
		if (!Array.isArray(value)) return `must be a list, got ${shown(value)}`;
		if (value.length < min || value.length > max) return `must have ${min} to ${max} entries, got ${value.length}`;
		if (new Set(value).size < value.length) return "has an entry twice";
		return value.map(entry).find((problem) => problem !== null) ?? null;
	};
};
const customer = text(CUSTOMER, "1–128 of the characters A–Z a–z 0–9 . _ : -");
const customers = list(customer, 1, MAX_CUSTOMERS);

/** All fields but type and data may also be null. */
const CHECKS: Readonly<Record<string, Check>> = {
	timestamp: (value) => {
		if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_TIME_MS)
			return `must be milliseconds since the epoch, got ${shown(value)}`;
		const isSeconds = value >= SECONDS.from && value < SECONDS.to;
		return isSeconds ? `must be milliseconds since the epoch, got ${value}, which looks like seconds` : null;
	},
	idempotencyKey: text(KEY, "1–256 printable characters"),
	webhookIds: list(text(WEBHOOK_ID, "ids of webhooks"), 1, MAX_WEBHOOKS),
	customerId: customer,
	customerIds: (value) => (value === "*" ? null : customers(value)),
	tags: list(
		text(TAG, "1–64 of the characters A–Z a–z 0–9 . _ : / = @ -, beginning with a letter or a digit"),
		0,
		MAX_TAGS,
	),
};

/** The event as the SDK takes it: its time is a number however it is written, such as `1.7e12`, and a time of null is none. */
export function withPlainTime(event: SendEvent): SendEvent {
	const { timestamp, ...rest } = event as Omit<SendEvent, "timestamp"> & { readonly timestamp?: unknown };
	if (timestamp === undefined || timestamp === null) return rest;
	return isExactNumber(timestamp) ? { ...rest, timestamp: Number(timestamp.rawJSON) } : event;
}

/** What is wrong with the form of an event; null if nothing is. */
export function problemOf(event: SendEvent): string | null {
	const { type, data, customerId = null, customerIds = null } = event;
	if (type.length > MAX_TYPE || !TYPE.test(type)) {
		return `type must be groups of letters, digits, _ and - joined by full stops, such as order.paid, got ${shown(type)}`;
	}
	if (type.startsWith("fanfare.")) return "type must not begin with fanfare., which only the server's own events do";
	if (data === undefined) return "data is missing; null is possible";
	if (customerId !== null && customerIds !== null) return "has customerId and customerIds; pass one of them";
	for (const [name, check] of Object.entries(CHECKS)) {
		const value = (event as unknown as Readonly<Record<string, unknown>>)[name] ?? null;
		const problem = value === null ? null : check(value);
		if (problem !== null) return `${name} ${problem}`;
	}
	return null;
}

/**
 * The event types that the project takes, by name; null for any, or if the server can't be asked, which is said. Throws if the import itself
 * would fail for sure: with a key that is not valid, or a project that does not exist.
 */
export async function acceptedTypes(call: Call): Promise<ReadonlySet<string> | null> {
	try {
		const project = await call.project();
		const { eventTypePolicy } = await call.client.getProject(project.id);
		if (eventTypePolicy !== "catalogued") return null;
		const names = new Set<string>();
		for await (const { name } of project.eventTypes.list({ archived: false })) names.add(name);
		return names;
	} catch (error) {
		if (isFinal(error)) throw error;
		const reason = error instanceof Error ? error.message : String(error);
		const message = `Whether the project takes these event types was not checked: ${reason}`;
		if (call.output.mode === "json") process.stderr.write(`${printableJson({ line: null, message })}\n`);
		else call.output.warn(printable(message));
		return null;
	}
}

function isFinal(error: unknown): boolean {
	if (error instanceof CommandError) return error.exitCode === EXIT.interrupted || error.exitCode === EXIT.notFound;
	return (error as { readonly status?: unknown } | null)?.status === 401;
}

function shown(value: unknown): string {
	if (isExactNumber(value)) return value.rawJSON.slice(0, 60);
	if (typeof value === "string" && value.length > 60) return `${JSON.stringify(value.slice(0, 60))}…`;
	return typeof value === "object" && value !== null
		? Array.isArray(value)
			? "a list"
			: "an object"
		: JSON.stringify(value);
}
