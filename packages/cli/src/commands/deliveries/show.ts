// How a delivery and its attempts are shown.
import type { Attempt, Delivery, DeliveryDetail } from "@fanfare/sdk";

import type { Call } from "../../frame/call.ts";
import { printable } from "../../text/printable.ts";
import { onStdout, styledStatus } from "../../text/style.ts";
import { renderTable, type Column } from "../../text/table.ts";
import { exactTime, fullTime, relativeTime } from "../../text/times.ts";

/** The columns of the list. */
export const COLUMNS: readonly Column<Delivery>[] = [
	{ title: "state", value: ({ status }) => `  ${status}`, style: (_, { status }) => styledStatus(status) },
	{ title: "type", value: ({ eventType }) => eventType, flexible: true },
	{ title: "webhook", value: ({ webhookName }) => webhookName, flexible: true },
	{
		title: "response",
		value: ({ responseCode, lastAttempt }) =>
			lastAttempt?.error ?? (responseCode === null ? "–" : String(responseCode)),
		align: "right",
	},
	{ title: "attempts", value: ({ attemptCount }) => String(attemptCount), align: "right", optional: 2 },
	{
		title: "next",
		value: ({ nextAttemptDate }) => (nextAttemptDate === null ? "–" : relativeTime(nextAttemptDate)),
		optional: 1,
	},
	{ title: "created", value: ({ createDate }) => relativeTime(createDate), optional: 3 },
	{ title: "id", value: ({ id }) => id },
];

/** The columns of attempts. */
export const ATTEMPT_COLUMNS: readonly Column<Attempt>[] = [
	{ title: "#", value: ({ number }) => String(number), align: "right" },
	{ title: "began", value: ({ startDate }) => exactTime(startDate).slice(0, 19) },
	{ title: "response", value: ({ error, responseCode }) => error ?? String(responseCode), style: colored },
	{ title: "took", value: ({ durationMs }) => `${durationMs} ms`, align: "right" },
	{ title: "by", value: ({ trigger }) => trigger, optional: 2 },
	{ title: "address", value: ({ remoteAddress }) => remoteAddress ?? "–", optional: 3 },
	{ title: "reason", value: ({ reason }) => reason ?? "", flexible: true, optional: 1 },
];

/** Prints a delivery with its attempts. */
export async function showDelivery({ output }: Call, delivery: DeliveryDetail): Promise<void> {
	await output.object(delivery, delivery.id, () => [
		["Id", delivery.id],
		["State", styledStatus(delivery.status)],
		["Reason", delivery.reason === null ? null : printable(delivery.reason)],
		["Event", `${delivery.eventId} (${printable(delivery.eventType)})`],
		["Webhook", `${printable(delivery.webhookName)} (${delivery.webhookId}) at ${printable(delivery.webhookHost)}`],
		["Customer", delivery.customerId ?? null],
		["Next attempt", delivery.nextAttemptDate === null ? null : fullTime(delivery.nextAttemptDate)],
		["Created", fullTime(delivery.createDate)],
		["Changed", fullTime(delivery.updateDate)],
		["Attempts", attemptsText(delivery)],
		["Last response", lastResponse(delivery)],
	]);
}

function attemptsText({ attempts, hasMoreAttempts }: DeliveryDetail): string {
	if (attempts.length === 0) return "none yet";
	const lines = renderTable(ATTEMPT_COLUMNS, attempts, process.stdout.isTTY ? process.stdout.columns - 15 : Infinity);
	return (hasMoreAttempts ? ["older ones: fanfare deliveries attempts", ...lines] : lines).join("\n");
}

function lastResponse({ attempts }: DeliveryDetail): string | null {
	const response = attempts.at(-1)?.response ?? null;
	if (response === null || response.body === "") return null;
	return `${printable(response.body, { lines: true })}${response.bodyTruncated ? "\n… (cut)" : ""}`;
}

function colored(text: string, { responseCode }: Attempt): string {
	return onStdout(responseCode >= 200 && responseCode < 300 ? "green" : "red", text);
}
