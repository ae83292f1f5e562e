// Reads large bodies: a scanner checks the text in slices, and only what a schema looks at is parsed. Small bodies are simply
// parsed (json-body.ts).

import { type FanfareError, invalidRequest } from "../../../core/errors.ts";
import type { BodyRule } from "../route.ts";
import { decode, duplicateIssues, invalidJson, notAnObject, type JsonBody, type TakeTurn } from "./json-body.ts";
import { JsonScanner, JsonSyntaxError, type ScannedMember } from "./json-scanner.ts";
import { cutName, unknownFieldIssues } from "./validate.ts";

/** Bodies up to this size are parsed at once, which takes at most some 16 ms of CPU. */
export const SMALL_BODY_BYTES = 256 * 1_024;
/** The characters that are scanned before the next body may have its turn. */
const SLICE = 64 * 1_024;
/** More than any body has. */
export const MAX_MEMBERS = 64;
/** The most values and names in one member that is parsed: many times what any schema accepts. */
const MAX_VALUES = 32 * 1_024;

/**
 * Reads a large body that must be a JSON object. `value` has placeholders for the members that the rule passes on as text.
 * Throws `invalid_encoding`, `invalid_json` or `invalid_request`.
 */
export async function readLargeBody(
	bytes: Uint8Array,
	rule: Pick<BodyRule<unknown>, "schema" | "textMembers">,
	takeTurn: TakeTurn,
): Promise<JsonBody> {
	await takeTurn(bytes.length);
	const text = decode(bytes);
	const scanner = new JsonScanner(text, MAX_MEMBERS);
	await scan(text, scanner, takeTurn);
	const { members } = scanner;
	const first = text.search(/\S/);
	if (text[first] !== "{") throw notAnObject(JSON.parse(placeholder(text, first)), rule.schema);
	const duplicates = duplicateIssues(members, "");
	if (duplicates.length > 0) throw invalidRequest(duplicates);
	if (scanner.hasTooMany) throw invalidRequest(unknownFieldIssues(rule.schema, members));
	await takeTurn(SMALL_BODY_BYTES);
	return { text, value: parseMembers(text, members, rule), members, takeTurn };
}

async function scan(text: string, scanner: JsonScanner, takeTurn: TakeTurn): Promise<void> {
	try {
		while (!scanner.step(SLICE)) await takeTurn(SLICE);
	} catch (error) {
		throw error instanceof JsonSyntaxError ? invalidJson(text, error.position) : error;
	}
}

function parseMembers(
	text: string,
	members: readonly ScannedMember[],
	{ textMembers = [] }: Pick<BodyRule<unknown>, "textMembers">,
): object {
	const parts = members.map(({ name, start, end, values }) => {
		if (textMembers.includes(name)) return `${JSON.stringify(name)}:${placeholder(text, start)}`;
		if (values > MAX_VALUES) throw tooManyValues(name);
		return `${JSON.stringify(name)}:${text.slice(start, end)}`;
	});
	return JSON.parse(`{${parts.join(",")}}`) as object;
}

/** An empty value of the kind that begins at the position, as JSON. */
export function placeholder(text: string, start: number): string {
	switch (text[start]) {
		case "{":
			return "{}";
		case "[":
			return "[]";
		case '"':
			return '""';
		case "n":
			return "null";
		case "t":
		case "f":
			return "true";
		case undefined:
		default:
			return "0";
	}
}

function tooManyValues(name: string): FanfareError {
	return invalidRequest([{ path: cutName(name), message: `must contain at most ${MAX_VALUES} values in all` }]);
}
