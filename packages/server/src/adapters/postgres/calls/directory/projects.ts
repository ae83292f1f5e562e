// Projects.
import type { AuditEntry } from "../../../../core/access/audit.ts";
import { FIRST_VERSION, type Project } from "../../../../core/workspace.ts";
import type { UpdateOptions } from "../../../../ports/store/directory.ts";
import { uuidOf } from "../../codec/ids.ts";
import { number } from "../../codec/rows.ts";
import { insertInto, statement, updateOf } from "../../codec/statements.ts";
import { PROJECT } from "../../codec/workspace-rows.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { writeEntry } from "../audit.ts";
import { noProject, raiseProject, raiseWorkspace } from "./change.ts";

const SELECT_ALL = statement("SELECT * FROM projects WHERE delete_date IS NULL ORDER BY create_date, id");
const SELECT_REVISION = statement("SELECT revision FROM projects WHERE id = $1 AND delete_date IS NULL");
const COUNT = statement("SELECT count(*) AS count FROM projects WHERE delete_date IS NULL");
const INSERT = insertInto("projects", PROJECT.columns);
const UPDATE = updateOf("projects", PROJECT.columns, ["id"]);
const MARK_PROJECT = statement("UPDATE projects SET delete_date = $1 WHERE id = $2 AND delete_date IS NULL");

/** The calls about projects. */
export function createProjectCalls(database: Database) {
	return {
		projects: (): Promise<Project[]> =>
			database.read(async (session) => (await session.run(SELECT_ALL)).map(PROJECT.read)),
		insertProject: (project: Project, entry: AuditEntry | null, limit = Infinity): Promise<number | "full"> =>
			database.change(null, async (session) => {
				const [row] = await session.run(COUNT);
				if (number(row?.["count"]) >= limit) return "full";
				await insertProject(session, project);
				await writeEntry(session, entry);
				return raiseWorkspace(session);
			}),
		updateProject: (project: Project, { expected, entry }: UpdateOptions): Promise<number | null> =>
			database.change(uuidOf("proj", project.id), async (session) => {
				const id = uuidOf("proj", project.id);
				const [row] = await session.run(SELECT_REVISION, [id]);
				if (row?.["revision"] !== expected) return null;
				const revision = (await raiseProject(session, id)) ?? noProject(project.id);
				await session.run(UPDATE, PROJECT.write({ ...project, revision }));
				await writeEntry(session, entry);
				return revision;
			}),
		/** Its keys, webhooks and event types are deleted by its mark alone, however many there are: whatever reads them looks at it. */
		deleteProject: (projectId: string, at: number, entry: AuditEntry | null): Promise<number | null> =>
			database.change(uuidOf("proj", projectId), async (session) => {
				const id = uuidOf("proj", projectId);
				if ((await session.change(MARK_PROJECT, [at, id])) === 0) return null;
				await writeEntry(session, entry);
				return raiseWorkspace(session);
			}),
	};
}

export async function insertProject(session: Session, project: Project): Promise<void> {
	await session.run(INSERT, PROJECT.write({ ...project, revision: FIRST_VERSION }));
}
