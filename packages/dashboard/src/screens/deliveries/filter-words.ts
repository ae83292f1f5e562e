// What a filter of deliveries is called, and what it is set to, in words.
import type { Webhook } from "@fanfare/sdk";

import {
	filterPart,
	SPANS,
	timeOf,
	valuesOf,
	type DeliveriesFilter,
	type DeliveriesSearch,
	type ErrorName,
} from "../../app/search.ts";
import { causeWords } from "../../parts/text/causes.ts";
import { idEnd } from "../../parts/text/format.ts";
import { formatTime, type Zone } from "../../parts/text/zone.ts";

/** A filter of the address. */
export type FilterName = keyof DeliveriesFilter;

/** What the words need to know. */
export interface Known {
	readonly webhooks: readonly Pick<Webhook, "id" | "name">[];
	readonly zone: Zone;
}

const WORDS: Readonly<Record<FilterName, (value: string, known: Known) => string>> = {
	status: (value) => `State ${listed(value)}`,
	code: (value) => `Response ${listed(value, (code) => (code === "0" ? "none" : code))}`,
	cause: (value) => `Cause ${listed(value, causeWords)}`,
	error: errorText,
	webhook: (value, { webhooks }) => `Webhook ${webhooks.find(({ id }) => id === value)?.name ?? idEnd(value)}`,
	event: (value) => `Event ${idEnd(value)}`,
	type: (value) => `Event type ${listed(value)}`,
	customer: (value) => `Customer ${value}`,
	tag: (value) => `Tag ${value}`,
	range: (value) => `Created in the last ${spanOf(value)}`,
	changed: (value) => `Changed in the last ${spanOf(value)}`,
	after: (value, { zone }) => `Created since ${formatTime(timeOf(value), "short", zone)}`,
	before: (value, { zone }) => `Created before ${formatTime(timeOf(value), "short", zone)}`,
};

/** What the kinds of errors mean. */
export const ERROR_WORDS: Readonly<Record<ErrorName, string>> = {
	timeout: "timed out",
	dns: "name not found",
	refused: "connection refused",
	reset: "connection lost",
	tls: "TLS failed",
	blocked_address: "address is not public",
	protocol: "response is not HTTP",
	unreachable: "host cannot be reached",
};

/** A kind of error in words. */
export function errorWords(error: string): string {
	return (ERROR_WORDS as Readonly<Record<string, string>>)[error] ?? error;
}

/** Such as `Error timed out, TLS failed`. */
export function errorText(value: string): string {
	return `Error ${listed(value, errorWords)}`;
}

/** Such as `Cause connection refused`. */
export function filterWords(name: FilterName, value: string, known: Known): string {
	return WORDS[name](value, known);
}

/** The filters of a search, without the delivery beside the list. */
export function filtersOf(search: DeliveriesSearch): readonly (readonly [name: FilterName, value: string])[] {
	return Object.entries(filterPart(search)) as unknown as readonly (readonly [FilterName, string])[];
}

function listed(value: string, words: (one: string) => string = String): string {
	return valuesOf(value).map(words).join(", ");
}

function spanOf(range: string): string {
	return (SPANS as Readonly<Record<string, string>>)[range] ?? range;
}
