// Settings that a program gives as values: their types, and their form as the text that an environment would have.
import type { AllowedHost } from "../ports/sender.ts";
import type { Config } from "./settings.ts";

/** A value as a program may write it: bytes and hosts also as text, as in an environment. */
type Given<Value> = Value extends Uint8Array
	? Value | string
	: Value extends readonly AllowedHost[]
		? readonly (AllowedHost | string)[]
		: Value;

/**
 * Settings as values, by name: `FANFARE_DATA_DIR` is `dataDir`, see docs/configuration.md. What is omitted has its default. A `Config`,
 * as `readConfig` returns it, has them all.
 */
export type Settings = { readonly [Name in keyof Config]?: Given<Config[Name]> | undefined };

/** The text of a value; undefined if the setting keeps its default, null for a value of another kind than settings have. */
export function textOf(value: unknown): string | null | undefined {
	if (value === undefined || value === null) return undefined;
	if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
	if (!Array.isArray(value)) return plainText(value);
	if (value.length === 0) return undefined;
	const entries = value.map(entryText);
	return entries.includes(null) ? null : entries.join(",");
}

function entryText(entry: unknown): string | null {
	if (typeof entry !== "object" || entry === null || !("host" in entry)) return plainText(entry);
	const host = plainText(entry.host);
	const projectId = "projectId" in entry ? entry.projectId : null;
	if (projectId === null || host === null) return host;
	const project = plainText(projectId);
	return project === null ? null : `${host}@${project}`;
}

function plainText(value: unknown): string | null {
	if (typeof value === "string") return value;
	return typeof value === "number" || typeof value === "boolean" ? String(value) : null;
}
