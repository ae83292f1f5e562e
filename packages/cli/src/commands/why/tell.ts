// The story of an event as lines for people.
import type { EventWithData, Routing, RoutingReason } from "@fanfare/sdk";

import { counted } from "../../text/numbers.ts";
import { printable } from "../../text/printable.ts";
import { onStdout, styledStatus } from "../../text/style.ts";
import { exactTime, relativeTime, shortDuration } from "../../text/times.ts";
import { customersOf } from "../events/show.ts";
import type { Story, ToldAttempt, ToldDelivery } from "./told.ts";

/** The most attempts of a delivery that are told. */
const MAX_ATTEMPTS = 5;
/** The most webhooks that are named for one reason. */
const MAX_NAMES = 10;

/** Why webhooks did not get an event. */
const NOT_DELIVERED: Readonly<Partial<Record<RoutingReason, string>>> = {
	not_named: "the sender named other webhooks, or none",
	created_later: "created after the event was accepted; a replay can send it",
	other_customer: "belongs to a customer that the event is not for",
	internal_type: "belongs to a customer, and the event type is internal",
	own_event: "the event is one of Fanfare's own, which its event types must name",
	type_filter: "its event types do not let this type through",
	changed_since: "would get it now: its filter has changed since; a replay can send it",
};

/** Tells the story. */
export function tell(story: Story): string[] {
	const lines = [...aboutEvent(story)];
	for (const delivery of story.deliveries) lines.push("", ...aboutDelivery(delivery));
	if (story.hasMoreDeliveries)
		lines.push("", `There are more deliveries: fanfare deliveries list --event ${story.event.id}`);
	if (story.notDelivered.length > 0) lines.push("", ...aboutOthers(story));
	return lines;
}

function aboutEvent({ event, deliveries }: Story): string[] {
	const type = printable(event.type);
	const lines = [
		`${onStdout("bold", type)}  ${event.id}`,
		`Accepted ${timeText(event.createDate)}${senderText(event)}.`,
	];
	// Without a timestamp of the sender, it is when the request came, shortly before the event was accepted.
	const hasOwnTime = Math.abs(event.timestamp - event.createDate) >= 1_000;
	if (hasOwnTime) lines.push(`Its timestamp is ${timeText(event.timestamp)}.`);
	if (event.targets === "webhooks") lines.push("Its sender named the webhooks that get it.");
	if (event.targets === "nobody") lines.push("Its sender wanted it to reach nobody.");
	if (event.dataErased) lines.push("Its data was erased, so it cannot be sent again.");
	if (event.traceparent !== null) lines.push(`Trace: ${printable(event.traceparent)}`);
	if (deliveries.length === 0) lines.push("It was delivered to no webhook.");
	else lines.push(`It went to ${counted(event.deliveryCount, "webhook")}.`);
	return lines;
}

function senderText(event: Omit<EventWithData, "data">): string {
	if (event.type.startsWith("fanfare.")) return ", from Fanfare itself";
	const customers = customersOf(event);
	const parts = [
		customers === null
			? null
			: `for ${customers === "all customers" ? customers : `the customer ${printable(customers)}`}`,
		event.idempotencyKey === null ? null : `with the idempotency key ${printable(event.idempotencyKey)}`,
		event.tags === undefined ? null : `tagged ${printable(event.tags.join(", "))}`,
	].filter((part) => part !== null);
	return parts.length === 0 ? "" : `, ${parts.join(", ")}`;
}

function aboutDelivery(delivery: ToldDelivery): string[] {
	const { status, webhookName, webhookHost, id, attempts, attemptCount } = delivery;
	const lines = [
		`${styledStatus(status)}  ${onStdout("bold", printable(webhookName))} at ${printable(webhookHost)}  ${id}`,
	];
	const shown = attempts.slice(-MAX_ATTEMPTS);
	const earlier = attemptCount - shown.length;
	if (earlier > 0) lines.push(`  ${counted(earlier, "earlier attempt")}: fanfare deliveries attempts ${id}`);
	for (const attempt of shown) lines.push(`  ${attemptText(attempt)}`);
	const last = attempts.at(-1);
	if (status !== "Succeeded" && last !== undefined && last.cause !== null) lines.push(...explained(last));
	lines.push(...outlook(delivery).map((line) => `  ${line}`));
	return lines;
}

function attemptText({ number, startDate, durationMs, trigger, responseCode, error, reason }: ToldAttempt): string {
	const by = { auto: "", manual: ", retried by hand", replay: ", by a replay" }[trigger];
	const answer = responseCode === 0 ? "no response" : `response ${responseCode}`;
	const why = error === null && reason === null ? "" : `: ${printable(reason ?? error ?? "")}`;
	return `${localTime(startDate)}  attempt ${number}${by}: ${answer} after ${shortDuration(durationMs)}${why}`;
}

function explained({ cause, explanation }: ToldAttempt): string[] {
	if (explanation === null) return [`  Cause   ${printable(cause ?? "")}`];
	const { happened, likely, cure } = explanation;
	return [`  Cause   ${happened} (${cause ?? ""})`, `  Likely  ${likely}`, `  Cure    ${cure}`];
}

/** What happens next with a delivery. */
function outlook(delivery: ToldDelivery): string[] {
	const { status, reason, nextAttemptDate, attemptCount, webhook } = delivery;
	const because = reason === null ? "" : `: ${printable(reason)}`;
	if (webhook === null) return [`The webhook has been deleted, so nothing more happens${because}.`];
	switch (status) {
		case "Succeeded":
			return [];
		case "Held":
			return [
				`It waits, and uses no retry, until the webhook is resumed${because}.`,
				...(webhook.disabledReason === null ? [] : [`The webhook was disabled: ${printable(webhook.disabledReason)}.`]),
			];
		case "Failed":
			return [`No attempt follows${because}. When it works again, retry it.`];
		case "Cancelled":
			return [`No attempt follows, since it was cancelled${because}.`];
		case "Pending":
			return [pendingText(nextAttemptDate, attemptCount, webhook.retries.maxRetries)];
	}
}

function pendingText(nextAttemptDate: number | null, attempts: number, maxRetries: number): string {
	const when =
		nextAttemptDate === null || nextAttemptDate <= Date.now()
			? "is due now, or under way"
			: `follows ${timeText(nextAttemptDate)}`;
	if (attempts === 0) return `The first attempt ${when}.`;
	const left = Math.max(0, maxRetries + 1 - attempts);
	return `The next attempt ${when}; ${left === 0 ? "it is the last one" : `at most ${counted(left, "attempt is", "attempts are")} left`}.`;
}

/** The webhooks that did not get it, by reason. */
function aboutOthers({ notDelivered, hasMoreWebhooks }: Story): string[] {
	const lines = [
		`Not sent to ${counted(notDelivered.length, "webhook")}${hasMoreWebhooks ? " of those looked at" : ""}:`,
	];
	for (const [reason, routes] of Map.groupBy(notDelivered, ({ reason }) => reason)) {
		const names = routes.slice(0, MAX_NAMES).map(nameOf).join(", ");
		const more = routes.length > MAX_NAMES ? ` and ${routes.length - MAX_NAMES} more` : "";
		lines.push(`  – ${names}${more}: ${NOT_DELIVERED[reason] ?? reason}`);
	}
	return lines;
}

function nameOf({ webhookName, customerId }: Routing): string {
	return printable(customerId === undefined ? webhookName : `${webhookName} (${customerId})`);
}

function timeText(ms: number): string {
	return `${localTime(ms)} (${relativeTime(ms)})`;
}

function localTime(ms: number): string {
	return exactTime(ms).slice(0, 19);
}
