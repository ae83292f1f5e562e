// Texts to take along: the request as curl, and the whole delivery for somebody who helps.
import type { Attempt, DeliveryDetail } from "@fanfare/sdk";

/** Headers that curl sets itself. */
const LEFT_OUT = new Set(["content-length", "host"]);

/** The request of an attempt as a command for a shell. Values that are hidden stay hidden. */
export function asCurl({ endpoint, request }: Pick<Attempt, "endpoint" | "request">, body: string): string {
	const headers = Object.entries(request.headers)
		.filter(([name]) => !LEFT_OUT.has(name))
		.map(([name, value]) => `  -H ${quoted(`${name}: ${value}`)}`);
	return [`curl -X POST ${quoted(endpoint ?? "URL")}`, ...headers, `  --data-binary ${quoted(body)}`].join(" \\\n");
}

/** Markdown with everything but the payload and secrets. */
export function forSupport(delivery: DeliveryDetail): string {
	const attempts = delivery.attempts.map(
		({ number, startDate, responseCode, durationMs, reason, remoteAddress }) =>
			`| ${number} | ${new Date(startDate).toISOString()} | ${responseCode === 0 ? "–" : responseCode} | ${durationMs} ms | ${remoteAddress ?? "–"} | ${cell(reason)} |`,
	);
	return [
		`**Delivery** \`${delivery.id}\``,
		`**Event** \`${delivery.eventId}\` of type \`${delivery.eventType}\``,
		`**Webhook** \`${delivery.webhookId}\``,
		`**Status** ${delivery.status}${delivery.reason === null ? "" : `: ${delivery.reason}`}`,
		"",
		"| attempt | started | code | took | address | reason |",
		"| --- | --- | --- | --- | --- | --- |",
		...attempts,
	].join("\n");
}

/** In single quotes, which a shell takes as they are. */
function quoted(text: string): string {
	return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function cell(text: string | null): string {
	return (text ?? "–").replaceAll("|", "\\|").replaceAll("\n", " ");
}
