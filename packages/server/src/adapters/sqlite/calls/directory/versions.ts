// Versions of the workspace and of projects: each change raises one. The calls of readers are in project-changes.ts.
import type { DatabaseSync } from "node:sqlite";

import { FIRST_VERSION } from "../../../../core/workspace.ts";
import { number, type Row } from "../../codec/rows.ts";

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

/** The version in a row; null if there is no row. */
export function versionOrNull(row: Row | undefined): number | null {
	return row === undefined ? null : number(row["version"]);
}
