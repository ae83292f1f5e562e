// `fanfare deliveries`: events on their way to webhooks.
import type { DeliveryFilter, ProjectHandle } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { choice, leaf } from "../../frame/command.ts";
import { emptyText, listOptions, pageSize, rowLimit, type ListOptions } from "../../frame/lists.ts";
import { printable } from "../../text/printable.ts";
import { relativeTime } from "../../text/times.ts";
import { addExport } from "../exporting/export.ts";
import { addChanges } from "./change.ts";
import { filterOf, filterOptions, type FilterOptions } from "./filter.ts";
import { ATTEMPT_COLUMNS, COLUMNS, showDelivery } from "./show.ts";

interface Filter extends FilterOptions, ListOptions {
	readonly order?: "created" | "updated";
}

/** The text of an argument that names a delivery. */
const DELIVERY = "The delivery's id, such as dlv_…. Asked for on a terminal.";

/** Adds the group to the program. */
export function addDeliveries(program: Command): void {
	const group = program
		.command("deliveries")
		.description("A delivery is one event on its way to one webhook, with one attempt or several.");
	leaf<Filter>(
		group,
		{
			usage: "list",
			summary: "List deliveries, newest first.",
			options: [
				...filterOptions(),
				choice("--order <order>", "updated: what changed last comes first. Needs --status.", ["created", "updated"]),
				...listOptions(),
			],
			examples: [
				"fanfare deliveries list --status Failed --after 24h",
				"fanfare deliveries list --webhook billing --status Failed --order updated --json",
			],
		},
		list,
	);
	leaf(
		group,
		{
			usage: "get [delivery]",
			summary: "Show a delivery with its newest attempts.",
			args: { delivery: DELIVERY },
		},
		async (call, given) => {
			const project = await call.project();
			await showDelivery(call, await project.deliveries.get(await deliveryIdOf(call, project, given)));
		},
	);
	leaf<CommonOptions & ListOptions>(
		group,
		{
			usage: "attempts [delivery]",
			summary: "List all attempts of a delivery, newest first.",
			args: { delivery: DELIVERY },
			options: listOptions(),
		},
		async (call, given) => {
			const project = await call.project();
			const id = await deliveryIdOf(call, project, given);
			const rows = project.deliveries.listAttempts(id, { limit: pageSize(call.options) });
			const view = { columns: ATTEMPT_COLUMNS, id: ({ id }: { id: string }) => id, empty: "No attempts yet." };
			await call.output.list(rows, { ...view, limit: rowLimit(call.options) });
		},
	);
	addChanges(group);
	addExport<FilterOptions, DeliveryFilter>(group, {
		nouns: "deliveries",
		options: filterOptions(),
		filterOf: async (call) => filterOf(call, await call.project()),
		exporterOf: async (call) => (await call.project()).deliveries,
		example: "fanfare deliveries export --status Failed --after 7d --format csv --output failed.csv",
	});
}

async function list(call: Call<Filter>): Promise<void> {
	const project = await call.project();
	const { order } = call.options;
	const filter = await filterOf(call, project);
	const rows = project.deliveries.list({ ...filter, order, limit: pageSize(call.options) });
	const empty = emptyText(filter, "deliveries", "No deliveries. Next: fanfare events send");
	const view = { columns: COLUMNS, id: ({ id }: { id: string }) => id, empty };
	await call.output.list(rows, { ...view, limit: rowLimit(call.options) });
}

/** The id of the delivery that the argument names, or that the user picks among the newest. */
async function deliveryIdOf(call: Call, project: ProjectHandle, given: string | undefined): Promise<string> {
	return given ?? call.pick("delivery", "delivery", newest(project), "fanfare deliveries list");
}

async function* newest(project: ProjectHandle) {
	for (const { id, eventType, status, createDate } of (await project.deliveries.list({ limit: 50 })).data) {
		yield { value: id, label: `${printable(eventType)} ${status}`, hint: `${relativeTime(createDate)}, ${id}` };
	}
}
