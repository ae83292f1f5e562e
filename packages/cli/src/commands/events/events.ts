// `fanfare events`: what producers send.
import type { Event, EventFilter, EventWithData, ProjectHandle } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { choice, leaf } from "../../frame/command.ts";
import { emptyText, listOptions, pageSize, rowLimit, type ListOptions } from "../../frame/lists.ts";
import { parseExactly } from "../../frame/values.ts";
import { printable } from "../../text/printable.ts";
import type { Column } from "../../text/table.ts";
import { relativeTime } from "../../text/times.ts";
import { addExport } from "../exporting/export.ts";
import { filterOf, filterOptions, type FilterOptions } from "./filter.ts";
import { addImport } from "./import.ts";
import { addMatch } from "./match.ts";
import { addSend } from "./send.ts";
import { customersOf, eventFields } from "./show.ts";

interface DataOptions extends CommonOptions {
	readonly as?: "data" | "body";
}

const EVENT = "The event's id, such as evt_…. Asked for on a terminal.";
const COLUMNS: readonly Column<Event>[] = [
	{ title: "accepted", value: ({ createDate }) => relativeTime(createDate) },
	{ title: "type", value: ({ type }) => type, flexible: true },
	{ title: "deliveries", value: ({ deliveryCount }) => String(deliveryCount), align: "right" },
	{ title: "customer", value: (event) => customersOf(event) ?? "–", flexible: true, optional: 2 },
	{ title: "tags", value: ({ tags = [] }) => tags.join(", ") || "–", flexible: true, optional: 1 },
	{ title: "id", value: ({ id }) => id },
];

/** Adds the group to the program. */
export function addEvents(program: Command): void {
	const group = program
		.command("events")
		.description("An event is what a producer sends. Each webhook that wants it gets a delivery.");
	leaf<FilterOptions & ListOptions>(
		group,
		{
			usage: "list",
			summary: "List events, newest first.",
			options: [...filterOptions(), ...listOptions()],
			examples: ["fanfare events list --type order.paid --after 1h", "fanfare events list --tag order:4711 --quiet"],
		},
		async (call) => {
			const project = await call.project();
			const filter = filterOf(call);
			const rows = project.events.list({ ...filter, limit: pageSize(call.options) });
			const empty = emptyText(filter, "events", "No events. Next: fanfare events send");
			await call.output.list(rows, { columns: COLUMNS, id: ({ id }) => id, limit: rowLimit(call.options), empty });
		},
	);
	leaf(
		group,
		{ usage: "get [event]", summary: "Show an event with its data, every digit of it.", args: { event: EVENT } },
		async (call, given) => {
			const project = await call.project();
			await showWithData(call, project, await eventIdOf(call, project, given));
		},
	);
	leaf<DataOptions>(
		group,
		{
			usage: "data [event]",
			summary: "Print the data of an event, byte for byte.",
			args: { event: EVENT },
			options: [
				choice("--as <form>", "data: as it was sent; body: the request body that receivers get.", ["data", "body"]),
			],
		},
		async (call, given) => {
			const project = await call.project();
			const { as } = call.options;
			await call.output.data(await project.events.getData(await eventIdOf(call, project, given), { as }));
		},
	);
	addSend(group);
	addImport(group);
	addMatch(group);
	addExport<FilterOptions, EventFilter>(group, {
		nouns: "events",
		options: filterOptions(),
		filterOf,
		exporterOf: async (call) => (await call.project()).events,
		example: "fanfare events export --unmatched --after 7d --format csv --output unmatched.csv",
	});
	leaf(
		group,
		{
			usage: "erase [event]",
			summary: "Erase the data of an event for ever, and cancel its waiting deliveries.",
			args: { event: EVENT },
			changes: "asks",
		},
		async (call, given) => {
			const project = await call.project();
			const id = await eventIdOf(call, project, given);
			await call.confirm(`Erase the data of ${id}, and the responses to it? It can no longer be retried or replayed.`);
			const erasure = await project.events.eraseData(id);
			await call.output.object(erasure, id, () => [
				["Erased", id],
				["Cancelled", String(erasure.cancelledCount)],
			]);
		},
	);
}

/** The id of the event that the argument names, or that the user picks among the newest. */
async function eventIdOf(call: Call, project: ProjectHandle, given: string | undefined): Promise<string> {
	return given ?? call.pick("event", "event", newestEvents(project), "fanfare events list");
}

async function* newestEvents(project: ProjectHandle) {
	for (const { id, type, createDate } of (await project.events.list({ limit: 50 })).data) {
		yield { value: id, label: printable(type), hint: `${relativeTime(createDate)}, ${id}` };
	}
}

async function showWithData(call: Call, project: ProjectHandle, id: string): Promise<void> {
	const event = await project.events.get(id);
	// The SDK has parsed the data, and a parser rounds large numbers.
	const text = event.dataErased || event.dataHidden === true ? null : await project.events.getData(id);
	const exact = text === null ? event : { ...event, data: parseExactly(text) };
	await call.output.object(exact, id, () => [...eventFields(event), ["Data", dataText(event, exact.data)]]);
}

function dataText(event: EventWithData, data: unknown): string {
	if (event.dataErased) return "erased";
	if (event.dataHidden === true) return "hidden: this token may not see it";
	return printable(JSON.stringify(data, null, 2), { lines: true });
}
