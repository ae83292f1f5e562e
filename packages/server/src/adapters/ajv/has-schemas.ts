// Whether events are checked by schemas, so that the validator can start before the first of them comes.
import { projectScope } from "../../core/access/principal.ts";
import type { Project } from "../../core/workspace.ts";
import type { DirectoryStore } from "../../ports/store/directory.ts";

/** A project's first event types tell enough: where only later ones have a schema, the validator starts with the first check. */
const FIRST = { limit: 100, cursor: null };

/** Whether one of these projects takes only events of its event types, and one of the first of these has a schema. */
export async function hasSchemas(
	store: Pick<DirectoryStore, "eventTypes">,
	projects: readonly Project[],
): Promise<boolean> {
	for (const { id, eventTypes } of projects) {
		if (eventTypes !== "catalogued") continue;
		// oxlint-disable-next-line no-await-in-loop -- the first one that is found is enough
		const { rows } = await store.eventTypes(projectScope(id), false, FIRST);
		if (rows.some(({ schemaJson }) => schemaJson !== null)) return true;
	}
	return false;
}
