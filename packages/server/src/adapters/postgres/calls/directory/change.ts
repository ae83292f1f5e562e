// What every change of the directory needs: the versions that it raises. It is made by `Database.change`, so that it waits for the commits
// that rely on what it changes, and so that two changes of one project never meet.
import { StoreError } from "../../../../ports/store/errors.ts";
import { uuidOf } from "../../codec/ids.ts";
import { number } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";

/** Other members find the change by its transaction: see wire/changes.ts. */
const RAISE_PROJECT = statement(`
	UPDATE projects SET version = version + 1, version_xid = pg_current_xact_id()
	WHERE id = $1 AND delete_date IS NULL RETURNING version
`);
const RAISE_WORKSPACE = statement("UPDATE workspace SET version = version + 1 RETURNING version");

/** The new version of a project, by its UUID; null if there is no such project or it is deleted. */
export async function raiseProject(session: Session, project: string | null): Promise<number | null> {
	const [row] = await session.run(RAISE_PROJECT, [project]);
	return row === undefined ? null : number(row["version"]);
}

const SELECT_PROJECT = statement("SELECT 1 FROM projects WHERE id = $1 AND delete_date IS NULL");

/** Fails with `store_conflict` if a project is deleted or unknown. */
export async function checkProject(session: Session, projectId: string): Promise<void> {
	if (!(await hasProject(session, uuidOf("proj", projectId)))) noProject(projectId);
}

/** Whether there is a project that is not deleted. */
export async function hasProject(session: Session, project: string | null): Promise<boolean> {
	return (await session.run(SELECT_PROJECT, [project])).length > 0;
}

/** The new version of the workspace. */
export async function raiseWorkspace(session: Session): Promise<number> {
	const [row] = await session.run(RAISE_WORKSPACE);
	return number(row?.["version"]);
}

/** Fails a change in a project that is deleted or unknown. */
export function noProject(projectId: string | null): never {
	throw new StoreError("store_conflict", `there is no project ${projectId}`);
}
