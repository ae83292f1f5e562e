// How one setting is defined: its parser, its default and its texts.
import { z } from "zod";

/** The description of a setting. */
export interface SettingMeta {
	/** Continues "must be …". */
	readonly expected: string;
	readonly meaning: string;
	/** The default as the documentation shows it. */
	readonly defaultText: string;
	readonly example: string;
	/** Whether a server that runs takes another value: `reload` in compose/. Defaults to false. */
	readonly reloads?: boolean;
	/** Its value never appears in an error, and it has no flag. */
	readonly isSecret?: boolean;
}

/** What is known of each setting, by its schema. */
export const settingMetas = z.registry<SettingMeta>();

/** Defines a setting. `parse` returns undefined for an invalid text; an empty text is always invalid. */
export function setting<T, D extends T | null>(
	parse: (text: string) => T | undefined,
	byDefault: D,
	meta: SettingMeta,
) {
	const schema = z
		.string()
		.transform((text, context): T => {
			const value = text === "" ? undefined : parse(text);
			if (value !== undefined) return value;
			context.addIssue({ code: "custom", message: `must be ${meta.expected}` });
			return z.NEVER;
		})
		.optional()
		.transform((value): T | D => (value === undefined ? byDefault : value));
	settingMetas.add(schema, meta);
	return schema;
}
