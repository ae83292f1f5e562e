// What changes seldom: the workspace, projects and keys.
import type { DatabaseSync } from "node:sqlite";

import type { ApiKey } from "../../../core/crypto/key.ts";
import type { Project } from "../../../core/workspace.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import type { StoreIdentity } from "../../../ports/store/lifecycle.ts";
import { idBytes } from "../codec/ids.ts";
import {
	ADMIN_SCOPE_CODE,
	countOf,
	EVENT_TYPE_POLICY_CODES,
	isWorkspaceAdmin,
	keyValues,
	toIdentity,
	toKey,
	toProject,
} from "../codec/rows.ts";
import type { Transact } from "../connection.ts";

/** Prepares `identity` and `initialize`. */
export function createIdentityCalls(db: DatabaseSync, transact: Transact) {
	const select = db.prepare("SELECT * FROM workspace");
	const insert = db.prepare(`
		INSERT INTO workspace (one, id, name, owner, tier, create_date, master_key_fingerprint) VALUES (1, ?, ?, ?, ?, ?, ?)
	`);
	const insertProject = createInsertProject(db);
	const insertKey = createInsertKey(db);

	return {
		identity(): StoreIdentity | null {
			const row = select.get();
			return row === undefined ? null : toIdentity(row);
		},
		initialize({ workspace, masterKeyFingerprint }: StoreIdentity, project: Project, key: ApiKey): void {
			const { id, name, owner, tier, createDate } = workspace;
			transact(() => {
				insert.run(idBytes("ws", id), name, owner, tier, createDate, masterKeyFingerprint);
				insertProject(project);
				insertKey(key);
			});
		},
	};
}

/** Prepares the calls about projects. */
export function createProjectCalls(db: DatabaseSync, transact: Transact) {
	const selectAll = db.prepare("SELECT * FROM projects WHERE delete_date IS NULL ORDER BY create_date, id");
	const insert = createInsertProject(db);
	const update = db.prepare(`
		UPDATE projects SET name = ?, event_type_policy = ?, retention_days = ?, payload_retention_days = ?
		WHERE id = ? AND delete_date IS NULL
	`);
	const remove = createDeleteProject(db);

	return {
		projects: (): Project[] => selectAll.all().map(toProject),
		insertProject: (project: Project): void => transact(() => insert(project)),
		updateProject: (project: Project): void =>
			transact(() => {
				const { changes } = update.run(
					project.name,
					EVENT_TYPE_POLICY_CODES[project.eventTypes],
					project.retentionDays,
					project.payloadRetentionDays,
					idBytes("proj", project.id),
				);
				if (changes === 0) throw new StoreError("store_conflict", `there is no project ${project.id} to update`);
			}),
		deleteProject: (projectId: string, at: number): boolean => transact(() => remove(idBytes("proj", projectId), at)),
	};
}

function createInsertProject(db: DatabaseSync) {
	const insert = db.prepare(`
		INSERT INTO projects (
			id, workspace_id, name, create_date, event_type_policy, retention_days, payload_retention_days
		) VALUES (?, ?, ?, ?, ?, ?, ?)
	`);
	return (project: Project): void => {
		const { name, createDate, retentionDays, payloadRetentionDays } = project;
		const policy = EVENT_TYPE_POLICY_CODES[project.eventTypes];
		const [id, workspace] = [idBytes("proj", project.id), idBytes("ws", project.workspaceId)];
		insert.run(id, workspace, name, createDate, policy, retentionDays, payloadRetentionDays);
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

/** Prepares the calls about keys. */
export function createKeyCalls(db: DatabaseSync, transact: Transact) {
	const selectAll = db.prepare("SELECT * FROM keys ORDER BY id DESC");
	const select = db.prepare("SELECT * FROM keys WHERE id = ?");
	const countAdmins = db.prepare("SELECT count(*) AS count FROM keys WHERE scope = ? AND project_id IS NULL");
	const insert = createInsertKey(db);
	const remove = db.prepare("DELETE FROM keys WHERE id = ?");

	return {
		keys: (): ApiKey[] => selectAll.all().map(toKey),
		insertKey: (key: ApiKey): void => transact(() => insert(key)),
		deleteKey: (keyId: string): "deleted" | "not_found" | "last_admin" =>
			transact(() => {
				const id = idBytes("key", keyId);
				const row = select.get(id);
				if (row === undefined) return "not_found";
				if (isWorkspaceAdmin(row) && countOf(countAdmins.get(ADMIN_SCOPE_CODE)) === 1) return "last_admin";
				remove.run(id);
				return "deleted";
			}),
	};
}

function createInsertKey(db: DatabaseSync) {
	const insert = db.prepare(`
		INSERT INTO keys (id, name, scope, project_id, hint, digest, create_date) VALUES (?, ?, ?, ?, ?, ?, ?)
	`);
	return (key: ApiKey): void => {
		insert.run(...keyValues(key));
	};
}
