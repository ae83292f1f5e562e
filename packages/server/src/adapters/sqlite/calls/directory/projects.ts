// Projects.
import type { DatabaseSync } from "node:sqlite";

import type { Project } from "../../../../core/workspace.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import { idBytes } from "../../codec/ids.ts";
import { prepareInsert, prepareUpdate } from "../../codec/statements.ts";
import { PROJECT } from "../../codec/workspace-rows.ts";
import type { Transact } from "../../connection.ts";

/** Prepares the calls about projects. */
export function createProjectCalls(db: DatabaseSync, transact: Transact) {
	const selectAll = db.prepare("SELECT * FROM projects WHERE delete_date IS NULL ORDER BY create_date, id");
	const insert = createInsertProject(db);
	const update = prepareUpdate(db, "projects", PROJECT.columns, ["id"], "delete_date IS NULL");
	const remove = createDeleteProject(db);

	return {
		projects: (): Project[] => selectAll.all().map(PROJECT.read),
		insertProject: (project: Project): void => transact(() => insert(project)),
		updateProject: (project: Project): void =>
			transact(() => {
				if (update.run(...PROJECT.write(project)).changes === 0) {
					throw new StoreError("store_conflict", `there is no project ${project.id} to update`);
				}
			}),
		deleteProject: (projectId: string, at: number): boolean => transact(() => remove(idBytes("proj", projectId), at)),
	};
}

/** Prepares the insertion of a project. */
export function createInsertProject(db: DatabaseSync): (project: Project) => void {
	const insert = prepareInsert(db, "projects", PROJECT.columns);
	return (project) => {
		insert.run(...PROJECT.write(project));
	};
}

function createDeleteProject(db: DatabaseSync) {
	const markProject = db.prepare("UPDATE projects SET delete_date = ? WHERE id = ? AND delete_date IS NULL");
	const markWebhooks = db.prepare(
		"UPDATE webhooks SET delete_date = ?1, update_date = ?1 WHERE project_id = ?2 AND delete_date IS NULL",
	);
	const deleteKeys = db.prepare("DELETE FROM keys WHERE project_id = ?");
	const deleteEventTypes = db.prepare("DELETE FROM event_types WHERE project_id = ?");
	return (projectId: Uint8Array, at: number): boolean => {
		if (markProject.run(at, projectId).changes === 0) return false;
		markWebhooks.run(at, projectId);
		deleteKeys.run(projectId);
		deleteEventTypes.run(projectId);
		return true;
	};
}
