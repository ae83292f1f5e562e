// Versions of the workspace and of projects: each change raises one, and a reader asks what has changed since one.
import type { DatabaseSync } from "node:sqlite";

import { FIRST_VERSION } from "../../../../core/workspace.ts";
import type { DirectoryVersions, ProjectChanges } from "../../../../ports/store/directory.ts";
import { idBytes, idText } from "../../codec/ids.ts";
import { KEY } from "../../codec/key-rows.ts";
import { number, rowId, type Row } from "../../codec/rows.ts";
import { PROJECT } from "../../codec/workspace-rows.ts";
import { createReadWebhooks } from "./webhooks.ts";

/** Raises versions. Call it in the transaction of the change. */
export interface Versions {
	/** The new version of a project; null if there is no such project or it is deleted. */
	readonly raiseProject: (projectId: Uint8Array) => number | null;
	/** The new version of the workspace. */
	readonly raiseWorkspace: () => number;
}

/** Prepares the raising of versions. */
export function createVersions(db: DatabaseSync): Versions {
	const raiseProject = db.prepare(
		"UPDATE projects SET version = version + 1 WHERE id = ? AND delete_date IS NULL RETURNING version",
	);
	const raiseWorkspace = db.prepare("UPDATE workspace SET version = version + 1 RETURNING version");
	return {
		raiseProject: (projectId) => versionOrNull(raiseProject.get(projectId)),
		raiseWorkspace: () => versionOrNull(raiseWorkspace.get()) ?? FIRST_VERSION,
	};
}

/** Prepares the reading of a project's version; null if there is no such project or it is deleted. */
export function createVersionOf(db: DatabaseSync): (projectId: Uint8Array) => number | null {
	const select = db.prepare("SELECT version FROM projects WHERE id = ? AND delete_date IS NULL");
	return (projectId) => versionOrNull(select.get(projectId));
}

function versionOrNull(row: Row | undefined): number | null {
	return row === undefined ? null : number(row["version"]);
}

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
	const readWebhooks = createReadWebhooks(db, "webhooks_by_revision", "project_id = ? AND revision > ?");

	// One call is one snapshot, since nobody else writes to the file.
	return (projectId: string, since: number): ProjectChanges => {
		const id = idBytes("proj", projectId);
		const version = versionOf(id);
		const row = selectProject.get(id);
		if (version === null || row === undefined) return { version: since, project: null, webhooks: [], keys: [] };
		const keys = selectKeys.all(id).map(KEY.read);
		return { version, project: PROJECT.read(row), webhooks: readWebhooks(id, since), keys };
	};
}
