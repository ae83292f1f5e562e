// `fanfare types`: TypeScript types of the project's event types, for the client that sends them and for those who receive them.
import { writeFileSync } from "node:fs";

import type { EventType } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../../frame/call.ts";
import { leaf, option } from "../../../frame/command.ts";
import { CommandError, EXIT } from "../../../frame/failure.ts";
import { counted } from "../../../text/numbers.ts";
import { printableJson } from "../../../text/printable.ts";
import { docComment, freeName, propertyName, SchemaTypes, typeName } from "./schema-types.ts";

interface Options extends CommonOptions {
	readonly output?: string;
	readonly archived?: boolean;
}

/** The interface with all types. */
const EVENTS = "Events";

/** Adds the command to the program. */
export function addTypes(program: Command): void {
	leaf<Options>(
		program,
		{
			usage: "types",
			summary: "Write TypeScript types of the event types, from their schemas.",
			description: `One type for each, and \`${EVENTS}\` with all of them: new Client<${EVENTS}>(…) of @fanfare/sdk checks what you send.`,
			options: [
				option("-o, --output <file>", "Write a file, and replace the one that is there. Default: standard output."),
				option("--archived", "Also those that are archived."),
			],
			examples: ["fanfare types --output src/events.ts"],
		},
		types,
	);
}

async function types(call: Call<Options>): Promise<void> {
	const project = await call.project();
	const { archived, output } = call.options;
	const eventTypes: EventType[] = [];
	for await (const type of project.eventTypes.list(archived === true ? {} : { archived: false })) eventTypes.push(type);
	const text = typesOf(eventTypes.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
	if (call.output.mode === "json")
		return call.output.data(printableJson({ object: "types", count: eventTypes.length, text }));
	if (output === undefined) return call.output.data(text.trimEnd());
	try {
		writeFileSync(output, text);
	} catch (error) {
		throw new CommandError(`The file could not be written: ${(error as Error).message}`, EXIT.failed);
	}
	call.output.done(`${counted(eventTypes.length, "event type")} in ${output}`);
}

/** The file with the types of these event types. */
export function typesOf(eventTypes: readonly Pick<EventType, "name" | "description" | "schema">[]): string {
	const names = new Set([EVENTS]);
	const lines = ["// Written by `fanfare types` from the event types of the project. Do not edit."];
	const entries: string[] = [];
	for (const { name, description, schema } of eventTypes) {
		const type = freeName(typeName(name), names);
		lines.push("", ...new SchemaTypes(schema ?? true, type, names).declarations(description ?? `The data of ${name}.`));
		entries.push(
			...(description === null ? [] : [docComment(description, "\t")]),
			`\treadonly ${propertyName(name)}: ${type};`,
		);
	}
	lines.push(
		"",
		"/** The data of each event type, by its name. */",
		`export interface ${EVENTS} {`,
		...entries,
		"}",
		"",
	);
	return lines.join("\n");
}
