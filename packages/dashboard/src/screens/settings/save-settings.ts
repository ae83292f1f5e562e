// Saves what was changed of a project's settings, also if the answer is lost and the call is made again.
import type { Client } from "@fanfare/sdk";

import { isStored, saveOnce } from "../../parts/form/edit/own-save.ts";
import type { SettingsUpdate } from "./draft.ts";
import { settingsOf, type ProjectSettings } from "./project-query.ts";

/** Rejects with a `ConflictError` if somebody else has changed the settings since the revision of the changes. */
export function saveSettings(
	{ projects }: Pick<Client, "projects">,
	projectId: string,
	changes: SettingsUpdate,
): Promise<ProjectSettings> {
	const { revision: _, eventTypes, ...limits } = changes;
	return saveOnce({
		save: async () => settingsOf(await projects.update(projectId, changes)),
		stored: async () => {
			const project = settingsOf(await projects.get(projectId));
			const { name, eventTypePolicy } = project;
			const sent = { ...limits, eventTypePolicy: eventTypes };
			return isStored({ name, eventTypePolicy, ...project.limits }, sent) ? project : null;
		},
	});
}
