// `fanfare webhooks test`: sends a signed sample to a webhook now, and shows the answer.
import type { WebhookTest } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { EXIT } from "../../frame/failure.ts";
import { WEBHOOK, webhookIdOf } from "../../frame/named.ts";
import { readJson } from "../../frame/values.ts";
import { printable } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";

interface Options extends CommonOptions {
	readonly eventType?: string;
	readonly data?: string;
	readonly exchange?: boolean;
}

/** Adds `test` to the group. */
export function addTest(group: Command): void {
	leaf<Options>(
		group,
		{
			usage: "test [webhook]",
			summary: "Send a signed sample to a webhook now, and show the response.",
			description: "Exits with 1 if the endpoint did not respond with a 2xx.",
			args: { webhook: WEBHOOK },
			options: [
				option(
					"--event-type <type>",
					"Send the example of this event type, or --data as an event of this type. Default: a generic sample.",
				),
				option("--data <json>", "The data to send, as JSON, @file, or @- for standard input. Numbers keep all digits."),
				option("--exchange", "Show the request as it was sent, with its headers, and the whole response."),
			],
			examples: [
				"fanfare webhooks test billing",
				"fanfare webhooks test billing --event-type order.paid --data '{\"orderId\": 42}' --exchange",
			],
			changes: "ask",
		},
		test,
	);
}

async function test(call: Call<Options>, given: string | undefined): Promise<void> {
	const project = await call.project();
	const id = await webhookIdOf(call, project, given);
	const { eventType, data, exchange } = call.options;
	const sample = { eventType, ...(data !== undefined && { data: await readJson("--data", data) }) };
	const result = await project.batch.webhooks.test(id, { ...sample, ...(exchange === true && { exchange }) });
	const isOk = result.status === "Ok";
	await call.output.object(result, id, () => [
		["Result", isOk ? onStdout("green", "✓ the endpoint works") : onStdout("red", "✗ failed")],
		["Response", result.responseCode === 0 ? "none" : `${result.responseCode} after ${result.latencyMs} ms`],
		["Attempts", String(result.attemptCount)],
		["Reason", result.reason === null ? null : printable(result.reason)],
		["Failed by", result.failedBy === "fanfare" ? "this server, not the endpoint" : null],
		...exchangeRows(result),
	]);
	if (!isOk) process.exitCode = EXIT.failed;
}

function exchangeRows({ exchange, body }: WebhookTest): (readonly [string, string | null])[] {
	if (exchange === undefined) return [["Body", body === null || body === "" ? null : printable(body, { lines: true })]];
	const { request, response } = exchange;
	const sent = message(`${request.method} ${request.url}`, request);
	return [
		["Request", sent],
		["Response", response === null ? null : message(String(response.responseCode), response)],
	];
}

/** A request or a response as it is in HTTP: its first line, its headers, an empty line, and the body. */
function message(
	first: string,
	{ headers, body }: { headers: Readonly<Record<string, string>>; body: string },
): string {
	const lines = [first, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
	const head = lines.map((line) => printable(line)).join("\n");
	return body === "" ? head : `${head}\n\n${printable(body, { lines: true })}`;
}
