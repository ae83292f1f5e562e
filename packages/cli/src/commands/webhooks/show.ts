// How a webhook is shown: in a row, and in full.
import type { Webhook } from "@fanfare/sdk";

import type { Call } from "../../frame/call.ts";
import { counted } from "../../text/numbers.ts";
import { printable } from "../../text/printable.ts";
import { styledStatus } from "../../text/style.ts";
import type { Column } from "../../text/table.ts";
import { fullTime, relativeTime, shortDuration } from "../../text/times.ts";

/** The columns of the list. */
export const COLUMNS: readonly Column<Webhook>[] = [
	{
		title: "state",
		value: (webhook) => `  ${stateOf(webhook)}`,
		style: (_, webhook) => styledStatus(stateOf(webhook)),
	},
	{ title: "name", value: ({ name }) => name, flexible: true },
	{ title: "endpoint", value: ({ endpoint }) => endpoint, flexible: true },
	{ title: "customer", value: ({ customerId }) => customerId ?? "–", flexible: true, optional: 3 },
	{ title: "types", value: ({ eventTypes }) => typesOf(eventTypes), flexible: true, optional: 4 },
	{ title: "waiting", value: waitingOf, align: "right", optional: 2 },
	{ title: "last response", value: lastResponseOf, optional: 1 },
	{ title: "id", value: ({ id }) => id },
];

/** Prints a webhook. */
export async function showWebhook({ output }: Call, webhook: Webhook): Promise<void> {
	await output.object(webhook, webhook.id, () => webhookFields(webhook));
}

/** The fields of a webhook, as names and values. */
export function webhookFields(webhook: Webhook): (readonly [string, string | null])[] {
	const { retries, health, deliveries } = webhook;
	return [
		["Id", webhook.id],
		["Name", printable(webhook.name)],
		["Key", webhook.key ?? null],
		["Endpoint", printable(webhook.endpoint)],
		["State", `${styledStatus(webhook.status)}${webhook.pausedReason === "restored" ? " by a restore" : ""}`],
		["Disabled since", webhook.disabledReason === null ? null : printable(webhook.disabledReason)],
		["Health", healthText(health)],
		["Deliveries", `${deliveries.Pending} pending, ${deliveries.Held} held, ${deliveries.Failed} failed`],
		["Last attempt", lastAttemptText(webhook)],
		["Customer", webhook.customerId ?? null],
		["Event types", typesOf(webhook.eventTypes)],
		["Description", webhook.description === null ? null : printable(webhook.description)],
		["Retries", retriesText(retries)],
		["Timeout", shortDuration(webhook.timeoutMs)],
		["Rate limit", webhook.rateLimit === null ? null : `${webhook.rateLimit.perSecond} a second`],
		["Disabled after", webhook.disableAfterMs === 0 ? "never" : `${shortDuration(webhook.disableAfterMs)} of failures`],
		["Headers", entriesText(webhook.headers)],
		["Metadata", entriesText(webhook.metadata)],
		["Secret", secretText(webhook)],
		["Created", fullTime(webhook.createDate)],
		["Changed", fullTime(webhook.updateDate)],
	];
}

/** What a person wants to know first: that it stands still, that it fails, or that all is well. */
function stateOf({ status, health }: Webhook): string {
	return status === "Enabled" ? health.state : status;
}

function typesOf(eventTypes: readonly string[] | null): string {
	return eventTypes === null ? "all" : eventTypes.join(", ");
}

function waitingOf({ deliveries }: Webhook): string {
	const waiting = deliveries.Pending + deliveries.Held;
	return waiting === 0 ? "–" : waiting.toLocaleString("en");
}

function lastResponseOf({ lastAttempt }: Webhook): string {
	if (lastAttempt === null) return "–";
	return `${lastAttempt.error ?? lastAttempt.responseCode}, ${relativeTime(lastAttempt.date)}`;
}

function healthText({ state, failingSince, exhaustedCount, disableDate }: Webhook["health"]): string {
	const parts = [styledStatus(state)];
	if (failingSince !== null) parts.push(`failing since ${relativeTime(failingSince)}`);
	if (exhaustedCount > 0) parts.push(`${counted(exhaustedCount, "delivery", "deliveries")} exhausted`);
	if (disableDate !== null) parts.push(`disabled ${relativeTime(disableDate)} unless one succeeds`);
	return parts.join(", ");
}

function lastAttemptText({ lastAttempt }: Webhook): string {
	if (lastAttempt === null) return "none yet";
	const { responseCode, error, cause, date, deliveryId } = lastAttempt;
	const answer = error === null ? String(responseCode) : `${error}${cause === null ? "" : ` (${cause})`}`;
	return `${answer}, ${fullTime(date)}, ${deliveryId}`;
}

function retriesText({ maxRetries, maxRetryDelay, scheduleMs }: Webhook["retries"]): string {
	if (scheduleMs !== null && scheduleMs !== undefined) {
		return `${maxRetries}, after ${scheduleMs.map((ms) => shortDuration(ms)).join(", ")}`;
	}
	return `${maxRetries}, at most ${shortDuration(maxRetryDelay)} apart`;
}

function entriesText(entries: Readonly<Record<string, string>>): string | null {
	const lines = Object.entries(entries).map(([name, value]) => printable(`${name}=${value}`));
	return lines.length === 0 ? null : lines.join("\n");
}

function secretText({ secretHint, secretOverlapUntil }: Webhook): string {
	const older = secretOverlapUntil === null ? "" : `; an older one signs too until ${fullTime(secretOverlapUntil)}`;
	return `ends in ${printable(secretHint)}${older}`;
}
