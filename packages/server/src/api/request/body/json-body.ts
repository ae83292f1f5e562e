// A body's bytes as JSON: strict about the encoding, quiet about the contents.
import type { z } from "@hono/zod-openapi";

import { FanfareError, invalidRequest, type Issue } from "../../../core/errors.ts";
import { memberSpans, type MemberSpan } from "../../../core/raw-json.ts";
import { expectedForm } from "./expected-form.ts";
import { cutName } from "./validate.ts";

/** A JSON object that came in, with its text, since some members are passed on as they were written. */
export interface JsonBody {
	readonly text: string;
	readonly value: object;
	readonly members: readonly MemberSpan[];
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Reads the JSON object of a schema; throws `invalid_encoding`, `invalid_json` or `invalid_request`. Depth costs no stack. */
export function parseJsonBody(bytes: Uint8Array, schema?: z.ZodType): JsonBody {
	const text = decode(bytes);
	const value = parse(text);
	if (!isObject(value))
		throw invalidRequest([{ path: "", message: `The body must be ${expectedForm("a JSON object", schema, value)}.` }]);
	const members = memberSpans(text);
	const issues = duplicateIssues(members, "");
	if (issues.length > 0) throw invalidRequest(issues);
	return { text, value, members };
}

/** Whether it is a JSON object (no array, no null). */
export function isObject(value: unknown): value is object {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An issue for each name that stands twice: readers differ on which of them counts. */
export function duplicateIssues(members: readonly MemberSpan[], prefix: string): Issue[] {
	const seen = new Set<string>();
	const issues: Issue[] = [];
	for (const { name } of members) {
		if (seen.has(name)) issues.push({ path: prefix + cutName(name), message: "stands more than once; write it once" });
		seen.add(name);
	}
	return issues;
}

/** As deep as the bodies of calls that manage something go. Each level is one more pass over its text. */
const MANAGED_DEPTH = 4;

/** The same inside the objects that a body is made of. */
export function nestedDuplicateIssues({ text, members }: JsonBody): Issue[] {
	return duplicatesWithin(text, members, "", MANAGED_DEPTH);
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

function decode(bytes: Uint8Array): string {
	try {
		return decoder.decode(bytes);
	} catch (cause) {
		throw new FanfareError("invalid_encoding", "The body is not valid UTF-8. Encode it as UTF-8.", { cause });
	}
}

function parse(text: string): unknown {
	if (text.trim() === "") {
		throw new FanfareError("invalid_json", "The body is empty; a JSON object was expected.");
	}
	try {
		const value: unknown = JSON.parse(text);
		return value;
	} catch (cause) {
		throw new FanfareError("invalid_json", `The body is not valid JSON: ${whereBroken(text, cause)}.`);
	}
}

/** V8 says where, but often quotes the body, which belongs in no error; so only the place is taken from its message. */
function whereBroken(text: string, cause: unknown): string {
	const message = cause instanceof Error ? cause.message : "";
	const position = /at position (\d+)/.exec(message)?.[1];
	if (position !== undefined) return place(text, Number(position));
	if (/end of JSON input|Unterminated/i.test(message)) return "it ends too early";
	return "look for a missing value, a comma too many, single quotes or comments";
}

function place(text: string, position: number): string {
	const before = text.slice(0, position);
	const line = before.split("\n").length;
	return `something unexpected at line ${line}, column ${position - before.lastIndexOf("\n")}`;
}
