// Every filter of the log together with every other one, at the start of the log and deep inside.
import { ANY, queriesOf, type Choices, type LogFacts, type LogQuery } from "./log-queries.ts";
import { COMMON_TYPE, CUSTOMER, HOUR_MS, LOG_SPAN_MS, OFTEN_TAG, ownTag, RARE_TYPE, SOME_TAG } from "./log-rows.ts";

const choices = (name: string, ...values: readonly string[]): Choices => [
	ANY,
	...values.map((value) => [`${name}=${value}`, { [name]: value }] as const),
];

/**
 * The queries for pages of 100 rows. Each filter has values that match much and values that match little. `place` is that of an event
 * whose own tag is looked for.
 */
export function filterQueries({ webhookId, now, deep }: LogFacts, place: number): LogQuery[] {
	const given = (name: string, value: string): Choices => [ANY, [`${name}=one`, { [name]: value }]];
	const between = (label: string, first: string, last: string, hours: number): Choices => {
		const from = Math.round(now - LOG_SPAN_MS / 2);
		return [ANY, [label, { [first]: String(from), [last]: String(from + hours * HOUR_MS) }]];
	};
	const customer = choices("customerId", CUSTOMER);
	const tag = choices("tag", OFTEN_TAG, SOME_TAG, ownTag(place));
	const types = [COMMON_TYPE, RARE_TYPE, "order.*"];
	const attempts: Choices = [
		...choices("responseCode", "204", "5xx,429"),
		["cause=status_404", { cause: "status_404" }],
	];
	const made = between("one old hour", "after", "before", 1);
	const pages = (cursor: string): Choices => [ANY, ["deep", { page: cursor }]];
	const ofDeliveries = [given("webhookId", webhookId), customer, tag, choices("eventType", ...types), attempts];
	return [
		...queriesOf("deliveries", 100, [
			...ofDeliveries,
			choices("status", "Failed,Held", "Succeeded"),
			between("changed in 20 hours", "updatedAfter", "updatedBefore", 20),
			made,
			pages(deep.deliveries),
		]),
		...queriesOf("deliveries", 100, [
			...ofDeliveries,
			between("changed in 20 hours", "updatedAfter", "updatedBefore", 20),
			[["order=updated status=Failed,Held", { order: "updated", status: "Failed,Held" }]],
		]),
		...queriesOf("events", 100, [
			customer,
			tag,
			choices("type", ...types),
			choices("unmatched", "true"),
			choices("idempotencyKey", "none"),
			made,
			pages(deep.events),
		]),
	];
}
