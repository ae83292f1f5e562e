// Projects.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../../core/access/audit.ts";
import { FIRST_VERSION, type Project } from "../../../../core/workspace.ts";
import type { UpdateOptions } from "../../../../ports/store/directory.ts";
import { idBytes } from "../../codec/ids.ts";
import { countOf } from "../../codec/rows.ts";
import { prepareInsert, prepareUpdate } from "../../codec/statements.ts";
import { PROJECT } from "../../codec/workspace-rows.ts";
import { createGiveNumber } from "../../deliveries/numbers.ts";
import { noProject, type Change } from "./change.ts";

/** Prepares the calls about projects. */
export function createProjectCalls(db: DatabaseSync, { transact, versions, writeEntry }: Change) {
	const selectAll = db.prepare("SELECT * FROM projects WHERE delete_date IS NULL ORDER BY create_date, id");
	const selectRevision = db.prepare("SELECT revision FROM projects WHERE id = ? AND delete_date IS NULL");
	const count = db.prepare("SELECT count(*) AS count FROM projects WHERE delete_date IS NULL");
	const insert = createInsertProject(db);
	const update = prepareUpdate(db, "projects", PROJECT.columns, ["id"]);
	const mark = db.prepare("UPDATE projects SET delete_date = ? WHERE id = ? AND delete_date IS NULL");

	return {
		projects: (): Project[] => selectAll.all().map(PROJECT.read),
		insertProject: (project: Project, entry: AuditEntry | null, limit = Infinity): number | "full" =>
			transact(() => {
				if (countOf(count.get()) >= limit) return "full";
				insert(project);
				writeEntry(entry);
				return versions.raiseWorkspace();
			}),
		updateProject: (project: Project, { expected, entry }: UpdateOptions): number | null =>
			transact(() => {
				const id = idBytes("proj", project.id);
				if (selectRevision.get(id)?.["revision"] !== expected) return null;
				const revision = versions.raiseProject(id) ?? noProject(project.id);
				update.run(...PROJECT.write({ ...project, revision }));
				writeEntry(entry);
				return revision;
			}),
		/** Its keys, webhooks and event types are deleted by its mark alone, however many there are: whatever reads them looks at it. */
		deleteProject: (projectId: string, at: number, entry: AuditEntry | null): number | null =>
			transact(() => {
				if (mark.run(at, idBytes("proj", projectId)).changes === 0) return null;
				writeEntry(entry);
				return versions.raiseWorkspace();
			}),
	};
}

/** Prepares the insertion of a project. */
export function createInsertProject(db: DatabaseSync): (project: Project) => void {
	const insert = prepareInsert(db, "projects", PROJECT.columns);
	const giveNumber = createGiveNumber(db, "projects");
	return (project) => {
		insert.run(...PROJECT.write({ ...project, revision: FIRST_VERSION }));
		giveNumber(idBytes("proj", project.id));
	};
}
