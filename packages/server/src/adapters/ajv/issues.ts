// Turns ajv's errors into issues: the place as a dotted path, and the problem. Values of the data are never repeated.
import type { ErrorObject } from "ajv/dist/2020.js";

import type { Issue } from "../../core/errors.ts";

const MAX_ISSUES = 20;
const MAX_PARTS = 20;
const NAME_SHOWN = 64;
const ALLOWED_SHOWN = 200;

/** The issues of data that does not fit its schema. */
export function dataIssues(errors: readonly ErrorObject[]): Issue[] {
	// ajv reports a name that `propertyNames` refuses twice: for the broken rule, and for `propertyNames` itself.
	return distinct(errors.filter(({ propertyName }) => propertyName === undefined).map(dataIssue));
}

/** The issues of a schema that is not valid. One per place: the alternatives that ajv also tried add little. */
export function schemaIssues(errors: readonly ErrorObject[]): Issue[] {
	const byPath = new Map<string, Issue>();
	for (const error of errors) {
		const path = pathOf(error.instancePath, null);
		if (!byPath.has(path)) byPath.set(path, { path, message: messageOf(error) });
	}
	return distinct([...byPath.values()]);
}

function dataIssue(error: ErrorObject): Issue {
	const { instancePath, keyword, params } = error;
	switch (keyword) {
		case "required":
		case "dependentRequired":
		case "dependencies":
			return { path: pathOf(instancePath, params["missingProperty"]), message: "is required" };
		case "additionalProperties":
			return {
				path: pathOf(instancePath, params["additionalProperty"]),
				message: "is not a field that the schema knows",
			};
		case "unevaluatedProperties":
			return {
				path: pathOf(instancePath, params["unevaluatedProperty"]),
				message: "is not a field that the schema knows",
			};
		case "propertyNames":
			return { path: pathOf(instancePath, params["propertyName"]), message: "is not a name that the schema allows" };
		default:
			return { path: pathOf(instancePath, null), message: messageOf(error) };
	}
}

/** The message may repeat parts of the schema, which is not secret, but no data. */
function messageOf({ keyword, params, message }: ErrorObject): string {
	switch (keyword) {
		case "enum":
			return `must be one of ${cut(JSON.stringify(params["allowedValues"]), ALLOWED_SHOWN)}`;
		case "const":
			return `must be ${cut(JSON.stringify(params["allowedValue"]), ALLOWED_SHOWN)}`;
		case "false schema":
			return "is not allowed here";
		default:
			return cut(message ?? "does not fit the schema", ALLOWED_SHOWN);
	}
}

/**
 * Converts a JSON pointer and an optional property name to a dotted path: `/user/emails/0` and `kind` give
 * `user.emails.0.kind`.
 */
function pathOf(pointer: string, name: unknown): string {
	const parts = pointer.split("/").slice(1).map(unescape);
	if (typeof name === "string") parts.push(name);
	const shown = parts.slice(0, MAX_PARTS).map((part) => cut(part, NAME_SHOWN));
	return (parts.length > MAX_PARTS ? [...shown, "…"] : shown).join(".");
}

function unescape(part: string): string {
	return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

function cut(text: string, length: number): string {
	return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** Removes duplicates and limits the number of issues. */
function distinct(issues: readonly Issue[]): Issue[] {
	const seen = new Map<string, Issue>();
	for (const issue of issues) seen.set(`${issue.path}\n${issue.message}`, issue);
	const all = [...seen.values()];
	if (all.length <= MAX_ISSUES) return all;
	return [...all.slice(0, MAX_ISSUES), { path: "", message: `${all.length - MAX_ISSUES} more issues are not shown` }];
}
