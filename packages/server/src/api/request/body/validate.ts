// Checks values against zod schemas. Turns what zod reports into issues that people can act on.
import { z } from "@hono/zod-openapi";

import { counted, invalidRequest, type FanfareError, type Issue } from "../../../core/errors.ts";
import { expectedForm, kindOf } from "./expected-form.ts";
import { givenWord } from "./given-word.ts";

/** The number of characters of a name that messages show. */
const NAME_SHOWN = 64;

/**
 * Checks a value against a schema and returns it as the schema converts it. Throws `invalid_request` with an issue for
 * everything that is wrong. `prefix` goes before the path of each issue, such as `events.3.`.
 */
export function validate<T>(schema: z.ZodType<T>, value: unknown, prefix = ""): T {
	const result = schema.safeParse(value, { error: sentence });
	if (result.success) return result.data;
	throw invalidRequest(issuesOf(result.error, prefix));
}

/** Like `validate`, but returns the error. For the events of a batch, where one bad event must not stop the others. */
export function validateOrError<T>(schema: z.ZodType<T>, value: unknown, prefix: string): T | FanfareError {
	const result = schema.safeParse(value, { error: sentence });
	return result.success ? result.data : invalidRequest(issuesOf(result.error, prefix));
}

/** A name that the caller chose, cut to a length that is fit for a message. */
export function cutName(name: string): string {
	return name.length > NAME_SHOWN ? `${name.slice(0, NAME_SHOWN)}…` : name;
}

/** The issues of a body with far too many fields: its first fields that the schema does not know. */
export function unknownFieldIssues(
	schema: z.ZodType,
	members: readonly { readonly name: string }[],
	prefix = "",
): Issue[] {
	const known = new Set(schema instanceof z.ZodObject ? Object.keys(schema.shape) : []);
	const names = members.map(({ name }) => name).filter((name) => !known.has(name));
	return names.map((name) => ({ path: prefix + cutName(name), message: unknownField(schema) }));
}

/**
 * The first issue of each field, since several rules may find the same mistake: a name of no characters is also only white space. Issues of
 * the whole request stay. Not for what a schema of a caller says, where two issues with one path may be two ways to mend it.
 */
export function onePerField(issues: readonly Issue[]): Issue[] {
	const seen = new Set<string>();
	return issues.filter(({ path }) => path === "" || (!seen.has(path) && seen.add(path)));
}

function issuesOf(error: z.ZodError, prefix: string): Issue[] {
	const issues = error.issues.flatMap(inMeantForm).flatMap((issue) => {
		const place = issue.path.map((part) => cutName(String(part)));
		const names = issue.code === "unrecognized_keys" ? issue.keys.map(cutName) : [null];
		return names.map((name) => ({
			path: prefix + [...place, ...(name === null ? [] : [name])].join("."),
			message: issue.message,
		}));
	});
	return onePerField(issues);
}

/** Where a value may have several forms: the issues of the one whose kind it has, such as a list with a wrong entry. */
function inMeantForm(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
	if (issue.code !== "invalid_union") return [issue];
	const isOtherKind = ({ code, path }: z.core.$ZodIssue) =>
		path.length === 0 && (code === "invalid_type" || code === "invalid_value");
	const meant = issue.errors.find((issues) => !issues.some(isOtherKind));
	return meant?.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue];
}

/**
 * The message of an issue: the expected and the actual value. The value is repeated only if it is a number where a number is expected,
 * or a word where one of some words is. Anything else may be a secret. Undefined means that the schema's own message is used.
 */
function sentence(issue: z.core.$ZodRawIssue): string | undefined {
	switch (issue.code) {
		case "invalid_type":
			if (issue.input === undefined) return "is required";
			if (isNumeric(issue.expected) && typeof issue.input === "number")
				return `must be ${EXPECTED[issue.expected]}, got ${issue.input}`;
			return `must be ${expectedForm(EXPECTED[issue.expected] ?? issue.expected, issue.inst, issue.input)}`;
		case "too_big":
			return `must ${bound(issue.origin, "at most", issue.maximum)}, got ${measure(issue.input)}`;
		case "too_small":
			return `must ${bound(issue.origin, "at least", issue.minimum)}, got ${measure(issue.input)}`;
		case "unrecognized_keys":
			return unknownField(issue.inst);
		case "invalid_value":
			if (issue.input === undefined) return "is required";
			return `must be ${oneOf(issue.values)}, got ${givenWord(issue.input, issue.values)}`;
		case "invalid_format":
		case "invalid_union":
		case "invalid_key":
		case "invalid_element":
		case "not_multiple_of":
		case "custom":
			return undefined;
	}
}

const EXPECTED: Readonly<Record<string, string>> = {
	string: "a string",
	number: "a number",
	int: "a whole number",
	boolean: "true or false",
	array: "an array",
	object: "an object",
	record: "an object",
};

function isNumeric(expected: string): boolean {
	return expected === "number" || expected === "int";
}

function bound(origin: string, edge: string, limit: number | bigint): string {
	if (origin === "string") return `have ${edge} ${counted(limit, "character")}`;
	if (origin === "array") return `have ${edge} ${counted(limit, "entry", "entries")}`;
	return `be ${edge} ${limit}`;
}

function measure(value: unknown): string {
	if (typeof value === "string" || Array.isArray(value)) return String(value.length);
	// An object need not be convertible to a string: `{"toString": 1}`.
	return typeof value === "number" ? String(value) : kindOf(value);
}

/** The values that are possible, for a message. */
export function oneOf(values: readonly unknown[]): string {
	return values.map((value) => JSON.stringify(value)).join(" or ");
}

function unknownField(schema: unknown): string {
	const known = schema instanceof z.ZodObject ? ` here; known fields: ${Object.keys(schema.shape).join(", ")}` : "";
	return `is not a known field${known}`;
}
