// `fanfare trigger`: sends an example event, by default only to the listener of this machine.
import type { Delivery, DeliveryDetail, ProjectHandle, Relay, SendEvent } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { CommandError, EXIT, usageError } from "../../frame/failure.ts";
import { webhookIdOf } from "../../frame/named.ts";
import { collecting } from "../../frame/refusals/given-twice.ts";
import { parseList, readJson } from "../../frame/values.ts";
import { counted } from "../../text/numbers.ts";
import { printable, printableJson } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";
import { parseDuration } from "../../text/times.ts";
import { choicesOf, exactEventType } from "../event-types/event-types.ts";
import { defaultDevice } from "../listen/devices.ts";
import { collectAssignment, withAssignments, type Assignment } from "./assignments.ts";

interface Options extends CommonOptions {
	readonly data?: string;
	readonly set?: readonly Assignment[];
	readonly device?: string;
	readonly webhook?: string[];
	readonly everyone?: boolean;
	readonly customer?: string;
	readonly wait?: number;
}

const DEFAULT_WAIT_MS = 10_000;
const LOOK_EVERY_MS = 100;
/** Deliveries whose result is shown. */
const MAX_SHOWN = 100;

/** Adds the command to the program. */
export function addTrigger(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "trigger [type]",
			summary: "Send an example event to your listener.",
			description:
				"It sends the example of the event type, or the data that you give, and shows the result. The event reaches only the listener that runs on this machine (`fanfare listen`), unless --webhook or --everyone says otherwise. Exit code 1 if a delivery did not succeed in time.",
			args: { type: "The event type, such as order.paid. Asked for on a terminal." },
			changes: "ask",
			options: [
				option(
					"--data <json>",
					"The data, as JSON, @file, or @- for standard input. Default: the example of the type.",
				),
				collecting("--set <path=value>", "Change a value, such as data.total=99. May be repeated.", collectAssignment),
				option("--device <name>", "The listener. Default: user@machine."),
				option("--webhook <list>", "To these webhooks instead, by id, key or name.", parseList),
				option("--everyone", "To every webhook that wants it."),
				option("--customer <id>", "The customer that it is for."),
				option("--wait <duration>", "How long to wait for the result; 0s for not at all. Default: 10s.", parseDuration),
			],
			examples: [
				"fanfare trigger order.paid --set data.total=99",
				"fanfare trigger order.paid --everyone --customer acme",
			],
		},
		trigger,
	);
}

async function trigger(call: Call<Options>, given: string | undefined): Promise<void> {
	const { options, output } = call;
	const { everyone = false, webhook, customer: customerId, wait = DEFAULT_WAIT_MS } = options;
	if ([everyone, webhook !== undefined, options.device !== undefined].filter(Boolean).length > 1) {
		throw usageError("Pass one of --device, --webhook and --everyone.");
	}
	const project = await call.project();
	const type = given ?? (await call.pick("event type", "type", choicesOf(project), "fanfare event-types list"));
	const data = withAssignments(await dataOf(call, project, type), options.set ?? []);
	const event: SendEvent = { type, data, customerId };
	const webhookIds = everyone ? null : await targetsOf(call, project);
	if (webhookIds === null) {
		const { matchedCount } = await project.events.match({ type, customerId, limit: 1 });
		await call.confirm(`Send ${type} to ${counted(matchedCount, "webhook")}?`);
	}
	const sent = await project.events.send({ ...event, ...(webhookIds !== null && { webhookIds }) });
	const deliveries = wait === 0 ? [] : await results(project, sent.id, sent.deliveryCount, wait);
	if (output.mode === "json") {
		await output.data(printableJson({ object: "triggered", event: sent, deliveries }));
	} else if (output.mode === "quiet") {
		await output.data(sent.id);
	} else {
		const lines = deliveries.map((delivery) => `  → ${printable(delivery.webhookName)}: ${resultOf(delivery)}`);
		const nobody = sent.deliveryCount === 0 ? ["  → no webhook wants it"] : [];
		await output.data([`${sent.id}  ${printable(type)}`, ...lines, ...nobody].join("\n"));
		if (sent.deliveryCount > MAX_SHOWN)
			output.note(`These are ${MAX_SHOWN} of ${counted(sent.deliveryCount, "delivery", "deliveries")}.`);
	}
	if (deliveries.some(({ status }) => status !== "Succeeded")) process.exitCode = EXIT.failed;
}

/** The data that is given, or the example of the event type. */
async function dataOf(call: Call<Options>, project: ProjectHandle, type: string): Promise<unknown> {
	const { options } = call;
	if (options.data !== undefined) return readJson("--data", options.data);
	const { example } = await exactEventType(call, project, type);
	if (example !== null && example !== undefined) return example;
	if (options.set !== undefined) return {};
	throw usageError(
		`The event type ${JSON.stringify(type)} has no example. Pass --data, or give it one.`,
		`fanfare event-types update ${type} --help`,
	);
}

/** The webhooks that are named, or the relay of the listener. */
async function targetsOf(call: Call<Options>, project: ProjectHandle): Promise<string[]> {
	const { webhook, device = defaultDevice() } = call.options;
	if (webhook !== undefined) {
		const ids: string[] = [];
		for (const name of webhook) ids.push(await webhookIdOf(call, project, name));
		return ids;
	}
	const all = await project.relays.list();
	const mine = all.filter((relay) => relay.device === device);
	const relay = mine.find(({ connected }) => connected) ?? mine[0];
	if (relay !== undefined) return [withNote(call, relay).webhookId];
	const others = all.filter(({ connected }) => connected).map((other) => other.device);
	const known =
		others.length === 0 ? "None is connected." : `These are: ${others.map((name) => printable(name)).join(", ")}.`;
	throw new CommandError(
		`There is no listener ${device}. ${known} Start it, or send the event to others with --everyone, --webhook or --device.`,
		EXIT.notFound,
		"fanfare listen",
	);
}

function withNote({ output }: Call<Options>, relay: Relay): Relay {
	const state = relay.connected ? "" : ", which is away: it gets the event when it is back";
	output.note(`→ only to your listener ${printable(relay.device)}${state}. To every webhook that wants it: --everyone`);
	return relay;
}

/** The deliveries, when all are settled or have had an attempt, or when the time is over. */
async function results(
	project: ProjectHandle,
	eventId: string,
	count: number,
	waitMs: number,
): Promise<readonly (Delivery | DeliveryDetail)[]> {
	const { setTimeout: sleep } = await import("node:timers/promises");
	const endAt = Date.now() + waitMs;
	for (;;) {
		const { data } = await project.deliveries.list({ eventId, limit: MAX_SHOWN });
		const isOver = data.every(({ status, attemptCount }) => attemptCount > 0 || status !== "Pending");
		if ((data.length >= Math.min(count, MAX_SHOWN) && isOver) || Date.now() >= endAt) return data;
		await sleep(LOOK_EVERY_MS);
	}
}

function resultOf({ status, responseCode, lastAttempt, attemptCount, reason }: Delivery | DeliveryDetail): string {
	if (attemptCount === 0) return `${status}, no attempt yet${reason === null ? "" : `: ${printable(reason)}`}`;
	const answer = lastAttempt?.error ?? String(responseCode);
	const took = lastAttempt === null || lastAttempt === undefined ? "" : ` in ${lastAttempt.durationMs} ms`;
	return onStdout(status === "Succeeded" ? "green" : "red", answer) + took;
}
