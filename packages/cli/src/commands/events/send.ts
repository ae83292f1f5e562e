// `fanfare events send`: sends one event.
import type { SendEvent } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { usageError } from "../../frame/failure.ts";
import { webhookIdOf } from "../../frame/named.ts";
import { parseList, readJson } from "../../frame/values.ts";
import { counted } from "../../text/numbers.ts";
import { parseTime } from "../../text/times.ts";
import { choicesOf } from "../event-types/event-types.ts";
import { eventFields } from "./show.ts";

/** Options that say for which customers an event is. */
export interface RecipientOptions {
	readonly customer?: string[];
	readonly everyCustomer?: boolean;
}

interface Options extends CommonOptions, RecipientOptions {
	readonly data?: string;
	readonly timestamp?: number;
	readonly idempotencyKey?: string;
	readonly webhook?: string[];
	readonly tag?: string[];
}

const OTHER = "another type…";

/** Adds `send` to the group. */
export function addSend(group: Command): void {
	leaf<Options>(
		group,
		{
			usage: "send [type]",
			summary: "Send an event to every webhook that wants it.",
			args: { type: "The event type, such as order.paid. Asked for on a terminal." },
			changes: "ask",
			options: [
				option(
					"--data <json>",
					"The data, as JSON, @file, or @- for standard input. Numbers keep all digits. Default: {}.",
				),
				option("--timestamp <time>", "When the event happened. Default: now.", (text) => parseTime(text)),
				option("--idempotency-key <key>", "Sends with the same key are one event. Default: a random key."),
				option("--webhook <list>", "Only to these webhooks, by id, key or name.", parseList),
				option("--customer <list>", "The customers that it is for.", parseList),
				option("--every-customer", "For all customers."),
				option("--tag <list>", "Up to five labels, by which it can be found.", parseList),
			],
			examples: [
				"fanfare events send order.paid --data '{\"orderId\": 42}'",
				"fanfare events send order.paid --data @order.json --customer acme --tag order:42",
			],
		},
		send,
	);
}

async function send(call: Call<Options>, given: string | undefined): Promise<void> {
	const { data = "{}", timestamp, idempotencyKey, webhook, tag: tags } = call.options;
	const recipients = recipientsOf(call.options, "fanfare events send --help");
	const project = await call.project();
	const type = given ?? (await askType(call));
	const webhookIds: string[] = [];
	for (const name of webhook ?? []) webhookIds.push(await webhookIdOf(call, project, name));
	const event: SendEvent = {
		type,
		data: await readJson("--data", data),
		timestamp,
		idempotencyKey,
		tags,
		...(webhook !== undefined && { webhookIds }),
		...recipients,
	};
	const sent = await project.events.send(event);
	await call.output.object(sent, sent.id, () => eventFields(sent));
	if (sent.duplicate) call.output.note("This idempotency key was used before: nothing was sent again.");
	else call.output.done(`Accepted, with ${counted(sent.deliveryCount, "delivery", "deliveries")}.`);
}

/** The customers as the API takes them. */
export function recipientsOf(
	{ customer, everyCustomer }: RecipientOptions,
	help: string,
): Pick<SendEvent, "customerId" | "customerIds"> {
	if (everyCustomer === true && customer !== undefined) {
		throw usageError("Pass --customer or --every-customer, not both.", help);
	}
	if (everyCustomer === true) return { customerIds: "*" };
	if (customer === undefined) return {};
	const [customerId, ...others] = customer;
	return others.length === 0 ? { customerId } : { customerIds: customer };
}

async function askType(call: Call<Options>): Promise<string> {
	const project = await call.project();
	const known = call.isInteractive ? (await project.eventTypes.list({ limit: 1 })).data.length > 0 : true;
	if (!known) return call.need("type", undefined, "The event type, such as order.paid");
	async function* choices() {
		yield* choicesOf(project);
		yield { value: OTHER, label: OTHER };
	}
	const type = await call.pick("event type", "type", choices(), "fanfare event-types list");
	return type === OTHER ? call.need("type", undefined, "The event type, such as order.paid") : type;
}
