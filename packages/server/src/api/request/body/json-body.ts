// Parses the bytes of a body as JSON. Errors never quote the body.
import type { z } from "@hono/zod-openapi";

import { FanfareError, invalidRequest, type Issue } from "../../../core/errors.ts";
import { memberSpans, type MemberSpan } from "../../../core/raw-json.ts";
import { expectedForm } from "./expected-form.ts";
import { cutName, onePerField } from "./validate.ts";

/** A parsed JSON object with its text, since some members are passed on exactly as they were written. */
export interface JsonBody {
	readonly text: string;
	readonly value: object;
	readonly members: readonly MemberSpan[];
	/**
	 * For a large body, of which `value` has only a part: to be called before each piece of work on the text. Null for a body
	 * that was parsed at once.
	 */
	readonly takeTurn: TakeTurn | null;
}

/** Waits until so many characters may be parsed or scanned: see `Turns`. */
export type TakeTurn = (length: number) => Promise<void> | null;

const LINE_END = 0x0a;
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Parses a body that must be a JSON object. Throws `invalid_encoding`, `invalid_json` or `invalid_request`. `schema` is
 * used only to show the form in an error. Deep nesting uses no stack.
 */
export function parseJsonBody(bytes: Uint8Array, schema?: z.ZodType): JsonBody {
	const text = decode(bytes);
	const value = parse(text);
	if (!isObject(value)) throw notAnObject(value, schema);
	const members = memberSpans(text);
	const issues = duplicateIssues(members, "");
	if (issues.length > 0) throw invalidRequest(issues);
	return { text, value, members, takeTurn: null };
}

/** The error for a body of another kind. */
export function notAnObject(value: unknown, schema: z.ZodType | undefined): FanfareError {
	return invalidRequest([{ path: "", message: `The body must be ${expectedForm("a JSON object", schema, value)}.` }]);
}

/** True for a JSON object, false for an array, null or a plain value. */
export function isObject(value: unknown): value is object {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * An issue for each name that appears twice in one object. JSON parsers differ on which value counts, so such a body is
 * refused.
 */
export function duplicateIssues(members: readonly MemberSpan[], prefix: string): Issue[] {
	const seen = new Set<string>();
	const issues: Issue[] = [];
	for (const { name } of members) {
		if (seen.has(name)) issues.push({ path: prefix + cutName(name), message: "appears more than once; send it once" });
		seen.add(name);
	}
	return onePerField(issues);
}

/** The depth to which bodies of management calls are checked. Each level is one more pass over the text. */
const MANAGED_DEPTH = 4;

/** The same for the objects inside a body. */
export function nestedDuplicateIssues({ text, members }: JsonBody): Issue[] {
	return onePerField(duplicatesWithin(text, members, "", MANAGED_DEPTH));
}

function duplicatesWithin(text: string, members: readonly MemberSpan[], prefix: string, levels: number): Issue[] {
	if (levels === 0) return [];
	return members.flatMap(({ name, start }) => {
		if (text[start] !== "{") return [];
		const path = `${prefix}${cutName(name)}.`;
		const inner = memberSpans(text, start);
		return [...duplicateIssues(inner, path), ...duplicatesWithin(text, inner, path, levels - 1)];
	});
}

/** The text of a body. Throws `invalid_encoding`. */
export function decode(bytes: Uint8Array): string {
	try {
		return decoder.decode(bytes);
	} catch (cause) {
		throw new FanfareError("invalid_encoding", "The body is not valid UTF-8. Encode it as UTF-8.", { cause });
	}
}

function parse(text: string): unknown {
	if (text.trim() === "") {
		throw new FanfareError("invalid_json", "The body is empty; it must be a JSON object.");
	}
	try {
		const value: unknown = JSON.parse(text);
		return value;
	} catch (cause) {
		throw new FanfareError("invalid_json", `The body is not valid JSON: ${whereBroken(text, cause)}.`);
	}
}

/** The error for a text that is not JSON, with the place of the first character that can't stand there. */
export function invalidJson(text: string, position: number): FanfareError {
	const problem = position >= text.length ? "it ends too early" : place(text, position);
	return new FanfareError("invalid_json", `The body is not valid JSON: ${problem}.`);
}

/**
 * V8's message has the position but often quotes the body, which must not be in an error; so only the position is used.
 */
function whereBroken(text: string, cause: unknown): string {
	const message = cause instanceof Error ? cause.message : "";
	const position = /at position (\d+)/.exec(message)?.[1];
	if (position !== undefined) return place(text, Number(position));
	if (/end of JSON input|Unterminated/i.test(message)) return "it ends too early";
	return "look for a missing value, an extra comma, single quotes or comments";
}

function place(text: string, position: number): string {
	let line = 1;
	for (let at = 0; at < position; at++) if (text.charCodeAt(at) === LINE_END) line++;
	const column = position - (position === 0 ? -1 : text.lastIndexOf("\n", position - 1));
	return `unexpected text at line ${line}, column ${column}`;
}
