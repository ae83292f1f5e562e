// What is typed into the settings of a project, as text, and the call that it becomes.
import type { UpdateProject } from "@fanfare/sdk";

import type { Edit } from "../../parts/form/edit/edit.ts";
import { LIMITS, type Limit, type ProjectSettings } from "./project-query.ts";

export interface Draft {
	readonly name: string;
	readonly eventTypes: ProjectSettings["eventTypePolicy"];
	/** Whole numbers; empty for the server's setting. */
	readonly limits: Readonly<Record<Limit, string>>;
}

/** The fields of the form, by the paths that the server uses in its objections. */
export const PATHS = ["name", "eventTypes", ...LIMITS] as const;

export function draftOf({ name, eventTypePolicy, limits }: ProjectSettings): Draft {
	const texts = LIMITS.map((limit) => [limit, limits[limit] === null ? "" : String(limits[limit])]);
	return { name, eventTypes: eventTypePolicy, limits: Object.fromEntries(texts) as Draft["limits"] };
}

/** What can be seen to be wrong without asking the server. */
export function errorsOf({ name, limits }: Draft): Partial<Record<"name" | Limit, string>> {
	const wrong = LIMITS.filter((limit) => !/^\d{0,15}$/.test(limits[limit].trim()));
	return {
		...(name.trim() === "" && { name: "A project needs a name." }),
		...Object.fromEntries(wrong.map((limit) => [limit, "Write a whole number, or leave it empty."])),
	};
}

/** Only what was changed. */
export function toUpdate(draft: Draft, before: Draft): UpdateProject {
	const changed = LIMITS.filter((limit) => draft.limits[limit].trim() !== before.limits[limit]);
	const numberOf = (text: string) => (text.trim() === "" ? null : Number(text));
	return {
		...(draft.name.trim() !== before.name && { name: draft.name.trim() }),
		...(draft.eventTypes !== before.eventTypes && { eventTypes: draft.eventTypes }),
		...Object.fromEntries(changed.map((limit) => [limit, numberOf(draft.limits[limit])])),
	};
}

/**
 * What is shown, with what was typed before into fields that could not be saved. Fields into which somebody has written since stay: those that
 * differ from `saved`, which the form compares with.
 */
export function takeBack(shown: Draft, saved: Draft, { base, draft }: Edit<Draft>): Draft {
	const pick = <T>(typed: T, before: T, now: T, savedNow: T) => (typed !== before && now === savedNow ? typed : now);
	const limits = LIMITS.map((limit) => [
		limit,
		pick(draft.limits[limit], base.limits[limit], shown.limits[limit], saved.limits[limit]),
	]);
	return {
		name: pick(draft.name, base.name, shown.name, saved.name),
		eventTypes: pick(draft.eventTypes, base.eventTypes, shown.eventTypes, saved.eventTypes),
		limits: Object.fromEntries(limits) as Draft["limits"],
	};
}
