// Reads a file of `fanfare apply`. Every error names the file and the line.
import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { LineCounter, parseDocument, type Document, type Node } from "yaml";

import { CommandError, EXIT, usageError } from "../../frame/failure.ts";
import type { Finder } from "../../frame/refusals/in-words-of.ts";
import { printable } from "../../text/printable.ts";
import {
	FileProblem,
	type Desired,
	type DesiredEventType,
	type DesiredWebhook,
	type Locate,
	type Path,
} from "./desired.ts";
import { EXACT_NUMBERS, jsonValue, nameByText } from "./numbers.ts";
import type { Change } from "./plan.ts";
import {
	anything,
	boolean,
	count,
	duration,
	listOf,
	mapOf,
	object,
	oneOf,
	orNull,
	readFields,
	readMap,
	reference,
	text,
	type Context,
	type Read,
} from "./readers.ts";

/** A file that was read. */
export interface ReadFile {
	readonly desired: Desired;
	readonly locate: Locate;
}

const MAX_BYTES = 5_000_000;
const MAX_ENTRIES = 2_000;
const MAX_PROBLEMS = 20;
const DEFAULT_ID = "fanfare";

/** Reads a file, or throws an error with all its problems. */
export function readApplyFile(file: string, env: NodeJS.ProcessEnv = process.env): ReadFile {
	const lines = new LineCounter();
	const document = parseDocument(contentOf(file), {
		lineCounter: lines,
		intAsBigInt: true,
		prettyErrors: false,
		customTags: (tags) => [EXACT_NUMBERS, ...tags],
	});
	// A warning is about a tag that nobody knows, and nothing is ignored.
	const [broken = document.warnings[0]] = document.errors;
	if (broken !== undefined) {
		throw usageError(`${file}:${lines.linePos(broken.pos[0]).line}: ${syntaxMessage(broken)}`);
	}
	const locate: Locate = (path) => `${file}:${lineOf(document, lines, path)}`;
	const context: Context = { folder: dirname(file), env, problems: [] };
	const desired = desiredOf(jsonOf(document, file, context), context);
	const { problems } = context;
	if (problems.length > 0) {
		const told = problems
			.slice(0, MAX_PROBLEMS)
			.map(({ path, message }) => `${locate(path)}: ${placeOf(path)}${printable(message)}`);
		if (problems.length > MAX_PROBLEMS) told.push(`and ${problems.length - MAX_PROBLEMS} more`);
		throw usageError(told.join("\n"));
	}
	return { desired, locate };
}

function contentOf(file: string): string {
	try {
		if (statSync(file).size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
		return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
	} catch (error) {
		throw new CommandError(`${file} could not be read: ${(error as Error).message}`, EXIT.usage, "fanfare export");
	}
}

/** The line of a place, or of the nearest place around it that the file has. */
function lineOf(document: Document, lines: LineCounter, path: Path): number {
	for (let depth = path.length; depth > 0; depth--) {
		// The value of a map may begin lines below its name, and the name is what people look for.
		const around = document.getIn(path.slice(0, depth - 1), true) as Partial<{ items: { key?: Node }[] }> | undefined;
		const pair = around?.items?.find(
			({ key }) => String((key as { value?: unknown } | undefined)?.value) === String(path[depth - 1]),
		);
		const node = pair?.key ?? (document.getIn(path.slice(0, depth), true) as Node | undefined);
		const start = node?.range?.[0];
		if (start !== undefined) return lines.linePos(start).line;
	}
	return 1;
}

function jsonOf(document: Document, file: string, context: Context): unknown {
	try {
		nameByText(document);
		return jsonValue(document.toJS({ maxAliasCount: 100 }));
	} catch (error) {
		if (!(error instanceof FileProblem)) throw usageError(`${file}: ${syntaxMessage(error as Error)}`);
		context.problems.push(error);
		return {};
	}
}

/** Without names that come from the file: an alias is written like a value, which may be a secret. */
function syntaxMessage({ message }: Error): string {
	if (/call stack/.test(message)) return "its values are nested too deeply, or an alias contains itself";
	if (message.startsWith("Unresolved alias"))
		return "an alias (*name) needs its anchor (&name) before it; a text that begins with * needs quotes";
	if (/alias count/.test(message)) return "it has too many aliases";
	if (/multiple documents/.test(message)) return "it must be one document, so --- can't follow";
	return printable(message);
}

function placeOf(path: Path): string {
	return path.length === 0 ? "" : `${printable(path.join("."))}: `;
}

function desiredOf(value: unknown, context: Context): Desired {
	try {
		const {
			id = DEFAULT_ID,
			project = {},
			eventTypes = [],
			webhooks = [],
		} = readFields<Desired>(value ?? {}, [], context, {
			id: fileId,
			project: (given, path) => readFields<Desired["project"]>(given, path, context, PROJECT),
			eventTypes: (given, path) =>
				readMap(given, path, context, MAX_ENTRIES, (name, entry, place) => ({
					...readFields<Omit<DesiredEventType, "name">>(entry ?? {}, place, context, EVENT_TYPE),
					name,
				})),
			webhooks: (given, path) =>
				readMap(given, path, context, MAX_ENTRIES, (key, entry, place) => ({
					...readFields<Omit<DesiredWebhook, "key">>(entry ?? {}, place, context, WEBHOOK),
					key,
				})),
		});
		return { id, project, eventTypes, webhooks };
	} catch (error) {
		if (!(error instanceof FileProblem)) throw error;
		context.problems.push(error);
		return { id: DEFAULT_ID, project: {}, eventTypes: [], webhooks: [] };
	}
}

/** The names of the fields in the file: `maxRetryDelay` for the API's `spec.retries.maxBackoffMs`. */
export function namesInFile(kind: Change["kind"]): Finder {
	const fields = Object.keys({ project: PROJECT, "event type": EVENT_TYPE, webhook: WEBHOOK }[kind]);
	const inFile = (name: string) => name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
	return (names) => names.map(inFile).find((name) => fields.includes(name)) ?? null;
}

const fileId: Read<string> = (value, path, context) => {
	const id = text(value, path, context);
	if (/^[A-Za-z0-9._:-]{1,128}$/.test(id)) return id;
	throw new FileProblem(
		path,
		`must be 1–128 letters, digits, dots, underscores, colons and hyphens, got ${JSON.stringify(id)}`,
	);
};

const PROJECT: { readonly [Name in keyof Desired["project"]]-?: Read<Desired["project"][Name]> } = {
	name: text,
	eventTypes: oneOf("open", "catalogued"),
	retentionDays: orNull(count),
	payloadRetentionDays: orNull(count),
	maxEventsPerSecond: orNull(count),
	maxStoredBytes: orNull(count),
	maxWebhooksPerCustomer: orNull(count),
	maxReplaysPerCustomer: orNull(count),
	maxStreamsPerCustomer: orNull(count),
	maxTestsPerCustomer: orNull(count),
};

const EVENT_TYPE: { readonly [Name in keyof Omit<DesiredEventType, "name">]-?: Read<DesiredEventType[Name]> } = {
	description: orNull(text),
	schema: orNull(object),
	example: anything,
	archived: boolean,
	visibility: oneOf("public", "internal"),
};

const WEBHOOK: { readonly [Name in keyof Omit<DesiredWebhook, "key">]-?: Read<DesiredWebhook[Name]> } = {
	name: text,
	endpoint: text,
	customer: text,
	eventTypes: orNull(listOf(text)),
	description: orNull(text),
	headers: mapOf(reference),
	secret: reference,
	metadata: mapOf(text),
	timeout: duration,
	rateLimit: orNull(count),
	disableAfter: duration,
	maxRetries: count,
	maxRetryDelay: duration,
	schedule: orNull(listOf(duration)),
	paused: boolean,
};
