// What is typed into the form of an event type, as text, and the call that it becomes.
import {
	BadRequestError,
	type CreateEventType,
	type EventType,
	type EventTypeAsText,
	type JsonSchema,
	type ProjectHandle,
	type UpdateEventType,
} from "@fanfare/sdk";

import { prettyText } from "../../parts/code/json-tokens.ts";
import { isStored, saveOnce } from "../../parts/form/edit/own-save.ts";
import { readJson, type JsonText } from "../../parts/json/exact-json.ts";
import type { LineIssue } from "../../parts/json/json-editor.tsx";

export interface Draft {
	readonly name: string;
	readonly description: string;
	readonly visibility: EventType["visibility"];
	/** JSON; empty for none. */
	readonly schema: string;
	/** JSON; empty for none. */
	readonly example: string;
}

export const NEW: Draft = { name: "", description: "", visibility: "public", schema: "", example: "" };

/** The fields of the form, by the paths that the server uses in its objections. */
export const PATHS = ["name", "description", "visibility", "schema", "example"] as const;

export const LABELS: Readonly<Record<keyof Draft, string>> = {
	name: "Name",
	description: "Description",
	visibility: "Visibility",
	schema: "Schema",
	example: "Example",
};

export function draftOf(type: EventTypeAsText): Draft {
	return {
		name: type.name,
		description: type.description ?? "",
		visibility: type.visibility,
		schema: type.schemaText === null ? "" : prettyText(type.schemaText),
		example: type.exampleText === null ? "" : prettyText(type.exampleText),
	};
}

export function toCreate(draft: Draft): CreateEventType {
	return { name: draft.name.trim(), ...settingsOf(draft) };
}

/** Only what was changed: the text of a schema or an example that nobody has touched stays as it is kept. */
export function toUpdate(draft: Draft, before: Draft, revision: number): UpdateEventType {
	const all = settingsOf(draft);
	return {
		revision,
		...(draft.description !== before.description && { description: all.description }),
		...(draft.visibility !== before.visibility && { visibility: all.visibility }),
		...(draft.schema !== before.schema && { schema: all.schema }),
		...(draft.example !== before.example && { example: all.example }),
	};
}

/** Saves what was changed of an event type, also if the answer is lost and the call is made again. Returns what is kept then. */
export function saveType(
	types: ProjectHandle["eventTypes"],
	before: EventTypeAsText,
	changes: UpdateEventType,
): Promise<EventTypeAsText> {
	const { revision: _, schema, example, ...rest } = changes;
	return saveOnce({
		save: async () => savedAsText(await types.update(before.name, changes), before, changes),
		stored: async () => {
			// Texts, since a parser would round their numbers; and one look, so that all fields are of one revision.
			const stored = await types.getAsText(before.name);
			const isText = (sent: unknown, text: string | null) =>
				sent === undefined || (sent === null ? text === null : text === JSON.stringify(sent));
			const isSent = isText(schema, stored.schemaText) && isText(example, stored.exampleText) && isStored(stored, rest);
			return isSent ? stored : null;
		},
	});
}

/** The event type after an update: what the server keeps of a schema or an example is the text that was sent. */
function savedAsText(saved: EventType, before: EventTypeAsText, { schema, example }: UpdateEventType): EventTypeAsText {
	const { schema: _, example: __, ...rest } = saved;
	const textOf = (sent: unknown, text: string | null) =>
		sent === undefined ? text : sent === null ? null : JSON.stringify(sent);
	return {
		...rest,
		schemaText: textOf(schema, before.schemaText),
		exampleText: textOf(example, before.exampleText),
	};
}

function settingsOf({ description, visibility, schema, example }: Draft) {
	return {
		description: description.trim() === "" ? null : description.trim(),
		visibility,
		schema: schema.trim() === "" ? null : (readJson(schema).value as JsonSchema),
		example: example.trim() === "" ? null : readJson(example).value,
	};
}

/** What is wrong with a field that holds JSON: its form, or what the server says of it, by line. */
export function jsonIssues(name: "schema" | "example", text: string, isTried: boolean, error: unknown): LineIssue[] {
	if (text.trim() === "" && !(error instanceof BadRequestError)) return [];
	const json: JsonText = readJson(text);
	if (isTried && json.error !== undefined && text.trim() !== "") return [json.error];
	if (!(error instanceof BadRequestError)) return [];
	return error.issues
		.filter(({ path }) => path === name || path.startsWith(`${name}.`))
		.map(({ path, message }) => {
			const inside = path.slice(name.length + 1);
			return { line: json.lineOf(inside), message: inside === "" ? `The ${name} ${message}` : `${inside} ${message}` };
		});
}

/** Whether JSON of the draft must be sent and can't be. What is as it was is not sent, so a browser need not be able to write it. */
export function hasBadJson(draft: Draft, initial: Draft): boolean {
	return (["schema", "example"] as const).some((name) => {
		const text = draft[name];
		return text !== initial[name] && text.trim() !== "" && readJson(text).error !== undefined;
	});
}

const MOST_DEEP = 20;

/** A schema that the example fits: its types, with every field required. A start to edit, not a guess at what is meant. */
export function schemaFor(example: unknown, depth = 0): JsonSchema {
	if (example === null || depth > MOST_DEEP) return {};
	if (Array.isArray(example))
		return { type: "array", ...(example.length > 0 && { items: schemaFor(example[0], depth + 1) }) };
	if (typeof example === "object") {
		const fields = Object.entries(example);
		return {
			type: "object",
			required: fields.map(([name]) => name),
			properties: Object.fromEntries(fields.map(([name, value]) => [name, schemaFor(value, depth + 1)])),
		};
	}
	if (typeof example === "number") return { type: Number.isInteger(example) ? "integer" : "number" };
	return { type: typeof example };
}
