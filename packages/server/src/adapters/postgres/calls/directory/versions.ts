// The calls of a reader that keeps a copy of the directory: the versions, and what has changed in a project since one of them.
import { FIRST_VERSION } from "../../../../core/workspace.ts";
import type {
	ChangesPosition,
	DirectoryVersions,
	ProjectChanges,
	WebhookSummary,
} from "../../../../ports/store/directory.ts";
import { FIRST_UUID, idOf, uuidOf } from "../../codec/ids.ts";
import { KEY } from "../../codec/key-rows.ts";
import { number, text } from "../../codec/rows.ts";
import { list, statement } from "../../codec/statements.ts";
import { WEBHOOK_SUMMARY } from "../../codec/webhook-rows.ts";
import { PROJECT } from "../../codec/workspace-rows.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";

const SELECT_WORKSPACE = statement("SELECT version FROM workspace");
const SELECT_PROJECTS = statement("SELECT id, version FROM projects WHERE delete_date IS NULL");
const SELECT_PROJECT = statement("SELECT * FROM projects WHERE id = $1 AND delete_date IS NULL");
const SELECT_KEYS = statement("SELECT * FROM keys WHERE project_id = $1 ORDER BY id DESC");
const SELECT_CHANGED = (comparison: ">" | ">=") =>
	statement(`
		SELECT ${list(WEBHOOK_SUMMARY.columns)} FROM webhooks
		WHERE project_id = $1 AND (revision, id) ${comparison} ($2, $3) ORDER BY revision, id LIMIT $4
	`);
const SELECT_AFTER = SELECT_CHANGED(">");
const SELECT_FROM = SELECT_CHANGED(">=");

/** The calls about versions. */
export function createVersionCalls(database: Database) {
	return {
		directoryVersions: (): Promise<DirectoryVersions> =>
			database.snapshot(async (session) => {
				const [[workspace], projects] = await Promise.all([
					session.run(SELECT_WORKSPACE),
					session.run(SELECT_PROJECTS),
				]);
				return {
					workspace: workspace === undefined ? FIRST_VERSION : number(workspace["version"]),
					projects: projects.map((row) => ({
						projectId: idOf("proj", text(row["id"])),
						version: number(row["version"]),
					})),
				};
			}),
		projectChanges: (projectId: string, after: ChangesPosition, limit: number): Promise<ProjectChanges> =>
			database.snapshot(async (session) => {
				const id = uuidOf("proj", projectId);
				const [[row], keys, webhooks] = await Promise.all([
					session.run(SELECT_PROJECT, [id]),
					session.run(SELECT_KEYS, [id]),
					changedWebhooks(session, id, after, limit),
				]);
				if (row === undefined) return { version: after.revision, project: null, webhooks: [], next: null, keys: [] };
				const last = webhooks.length < limit ? undefined : webhooks.at(-1);
				return {
					version: number(row["version"]),
					project: PROJECT.read(row),
					webhooks,
					next: last === undefined ? null : { revision: last.revision, webhookId: last.id },
					keys: keys.map(KEY.read),
				};
			}),
	};
}

async function changedWebhooks(
	session: Session,
	project: string | null,
	{ revision, webhookId }: ChangesPosition,
	limit: number,
): Promise<WebhookSummary[]> {
	const rows =
		webhookId === null
			? await session.run(SELECT_FROM, [project, revision + 1, FIRST_UUID, limit])
			: await session.run(SELECT_AFTER, [project, revision, uuidOf("webhook", webhookId), limit]);
	return rows.map(WEBHOOK_SUMMARY.read);
}
