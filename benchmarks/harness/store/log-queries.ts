// The pages that a client can ask for: every combination of filters, at the start of the log and deep inside.
import { COMMON_TYPE, HOUR_MS, LOG_SPAN_MS, RARE_TYPE } from "./log-rows.ts";

/** The values of the log that the queries use. */
export interface LogFacts {
	readonly webhookId: string;
	/** An event with a delivery to another webhook. */
	readonly eventId: string;
	/** The end of the log. */
	readonly now: number;
	/** Cursors of pages nine tenths into the log. */
	readonly deep: { readonly deliveries: string; readonly events: string };
}

export interface LogQuery {
	/** For example `deliveries status=Failed responseCode=200 deep`. */
	readonly name: string;
	/** The path after the project's own path. */
	readonly path: string;
}

export type Choices = readonly (readonly [label: string, query: Readonly<Record<string, string>>])[];

/** Does not filter. */
export const ANY = ["", {}] as const;

/** The queries for every combination of filters; `limit` is the length of a page. */
export function logQueries(facts: LogFacts, limit: number): LogQuery[] {
	const { webhookId, eventId, now, deep } = facts;
	const choices = (name: string, values: readonly string[]): Choices => [
		ANY,
		...values.map((value) => [`${name}=${value}`, { [name]: value }] as const),
	];
	const hours = (from: number): Readonly<Record<string, string>> => ({
		after: String(Math.round(from)),
		before: String(Math.round(from + HOUR_MS)),
	});
	const times: Choices = [ANY, ["one old hour", hours(now - LOG_SPAN_MS / 2)]];
	const page = (cursor: string): Choices => [ANY, ["deep", { page: cursor }]];
	const given = (name: string, value: string): Choices => [ANY, [`${name}=one`, { [name]: value }]];
	return [
		...queriesOf("deliveries", limit, [
			given("webhookId", webhookId),
			given("eventId", eventId),
			choices("eventType", [COMMON_TYPE, RARE_TYPE]),
			choices("status", ["Pending", "Succeeded", "Failed", "Held", "Cancelled"]),
			choices("responseCode", ["200", "204", "500", "0", "418"]),
			times,
			page(deep.deliveries),
		]),
		...queriesOf("events", limit, [choices("type", [COMMON_TYPE, RARE_TYPE]), times, page(deep.events)]),
	];
}

/** Every combination of the choices: one of each. */
export function queriesOf(list: string, limit: number, parts: readonly Choices[]): LogQuery[] {
	let combinations: Choices = [ANY];
	for (const part of parts) {
		combinations = combinations.flatMap(([label, query]) =>
			part.map(([more, add]) => [[label, more].filter(Boolean).join(" "), { ...query, ...add }] as const),
		);
	}
	return combinations.map(([label, query]) => ({
		name: `${list} ${label}`.trim(),
		path: `/${list}?${new URLSearchParams({ ...query, limit: String(limit) }).toString()}`,
	}));
}
