// What is wrong with a payload that somebody typed, each thing at its line.
import { BadRequestError } from "@fanfare/sdk";

import type { JsonText } from "./exact-json.ts";
import type { LineIssue } from "./json-editor.tsx";

/** That it is no JSON if that is to be said, or what the server says of `data`, such as by the schema of its type. */
export function payloadIssues(wrong: JsonText | undefined, json: JsonText, error: unknown): LineIssue[] {
	if (wrong?.error !== undefined) return [wrong.error];
	if (!(error instanceof BadRequestError)) return [];
	return error.issues
		.filter(({ path }) => path === "data" || path.startsWith("data."))
		.map(({ path, message }) => {
			const inside = path.slice("data.".length);
			return { line: json.lineOf(inside), message: inside === "" ? `The payload ${message}` : `${inside} ${message}` };
		});
}
