// `fanfare event-types`: the event types of a project.
import type { EventType, EventTypeAsText, EventTypeSettings, ProjectHandle } from "@fanfare/sdk";
import type { Command, Option } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { choice, leaf, option } from "../../frame/command.ts";
import { exactAnswers } from "../../frame/exact.ts";
import { usageError } from "../../frame/failure.ts";
import { listOptions, pageSize, rowLimit, type ListOptions } from "../../frame/lists.ts";
import { asText, orNull, parseBoolean, parseExactly, parsePositive, readJson } from "../../frame/values.ts";
import { printable } from "../../text/printable.ts";
import type { Column } from "../../text/table.ts";
import { fullTime, relativeTime } from "../../text/times.ts";

interface Filter extends CommonOptions, ListOptions {
	readonly archived?: boolean;
}

interface SettingOptions extends CommonOptions {
	readonly description?: string | null;
	readonly schema?: string | null;
	readonly example?: string;
	readonly archived?: boolean;
	readonly visibility?: "public" | "internal";
	readonly revision?: number;
}

const NAME = "The event type, such as order.paid. Asked for on a terminal.";
const NEXT = "fanfare event-types list";
const COLUMNS: readonly Column<EventType>[] = [
	{ title: "name", value: ({ name }) => name },
	{ title: "schema", value: ({ schema }) => (schema === null ? "–" : "yes"), optional: 1 },
	{ title: "example", value: ({ example }) => (example === null ? "–" : "yes"), optional: 2 },
	{ title: "seen by", value: ({ visibility }) => (visibility === "internal" ? "only us" : "everyone"), optional: 3 },
	{ title: "", value: ({ archived }) => (archived ? "archived" : "") },
	{ title: "changed", value: ({ updateDate }) => relativeTime(updateDate), optional: 4 },
	{ title: "description", value: ({ description }) => description ?? "", flexible: true, optional: 5 },
];

/** Adds the group to the program. */
export function addEventTypes(program: Command): void {
	const group = program
		.command("event-types")
		.description("The types of a project's events, with their schemas and examples.");
	leaf<Filter>(
		group,
		{
			usage: "list",
			summary: "List event types, by name.",
			options: [
				option("--archived <true or false>", "Only archived ones, or only the others.", parseBoolean),
				...listOptions(),
			],
		},
		async (call) => {
			const { archived } = call.options;
			const rows = exactRows((await call.project()).eventTypes.listAsText({ archived, limit: pageSize(call.options) }));
			const empty = "No event types. Next: fanfare event-types create";
			await call.output.list(rows, { columns: COLUMNS, id: ({ id }) => id, limit: rowLimit(call.options), empty });
		},
	);
	leaf(
		group,
		{ usage: "get [name]", summary: "Show an event type with its schema and example.", args: { name: NAME } },
		async (call, given) => {
			const project = await call.project();
			await show(call, await exactEventType(call, project, await nameOf(call, project, given)));
		},
	);
	leaf<SettingOptions>(
		group,
		{
			usage: "create [name]",
			summary: "Create an event type.",
			args: { name: "Such as order.paid. Asked for on a terminal." },
			options: settingOptions(),
			changes: "ask",
			examples: ["fanfare event-types create order.paid --schema @order-paid.json --example '{\"orderId\": 42}'"],
		},
		async (call, given) => {
			const name = await call.need("name", given, "The name of the event type, such as order.paid");
			const settings = await settingsOf(call);
			const created = await exactAnswer(call, await call.project(), (types) => types.create({ name, ...settings }));
			await show(call, created);
		},
	);
	addPut(group);
	addUpdate(group);
	leaf(
		group,
		{
			usage: "delete [name]",
			summary: "Delete an event type. Its events stay.",
			args: { name: NAME },
			changes: "asks",
		},
		async (call, given) => {
			const project = await call.project();
			const name = await nameOf(call, project, given);
			await call.confirm(
				`Delete the event type ${printable(name)} with its schema? A catalogued project then refuses its events.`,
			);
			const deleted = await project.eventTypes.delete(name);
			await call.output.object(deleted, deleted.id, () => [["Deleted", printable(name)]]);
		},
	);
}

/** An event type, with all digits of the numbers in its example and schema. */
export async function exactEventType(call: Call, project: ProjectHandle, name: string): Promise<EventType> {
	return exactAnswer(call, project, (types) => types.get(name));
}

/** All event types, likewise. */
export async function exactEventTypes(call: Call, { id }: ProjectHandle): Promise<EventType[]> {
	const pages = await exactAnswers<{ readonly data: EventType[] }>(call, async (client) => {
		for await (const _ of client.project(id).eventTypes.list()) {
			// The pages are what is wanted.
		}
	});
	return pages.flatMap(({ data }) => data);
}

/** The event type that a call answers, likewise. */
async function exactAnswer(
	call: Call,
	{ id }: ProjectHandle,
	make: (types: ProjectHandle["eventTypes"]) => Promise<EventType>,
): Promise<EventType> {
	const [type] = await exactAnswers<EventType>(call, (client) => make(client.project(id).eventTypes));
	if (type === undefined) throw new Error("no response");
	return type;
}

/** Event types as they come, likewise. */
async function* exactRows(types: AsyncIterable<EventTypeAsText>): AsyncGenerator<EventType> {
	for await (const type of types) yield withExactNumbers(type);
}

/** An event type with exact numbers. */
export function withExactNumbers({ schemaText, exampleText, ...type }: EventTypeAsText): EventType {
	const valueOf = (text: string | null) => (text === null ? null : parseExactly(text));
	return { ...type, schema: valueOf(schemaText) as EventType["schema"], example: valueOf(exampleText) };
}

function addPut(group: Command): void {
	leaf<SettingOptions>(
		group,
		{
			usage: "put [name]",
			summary: "Create an event type, or replace it as a whole. What is not named is cleared.",
			args: { name: NAME },
			options: settingOptions(),
			changes: "ask",
		},
		async (call, given) => {
			const project = await call.project();
			const name = await call.need("name", given, "The name of the event type");
			const settings = await settingsOf(call);
			await show(call, await exactAnswer(call, project, (types) => types.put(name, settings)));
		},
	);
}

function addUpdate(group: Command): void {
	leaf<SettingOptions>(
		group,
		{
			usage: "update [name]",
			summary: "Change an event type. What is not named stays.",
			args: { name: NAME },
			options: [
				...settingOptions(),
				option("--revision <number>", "Change it only if this is still its revision.", parsePositive),
			],
			changes: "ask",
		},
		async (call, given) => {
			const { revision } = call.options;
			const settings = await settingsOf(call);
			if (Object.keys(settings).length === 0) {
				throw usageError("Nothing to change: pass an option such as --schema.", "fanfare event-types update --help");
			}
			const project = await call.project();
			const name = await nameOf(call, project, given);
			await show(call, await exactAnswer(call, project, (types) => types.update(name, { ...settings, revision })));
		},
	);
}

function settingOptions(): Option[] {
	return [
		option("--description <text>", "What it means, for those who receive it; `none` for none.", orNull("none", asText)),
		option(
			"--schema <json>",
			"A JSON Schema of the data, as JSON, @file or @-; `none` for any data.",
			orNull("none", asText),
		),
		option("--example <json>", "An example of the data, as JSON, @file or @-; null for none."),
		option("--archived <true or false>", "Whether a catalogued project accepts no new events of it.", parseBoolean),
		choice("--visibility <visibility>", "internal: no customer gets or sees its events.", ["public", "internal"]),
	];
}

async function settingsOf({ options }: Call<SettingOptions>): Promise<EventTypeSettings> {
	const { description, schema, example, archived, visibility } = options;
	const parsed = typeof schema === "string" ? await readJson("--schema", schema) : schema;
	return {
		...(description !== undefined && { description }),
		...(parsed !== undefined && { schema: parsed as EventTypeSettings["schema"] }),
		...(example !== undefined && { example: await readJson("--example", example) }),
		...(archived !== undefined && { archived }),
		...(visibility !== undefined && { visibility }),
	};
}

async function nameOf(call: Call, project: ProjectHandle, given: string | undefined): Promise<string> {
	return given ?? call.pick("event type", "name", choicesOf(project), NEXT);
}

/** The event types to pick from. */
export async function* choicesOf(project: ProjectHandle) {
	for await (const { name, description } of project.eventTypes.list({ archived: false })) {
		yield { value: name, label: printable(name), ...(description !== null && { hint: printable(description) }) };
	}
}

async function show({ output }: Call, eventType: EventType): Promise<void> {
	const json = (value: unknown) => (value === null ? null : printable(JSON.stringify(value, null, 2), { lines: true }));
	await output.object(eventType, eventType.id, () => [
		["Name", printable(eventType.name)],
		["Description", eventType.description === null ? null : printable(eventType.description)],
		["Seen by", eventType.visibility === "internal" ? "only us: no customer gets it" : "everyone"],
		["Archived", eventType.archived ? "yes" : null],
		["Revision", String(eventType.revision)],
		["Created", fullTime(eventType.createDate)],
		["Changed", fullTime(eventType.updateDate)],
		["Schema", json(eventType.schema)],
		["Example", json(eventType.example)],
	]);
}
