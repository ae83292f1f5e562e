// Compares a file of `fanfare apply` with the project as it is, field by field, and describes the differences.
import type { EventType, EventTypeSettings, Project, UpdateProject, Webhook } from "@fanfare/sdk";

import { isExactNumber } from "../../frame/values.ts";
import { shortDuration } from "../../text/times.ts";
import { HEADERS_MARK, type DesiredWebhook } from "./desired.ts";
import { fits } from "./header-digest.ts";

/** A field that changes, in words. */
export interface FieldChange {
	readonly name: string;
	readonly from: string;
	readonly to: string;
}

/** The value of a field, as the file asks for it and as it stands. */
interface Field {
	readonly name: string;
	readonly desired: unknown;
	readonly actual: unknown;
	readonly say: (value: unknown) => string;
}

/** The fields of a webhook that change. */
export function webhookChanges(
	desired: DesiredWebhook,
	actual: Webhook,
	own: Readonly<Record<string, string>>,
): FieldChange[] {
	const changes = changesOf([
		{ name: "name", desired: desired.name, actual: actual.name, say },
		{ name: "endpoint", desired: href(desired.endpoint), actual: href(actual.endpoint), say },
		{ name: "eventTypes", desired: sorted(desired.eventTypes), actual: sorted(actual.eventTypes), say: sayAll },
		{ name: "description", desired: desired.description, actual: actual.description, say },
		{ name: "metadata", desired: desired.metadata, actual: own, say },
		{ name: "timeout", desired: desired.timeout, actual: actual.timeoutMs, say: sayDuration },
		{ name: "rateLimit", desired: desired.rateLimit, actual: actual.rateLimit?.perSecond ?? null, say },
		{ name: "disableAfter", desired: desired.disableAfter, actual: actual.disableAfterMs, say: sayDuration },
		{ name: "maxRetries", desired: desired.maxRetries, actual: actual.retries.maxRetries, say },
		{ name: "maxRetryDelay", desired: desired.maxRetryDelay, actual: actual.retries.maxRetryDelay, say: sayDuration },
		{ name: "schedule", desired: desired.schedule, actual: actual.retries.scheduleMs ?? null, say },
		{ name: "paused", desired: desired.paused, actual: actual.status === "Paused", say },
	]);
	if (areOtherHeaders(desired, actual)) {
		const names = (headers: object) => Object.keys(headers).join(", ") || "none";
		changes.push({ name: "headers", from: names(actual.headers), to: `${names(desired.headers ?? {})} (new values)` });
	}
	if (isOtherSecret(desired, actual)) {
		changes.push({ name: "secret", from: `…${actual.secretHint}`, to: "another; the old one signs too for 24 h" });
	}
	return changes;
}

/** Whether the file's headers are not those that were set last. Their values are known by a digest only. */
export function areOtherHeaders({ headers }: DesiredWebhook, actual: Webhook): boolean {
	if (headers === undefined) return false;
	const names = (of: object) =>
		Object.keys(of)
			.map((name) => name.toLowerCase())
			.toSorted()
			.join("\n");
	if (names(headers) !== names(actual.headers)) return true;
	return names(headers) !== "" && !fits(actual.metadata[HEADERS_MARK], headers);
}

/** Whether the file's secret is another: the server shows the last four characters. */
export function isOtherSecret({ secret }: DesiredWebhook, { secretHint }: Webhook): boolean {
	return secret !== undefined && !secret.endsWith(secretHint);
}

/** The fields of an event type that change. */
export function eventTypeChanges(desired: EventTypeSettings, actual: EventType): FieldChange[] {
	return changesOf([
		{ name: "description", desired: desired.description, actual: actual.description, say },
		{ name: "schema", desired: desired.schema, actual: actual.schema, say },
		{ name: "example", desired: desired.example, actual: actual.example, say },
		{ name: "archived", desired: desired.archived, actual: actual.archived, say },
		{ name: "visibility", desired: desired.visibility, actual: actual.visibility, say },
	]);
}

/** The fields of the project that change. */
export function projectChanges(desired: UpdateProject, actual: Project): FieldChange[] {
	return changesOf([
		{ name: "name", desired: desired.name, actual: actual.name, say },
		{ name: "eventTypes", desired: desired.eventTypes, actual: actual.eventTypePolicy ?? "open", say },
		...LIMITS.map((name) => ({ name, desired: desired[name], actual: actual[name] ?? null, say: sayLimit })),
	]);
}

/** The settings of a project that are numbers; null for the server's. */
export const LIMITS = [
	"retentionDays",
	"payloadRetentionDays",
	"maxEventsPerSecond",
	"maxStoredBytes",
	"maxWebhooksPerCustomer",
	"maxReplaysPerCustomer",
	"maxStreamsPerCustomer",
	"maxTestsPerCustomer",
] as const;

function changesOf(fields: readonly Field[]): FieldChange[] {
	return fields
		.filter(({ desired, actual }) => desired !== undefined && canonical(desired) !== canonical(actual))
		.map(({ name, desired, actual, say }) => ({ name, from: say(actual), to: say(desired) }));
}

/** JSON with the names of maps in order. Numbers are as they are written: an example with 1.10 is another one than with 1.1. */
function canonical(value: unknown): string {
	return JSON.stringify(value, (_, part: unknown) => {
		if (part === null || typeof part !== "object" || Array.isArray(part) || isExactNumber(part)) return part;
		return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)));
	});
}

function href(endpoint: string | undefined): string | undefined {
	return endpoint === undefined ? undefined : (URL.parse(endpoint)?.href ?? endpoint);
}

function sorted(list: readonly string[] | null | undefined) {
	return list === null || list === undefined ? list : [...new Set(list)].toSorted();
}

function say(value: unknown): string {
	if (value === null) return "none";
	const text = typeof value === "string" ? value : JSON.stringify(value);
	return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function sayAll(value: unknown): string {
	return value === null ? "all" : (value as string[]).join(", ");
}

function sayDuration(value: unknown): string {
	return value === 0 ? "never" : shortDuration(value as number);
}

function sayLimit(value: unknown): string {
	return value === null ? "the server's setting" : JSON.stringify(value);
}
