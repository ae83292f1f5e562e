// `fanfare events match`: who would get an event, without sending it.
import type { ProjectHandle, Routing } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { listOptions, pageSize, rowLimit, type ListOptions } from "../../frame/lists.ts";
import { parseList } from "../../frame/values.ts";
import { counted } from "../../text/numbers.ts";
import type { Column } from "../../text/table.ts";
import { choicesOf } from "../event-types/event-types.ts";
import { recipientsOf, type RecipientOptions } from "./send.ts";

interface Options extends CommonOptions, ListOptions, RecipientOptions {}

const COLUMNS: readonly Column<Routing>[] = [
	{ title: "gets it", value: ({ gets }) => (gets ? "yes" : "no") },
	{ title: "why", value: ({ reason }) => reason },
	{ title: "webhook", value: ({ webhookName }) => webhookName, flexible: true },
	{ title: "customer", value: ({ customerId = "–" }) => customerId, flexible: true, optional: 2 },
	{ title: "status", value: ({ status }) => status, optional: 1 },
	{ title: "id", value: ({ webhookId }) => webhookId },
];

/** Adds `match` to the group. */
export function addMatch(group: Command): void {
	leaf<Options>(
		group,
		{
			usage: "match [type]",
			summary: "Say which webhooks would get an event, and why the others would not.",
			description: "Nothing is sent.",
			args: { type: "The event type, such as order.paid. Asked for on a terminal." },
			options: [
				option("--customer <list>", "The customers that it would be for.", parseList),
				option("--every-customer", "For all customers."),
				...listOptions(),
			],
			examples: ["fanfare events match order.paid --customer acme"],
		},
		match,
	);
}

async function match(call: Call<Options>, given: string | undefined): Promise<void> {
	const recipients = recipientsOf(call.options, "fanfare events match --help");
	const project = await call.project();
	const type = given ?? (await call.pick("event type", "type", choicesOf(project), "fanfare event-types list"));
	let matched = 0;
	const rows = pages(call, project, { type, ...recipients }, (count) => (matched = count));
	const view = { columns: COLUMNS, id: ({ webhookId }: Routing) => webhookId, empty: "There are no webhooks." };
	await call.output.list(rows, { ...view, limit: rowLimit(call.options) });
	call.output.note(`${counted(matched, "webhook")} would get it.`);
}

async function* pages(
	call: Call<Options>,
	project: ProjectHandle,
	event: { readonly type: string },
	tell: (matched: number) => void,
): AsyncGenerator<Routing> {
	for (let page: string | undefined; ;) {
		const step = await project.events.match({ ...event, limit: pageSize(call.options), page });
		tell(step.matchedCount);
		yield* step.data;
		if (step.nextPage === null) return;
		page = step.nextPage;
	}
}
