// The calls of a reader that keeps a copy of the directory: the versions, and what has changed in a project since one of them.
import type { DatabaseSync } from "node:sqlite";

import { FIRST_VERSION } from "../../../../core/workspace.ts";
import type { ChangesPosition, DirectoryVersions, ProjectChanges } from "../../../../ports/store/directory.ts";
import { idBytes, idText } from "../../codec/ids.ts";
import { KEY } from "../../codec/key-rows.ts";
import { number, rowId } from "../../codec/rows.ts";
import { PROJECT } from "../../codec/workspace-rows.ts";
import { createVersionOf, versionOrNull } from "./versions.ts";
import { createChangedWebhooks } from "./webhook-reads.ts";

/** Prepares the calls about versions. */
export function createVersionCalls(db: DatabaseSync) {
	const selectWorkspace = db.prepare("SELECT version FROM workspace");
	const selectProjects = db.prepare("SELECT id, version FROM projects WHERE delete_date IS NULL");

	return {
		directoryVersions: (): DirectoryVersions => ({
			workspace: versionOrNull(selectWorkspace.get()) ?? FIRST_VERSION,
			projects: selectProjects
				.all()
				.map((row) => ({ projectId: idText("proj", rowId(row)), version: number(row["version"]) })),
		}),
		projectChanges: createProjectChanges(db),
	};
}

function createProjectChanges(db: DatabaseSync) {
	const versionOf = createVersionOf(db);
	const selectProject = db.prepare("SELECT * FROM projects WHERE id = ?");
	const selectKeys = db.prepare("SELECT * FROM keys WHERE project_id = ? ORDER BY id DESC");
	const readWebhooks = createChangedWebhooks(db);

	// One call is one snapshot, since nobody else writes to the file.
	return (projectId: string, after: ChangesPosition, limit: number): ProjectChanges => {
		const id = idBytes("proj", projectId);
		const version = versionOf(id);
		const row = selectProject.get(id);
		if (version === null || row === undefined) {
			return { version: after.revision, project: null, webhooks: [], next: null, keys: [] };
		}
		const keys = selectKeys.all(id).map(KEY.read);
		const webhooks = readWebhooks(id, after, limit);
		const last = webhooks.length < limit ? undefined : webhooks.at(-1);
		const next = last === undefined ? null : { revision: last.revision, webhookId: last.id };
		return { version, project: PROJECT.read(row), webhooks, next, keys };
	};
}
