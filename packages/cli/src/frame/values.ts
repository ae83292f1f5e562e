// The values of options and arguments: lists, numbers, durations, JSON from the command line, a file or standard input.
import { createReadStream, readFileSync } from "node:fs";
import { text as textOf } from "node:stream/consumers";

import { InvalidArgumentError } from "commander";

import { usageError } from "./failure.ts";

/** Parses `a,b,c`. */
export function parseList(text: string): string[] {
	const values = text.split(",").map((value) => value.trim());
	if (values.some((value) => value === ""))
		throw new InvalidArgumentError("It must be values with commas between them.");
	return values;
}

/** A parser that knows all its values, for completion. */
export type ChoiceParser<T> = ((text: string) => T[]) & { readonly values: readonly T[] };

/** Parses a list of some of these values. The error names the one that is wrong. */
export function listOf<T extends string>(values: readonly T[]): ChoiceParser<T> {
	const parse = (text: string) =>
		parseList(text).map((given) => {
			const known = values.find((value) => value.toLowerCase() === given.toLowerCase());
			if (known !== undefined) return known;
			throw new InvalidArgumentError(`Each must be one of ${values.join(", ")}; got ${JSON.stringify(given)}.`);
		});
	return Object.assign(parse, { values });
}

/** Parses one of these values. */
export function wordOf<T extends string>(text: string, values: readonly T[]): T {
	const known = values.find((value) => value === text);
	if (known !== undefined) return known;
	throw new InvalidArgumentError(`It must be ${values.join(" or ")}.`);
}

const RESPONSE_CODE = /^(?:\d{1,3}|[1-5]xx)$/;

/** Parses a list of HTTP statuses, classes such as `5xx`, and 0. */
export function parseResponseCodes(text: string): string[] {
	return parseList(text).map((given) => {
		if (RESPONSE_CODE.test(given)) return given;
		throw new InvalidArgumentError(
			`Each must be a status such as 404, a class from 1xx to 5xx, or 0 for no response; got ${JSON.stringify(given)}.`,
		);
	});
}

/** Parses a whole number that is not negative. */
export function parseCount(text: string): number {
	if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
	return Number(text);
}

/** Parses a whole number from 1 on. */
export function parsePositive(text: string): number {
	const value = parseCount(text);
	if (value === 0) throw new InvalidArgumentError("It must be a whole number from 1 on.");
	return value;
}

/** Parses `true` or `false`. */
export function parseBoolean(text: string): boolean {
	if (text === "true") return true;
	if (text === "false") return false;
	throw new InvalidArgumentError("It must be true or false.");
}

/** Stands for null until the options are read: commander makes an empty string of null. */
const CLEARED = Symbol("null");

/** Lets an option be cleared: the word gives null, everything else is parsed. */
export function orNull<T>(word: string, parse: (text: string) => T): (text: string) => T | typeof CLEARED {
	return (text) => (text === word ? CLEARED : parse(text));
}

/** The options, with null for those that are cleared. */
export function withNulls<O extends object>(options: O): O {
	return Object.fromEntries(
		Object.entries(options).map(([name, value]: [string, unknown]) => [name, value === CLEARED ? null : value]),
	) as O;
}

/** Leaves text as it is. */
export function asText(text: string): string {
	return text;
}

/** Collects `name=value` of an option that can be repeated. */
export function collectEntries(text: string, earlier: Readonly<Record<string, string>> = {}): Record<string, string> {
	const at = text.indexOf("=");
	if (at < 1) throw new InvalidArgumentError("It must be name=value.");
	const name = text.slice(0, at);
	if (Object.hasOwn(earlier, name)) throw new InvalidArgumentError(`It gives ${JSON.stringify(name)} twice.`);
	return { ...earlier, [name]: text.slice(at + 1) };
}

/** Reads JSON that is given as such, as `@file`, or as `@-` for standard input. Numbers keep all their digits. */
export async function readJson(name: string, given: string): Promise<unknown> {
	const text = await readText(name, given);
	try {
		return parseExactly(text);
	} catch (error) {
		throw usageError(`${name} must be JSON, or @file, or @- for standard input: ${(error as Error).message}`);
	}
}

/** Reads text that is given as such, as `@file`, or as `@-` for standard input. */
export async function readText(name: string, given: string): Promise<string> {
	return given.startsWith("@") ? readInput(name, given.slice(1)) : given;
}

/** Reads a secret from a file, or from standard input if the file is `-`. White space around it is removed. */
export async function readSecret(name: string, file: string): Promise<string> {
	const secret = (await readInput(name, file)).trim();
	if (secret === "") throw usageError(`${name} is empty.`);
	return secret;
}

/** Reads the bytes of a file, or of standard input if it is `-`. More than `maxBytes` are refused. */
export async function readBytes(name: string, file: string, maxBytes: number): Promise<Buffer> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	try {
		for await (const chunk of file === "-" ? process.stdin : createReadStream(file)) {
			chunks.push(chunk as Buffer);
			bytes += (chunk as Buffer).length;
			if (bytes > maxBytes) break;
		}
	} catch (error) {
		throw usageError(`${name} could not be read from ${file}: ${(error as Error).message}`);
	}
	if (bytes > maxBytes) throw usageError(`${name} must have at most ${maxBytes} bytes, and has more.`);
	return Buffer.concat(chunks);
}

/** Reads a file, or standard input if it is `-`. */
async function readInput(name: string, file: string): Promise<string> {
	try {
		return file === "-" ? await textOf(process.stdin) : readFileSync(file, "utf8");
	} catch (error) {
		throw usageError(`${name} could not be read from ${file}: ${(error as Error).message}`);
	}
}

/** Parses JSON so that `JSON.stringify` gives its numbers back as they were written: a parser would round large ones. */
export function parseExactly(text: string): unknown {
	return JSON.parse(text, (_, value: unknown, context?: { readonly source?: string }) => {
		if (typeof value !== "number" || context?.source === undefined || String(value) === context.source) return value;
		return exactNumber(context.source);
	});
}

/** A number of JSON that is known by its text, since a parser would round it. */
export interface ExactNumber {
	readonly rawJSON: string;
}

const RAW = JSON as unknown as { rawJSON(text: string): ExactNumber; isRawJSON(value: unknown): value is ExactNumber };

/** What `JSON.stringify` writes as this text, which must be a number of JSON. */
export const exactNumber = (text: string): ExactNumber => RAW.rawJSON(text);

/** Whether a value is an exact number. */
export const isExactNumber = (value: unknown): value is ExactNumber => RAW.isRawJSON(value);
