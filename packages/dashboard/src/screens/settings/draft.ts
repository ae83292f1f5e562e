// What is typed into the settings of a project, as text, and the call that it becomes.
import type { UpdateProject } from "@fanfare/sdk";

import type { Version } from "../../parts/form/edit/edit.ts";
import { LIMITS, type Limit, type ProjectSettings } from "./project-query.ts";

/** The limits are whole numbers; empty for the server's setting. */
export interface Draft extends Readonly<Record<Limit, string>> {
	readonly name: string;
	readonly eventTypes: ProjectSettings["eventTypePolicy"];
}

/** The fields of the form, by the paths that the server uses in its objections. */
export const PATHS = ["name", "eventTypes", ...LIMITS] as const;

export function draftOf({ name, eventTypePolicy, limits }: ProjectSettings): Draft {
	const texts = LIMITS.map((limit) => [limit, limits[limit] === null ? "" : String(limits[limit])]);
	return { name, eventTypes: eventTypePolicy, ...(Object.fromEntries(texts) as Record<Limit, string>) };
}

export function versionOf(settings: ProjectSettings): Version<Draft> {
	return { revision: settings.revision, draft: draftOf(settings) };
}

/** What can be seen to be wrong without asking the server. */
export function errorsOf(draft: Draft): Partial<Record<"name" | Limit, string>> {
	const wrong = LIMITS.filter((limit) => !/^\d{0,15}$/.test(draft[limit].trim()));
	return {
		...(draft.name.trim() === "" && { name: "A project needs a name." }),
		...Object.fromEntries(wrong.map((limit) => [limit, "Write a whole number, or leave it empty."])),
	};
}

/** Changes of the settings, and the revision that they were made on. */
export type SettingsUpdate = UpdateProject & { readonly revision: number };

/** Whether there is anything to save: spaces around a value are not sent. */
export function isChanged(draft: Draft, before: Draft): boolean {
	const { revision: _, ...changes } = toUpdate(draft, before, 0);
	return Object.keys(changes).length > 0;
}

/** Only what was changed. */
export function toUpdate(draft: Draft, before: Draft, revision: number): SettingsUpdate {
	const changed = LIMITS.filter((limit) => draft[limit].trim() !== before[limit]);
	const numberOf = (text: string) => (text.trim() === "" ? null : Number(text));
	return {
		...(draft.name.trim() !== before.name && { name: draft.name.trim() }),
		...(draft.eventTypes !== before.eventTypes && { eventTypes: draft.eventTypes }),
		...Object.fromEntries(changed.map((limit) => [limit, numberOf(draft[limit])])),
		revision,
	};
}
