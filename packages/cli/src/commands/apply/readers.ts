// Readers of the values of a file: each checks what it gets, and its error says what was expected and what came.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { isExactNumber } from "../../frame/values.ts";
import { parseDuration } from "../../text/times.ts";
import { FileProblem, type Path } from "./desired.ts";

/** What readers need: the folder that files are relative to, the environment, and where problems are gathered. */
export interface Context {
	readonly folder: string;
	readonly env: NodeJS.ProcessEnv;
	readonly problems: FileProblem[];
}

/** Reads a value at a place. Throws a `FileProblem`. */
export type Read<T> = (value: unknown, path: Path, context: Context) => T;

/** Reads a map with these fields, all of which are optional. Problems of fields are gathered, so that all are told at once. */
export function readFields<T extends object>(
	value: unknown,
	path: Path,
	context: Context,
	readers: { readonly [Name in keyof T]-?: Read<T[Name]> },
): Partial<T> {
	const fields: Partial<T> = {};
	for (const [name, given] of entriesOf(value, path)) {
		const known = Object.hasOwn(readers, name);
		gather(context, () => {
			if (!known) {
				throw new FileProblem(
					[...path, name],
					`there is no field ${JSON.stringify(name)}; there are ${Object.keys(readers).join(", ")}`,
				);
			}
			fields[name as keyof T] = readers[name as keyof T](given, [...path, name], context);
		});
	}
	return fields;
}

/** Reads a map whose names are free, up to a number of entries. */
export function readMap<T>(
	value: unknown,
	path: Path,
	context: Context,
	max: number,
	read: (name: string, ...rest: Parameters<Read<T>>) => T,
): T[] {
	const entries = entriesOf(value, path);
	if (entries.length > max) throw new FileProblem(path, `must have at most ${max} entries, has ${entries.length}`);
	return entries.flatMap(([name, given]) => {
		const read1 = gather(context, () => ({ value: read(name, given, [...path, name], context) }));
		return read1 === null ? [] : [read1.value];
	});
}

/** Runs the work; a problem is kept, and null returned. */
function gather<T>({ problems }: Context, work: () => T): T | null {
	try {
		return work();
	} catch (error) {
		if (!(error instanceof FileProblem)) throw error;
		problems.push(error);
		return null;
	}
}

function entriesOf(value: unknown, path: Path): [string, unknown][] {
	if (value === null || typeof value !== "object" || Array.isArray(value) || isExactNumber(value))
		fail(path, "a map of names and values", value);
	return Object.entries(value);
}

export const text: Read<string> = (value, path) => (typeof value === "string" ? value : fail(path, "a text", value));

export const count: Read<number> = (value, path) => {
	const number = isExactNumber(value) ? Number(value.rawJSON) : value;
	return typeof number === "number" && Number.isSafeInteger(number) && number >= 0
		? number
		: fail(path, "a whole number from 0 on", value);
};

export const boolean: Read<boolean> = (value, path) =>
	typeof value === "boolean" ? value : fail(path, "true or false", value);

/** Text such as `10s`, in milliseconds. */
export const duration: Read<number> = (value, path) => {
	if (typeof value === "string") {
		try {
			return parseDuration(value);
		} catch {
			// The message follows.
		}
	}
	return fail(path, "a duration such as 500ms, 30s, 15m, 24h or 7d", value);
};

/** One of these texts. */
export function oneOf<T extends string>(...values: readonly T[]): Read<T> {
	return (value, path) => values.find((known) => known === value) ?? fail(path, values.join(" or "), value);
}

/** A list of values. */
export function listOf<T>(read: Read<T>): Read<T[]> {
	return (value, path, context) =>
		Array.isArray(value)
			? value.map((entry, index) => read(entry, [...path, index], context))
			: fail(path, "a list", value);
}

/** A map of values. */
export function mapOf<T>(read: Read<T>): Read<Record<string, T>> {
	return (value, path, context) =>
		Object.fromEntries(entriesOf(value, path).map(([name, given]) => [name, read(given, [...path, name], context)]));
}

/** The value, or null. */
export function orNull<T>(read: Read<T>): Read<T | null> {
	return (value, path, context) => (value === null ? null : read(value, path, context));
}

/** Any JSON value. */
export const anything: Read<unknown> = (value) => value;

/** A map of any values, such as a schema. */
export const object: Read<Readonly<Record<string, unknown>>> = (value, path) =>
	Object.fromEntries(entriesOf(value, path));

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const IS_SECRET = /^whsec_/;

/** A secret, which is never in the file itself: `{ env: NAME }` or `{ file: path }`. */
export const reference: Read<string> = (value, path, { env, folder }) => {
	const form = "{ env: NAME } or { file: path }";
	// Without the value: it may be the secret.
	if (value === null || typeof value !== "object")
		throw new FileProblem(path, `must not be in the file itself: name where it is, as ${form}`);
	const { env: variable, file, ...more } = value as { env?: unknown; file?: unknown };
	const isOne = (typeof variable === "string") !== (typeof file === "string") && Object.keys(more).length === 0;
	if (!isOne) throw new FileProblem(path, `must be ${form}`);
	// Errors repeat names, and somebody may have put the secret itself where its name belongs.
	if (
		typeof variable === "string" ? !VARIABLE.test(variable) || IS_SECRET.test(variable) : IS_SECRET.test(String(file))
	)
		throw new FileProblem(path, `must name where the secret is, as ${form}, and not be the secret itself`);
	const found = typeof variable === "string" ? env[variable] : readReferred(resolve(folder, file as string), path);
	if (found === undefined) throw new FileProblem(path, `the variable ${String(variable)} is not set`);
	if (found.trim() === "")
		throw new FileProblem(path, `${typeof variable === "string" ? `the variable ${variable}` : String(file)} is empty`);
	return found.trim();
};

function readReferred(file: string, path: Path): string {
	try {
		return readFileSync(file, "utf8");
	} catch (error) {
		throw new FileProblem(path, `the file could not be read: ${(error as Error).message}`);
	}
}

function fail(path: Path, expected: string, value: unknown): never {
	throw new FileProblem(path, `must be ${expected}, got ${shown(value)}`);
}

function shown(value: unknown): string {
	if (isExactNumber(value)) return value.rawJSON.length > 60 ? "a number with very many digits" : value.rawJSON;
	if (Array.isArray(value)) return "a list";
	if (value !== null && typeof value === "object") return "a map";
	const json = JSON.stringify(value) ?? "nothing";
	return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}
