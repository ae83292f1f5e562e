// Filters with several values: in a query one text with commas, in a body one value or a list.
import { z } from "@hono/zod-openapi";

import { isId, type IdPrefix } from "../../../core/ids.ts";
import { givenWord } from "../../request/body/given-word.ts";
import { shortText } from "./bounded.ts";
import { addDuplicateIssues } from "./schemas.ts";

const MAX_ENTRIES = 100;
const MAX_LENGTH = 4_000;

/** A comma-separated list in one query parameter. `expected` and `description` say what each entry must be. */
export function listParameter<T extends string>(
	isEntry: (entry: string) => entry is T,
	expected: string,
	description: string,
): z.ZodType<readonly T[], string> {
	return listOfTexts((entry) => (isEntry(entry) ? entry : null), expected, {
		max: MAX_ENTRIES,
		description: `${description}. Separate several with commas. Defaults to all.`,
	});
}

/** The same for a list of some known words. */
export function wordsParameter<T extends string>(
	words: readonly T[],
	description: string,
): z.ZodType<readonly T[], string> {
	return listOfTexts((entry) => words.find((word) => word === entry) ?? null, words.join(", "), {
		max: MAX_ENTRIES,
		words,
		description: `${description}. Separate several with commas. Defaults to all.`,
	});
}

/** What the entries of a list are, and how many there may be. */
export interface ListRules {
	readonly max: number;
	readonly description: string;
	/** The words that the entries can be, for entries that can be no other. */
	readonly words?: readonly string[];
	/** The longest text. Defaults to 4,000 characters. */
	readonly maxLength?: number;
}

/** The same for entries that are translated. `parse` returns null for a text that is no entry. An entry that is there twice counts once. */
export function listOfTexts<T>(
	parse: (entry: string) => T | null,
	expected: string,
	{ max, description, words = [], maxLength = MAX_LENGTH }: ListRules,
): z.ZodType<readonly T[], string> {
	return shortText(maxLength)
		.transform((value, context) => {
			const texts = value.split(",", max + 1);
			const entries = texts.flatMap((text) => parse(text) ?? []);
			if (texts.length <= max && entries.length === texts.length) return distinct(entries);
			const wrong = texts.length > max ? undefined : texts.find((text) => parse(text) === null);
			const got = wrong === undefined ? "got more" : `got ${givenWord(wrong, words)}`;
			context.addIssue({
				code: "custom",
				message: `must be a list of ${expected}, separated by commas, at most ${max}, ${got}`,
			});
			return z.NEVER;
		})
		.openapi({ type: "string", description, maxLength });
}

/** A required list of 1 to `max` ids in one query parameter, each there once. Their number is checked before they are. */
export function distinctIds(prefix: IdPrefix, max: number, description: string): z.ZodType<readonly string[], string> {
	const example = `${prefix}_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77`;
	const maxLength = (max + 1) * (example.length + 1);
	return shortText(maxLength)
		.transform((value, context) => {
			const ids = value.split(",", max + 1);
			const wrong = ids.findIndex((id) => !isId(prefix, id));
			if (ids.length > max) context.addIssue({ code: "custom", message: `must have at most ${max} ids, got more` });
			else if (value === "") context.addIssue({ code: "custom", message: `must have at least 1 id, got none` });
			else if (wrong !== -1)
				context.addIssue({ code: "custom", path: [wrong], message: `must be an id such as ${example}` });
			else {
				addDuplicateIssues(ids, context);
				return ids;
			}
			return z.NEVER;
		})
		.openapi({
			type: "string",
			description: `${description}: 1 to ${max}, each once, separated by commas.`,
			maxLength,
			example,
		});
}

/** An entry in the OpenAPI document. */
export type EntrySchema =
	| { type: "string"; enum?: string[]; pattern?: string }
	| { type: "integer"; minimum: number; maximum: number }
	| { anyOf: EntrySchema[] };

/** One value in a body, or a list of 1 to `max`. The number of entries is checked before the entries. One that is there twice counts once. */
export function oneOrSeveral<T>(
	parse: (entry: unknown) => T | null,
	expected: string,
	{ max, description, words = [], entry }: ListRules & { readonly entry: EntrySchema },
): z.ZodType<readonly T[]> {
	return z
		.unknown()
		.transform((value: unknown, context): readonly T[] => {
			const isList = Array.isArray(value);
			const values: readonly unknown[] = isList ? value : [value];
			const entries = values.length <= max ? values.map(parse) : [];
			const wrong = entries.findIndex((one) => one === null);
			if (entries.length > 0 && wrong === -1) return distinct(entries.filter((one) => one !== null));
			const got = wrong === -1 ? `${values.length} entries` : givenWord(values[wrong], words);
			context.addIssue({
				code: "custom",
				message: `must be ${expected}, or a list of 1 to ${max} of these, got ${got}`,
				path: isList && wrong >= 0 ? [wrong] : [],
			});
			return z.NEVER;
		})
		.openapi({ anyOf: [entry, { type: "array", items: entry, minItems: 1, maxItems: max }], description });
}

/** Without duplicates: a read that looks at each entry by itself would find everything twice. */
function distinct<T>(entries: readonly T[]): T[] {
	return [...new Set(entries)];
}
