// The start of a store, the change of the master key, and the end.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../core/access/audit.ts";
import type { ApiKey } from "../../../core/access/key.ts";
import { deliveryIdAt } from "../../../core/ids.ts";
import type { Project } from "../../../core/workspace.ts";
import type { SealedParts, StoreIdentity } from "../../../ports/store/lifecycle.ts";
import { idBytes, idText } from "../codec/ids.ts";
import { number, rowId } from "../codec/rows.ts";
import { prepareInsert, prepareReplace } from "../codec/statements.ts";
import { PAUSED_REASON_CODES, WEBHOOK_STATUS_CODES } from "../codec/webhook-rows.ts";
import { IDENTITY } from "../codec/workspace-rows.ts";
import type { Transact } from "../connection.ts";
import { createWriteEntry } from "./audit.ts";
import { createInsertKey } from "./directory/keys.ts";
import { createInsertProject } from "./directory/projects.ts";
import { createVersions } from "./directory/versions.ts";

/** Prepares the calls of `LifecycleStore`. */
export function createLifecycleCalls(db: DatabaseSync, transact: Transact) {
	const select = db.prepare("SELECT * FROM workspace");
	const initialize = createInitialize(db);
	const writeProbe = prepareReplace(db, "probe", ["one", "at", "filler"]);

	return {
		identity(): StoreIdentity | null {
			const row = select.get();
			return row === undefined ? null : IDENTITY.read(row);
		},
		initialize: (identity: StoreIdentity, project: Project, key: ApiKey): void =>
			transact(() => initialize(identity, project, key)),
		...createResealCalls(db, transact),
		holdWebhooks: createHoldWebhooks(db, transact),
		newestId: createNewestId(db),
		probe(at: number, bytes = 0): void {
			writeProbe.run(1, at, bytes === 0 ? null : new Uint8Array(bytes));
			// Gives the pages back, so that the store does not grow by them.
			if (bytes > 0) writeProbe.run(1, at, null);
		},
		/** The last connection to close moves all of the WAL into the database file and removes it. */
		close(): void {
			if (db.isOpen) db.close();
		},
	};
}

/** Prepares the pausing of all webhooks that are Enabled: each gets the new version of its project, as with every change. */
function createHoldWebhooks(db: DatabaseSync, transact: Transact): (at: number, entry: AuditEntry) => number {
	const enabled = `status = ${WEBHOOK_STATUS_CODES.Enabled} AND delete_date IS NULL`;
	const selectProjects = db.prepare(`SELECT DISTINCT project_id AS id FROM webhooks WHERE ${enabled}`);
	const versions = createVersions(db);
	const hold = db.prepare(`
		UPDATE webhooks SET status = ${WEBHOOK_STATUS_CODES.Paused}, paused_reason = ${PAUSED_REASON_CODES.restored},
			revision = ?, update_date = max(update_date, ?)
		WHERE project_id = ? AND ${enabled}
	`);
	const writeEntry = createWriteEntry(db);
	return (at, entry) =>
		transact(() => {
			let count = 0;
			for (const row of selectProjects.all()) {
				const revision = versions.raiseProject(rowId(row));
				// The webhooks of a deleted project are deleted, too.
				if (revision !== null) count += Number(hold.run(revision, at, rowId(row)).changes);
			}
			writeEntry(entry);
			return count;
		});
}

/** Prepares the reading of the highest id of an event or a delivery; those of an event's deliveries follow the event's. */
function createNewestId(db: DatabaseSync): () => string | null {
	const selectEvent = db.prepare(
		"SELECT id, delivery_count FROM events INDEXED BY events_by_id ORDER BY id DESC LIMIT 1",
	);
	const selectOwn = db.prepare(`
		SELECT own_id AS id FROM deliveries INDEXED BY deliveries_by_own_id WHERE own_id IS NOT NULL ORDER BY own_id DESC LIMIT 1
	`);
	return () => {
		const [event, own] = [selectEvent.get(), selectOwn.get()];
		const ids: string[] = [];
		if (event !== undefined) ids.push(deliveryIdAt(idText("evt", rowId(event)), number(event["delivery_count"]) - 1));
		if (own !== undefined) ids.push(idText("dlv", rowId(own)));
		return ids.sort().at(-1) ?? null;
	};
}

function createInitialize(db: DatabaseSync) {
	const insert = prepareInsert(db, "workspace", ["one", ...IDENTITY.columns]);
	const insertProject = createInsertProject(db);
	const insertKey = createInsertKey(db);
	return (identity: StoreIdentity, project: Project, key: ApiKey): void => {
		insert.run(1, ...IDENTITY.write(identity));
		insertProject(project);
		insertKey(key);
	};
}

/** The number of the header values in `resealed`. Those of secrets begin with 1. */
const HEADERS = 0;

function createResealCalls(db: DatabaseSync, transact: Transact) {
	const stage = prepareReplace(db, "resealed", ["webhook_id", "number", "sealed"]);
	const clear = db.prepare("DELETE FROM resealed");
	const changeSecrets = db.prepare(`
		UPDATE webhook_secrets SET sealed = resealed.sealed FROM resealed
		WHERE resealed.webhook_id = webhook_secrets.webhook_id AND resealed.number = webhook_secrets.number
	`);
	const changeHeaders = db.prepare(`
		UPDATE webhooks SET sealed_headers = resealed.sealed FROM resealed
		WHERE resealed.webhook_id = webhooks.id AND resealed.number = ${HEADERS}
	`);
	const setFingerprint = db.prepare("UPDATE workspace SET master_key_fingerprint = ?");

	return {
		stageReseal: (parts: readonly SealedParts[]): void =>
			transact(() => {
				for (const { id, secrets, sealedHeaders } of parts) {
					const webhook = idBytes("webhook", id);
					for (const { number: secret, sealed } of secrets) stage.run(webhook, secret, sealed);
					if (sealedHeaders !== null) stage.run(webhook, HEADERS, sealedHeaders);
				}
			}),
		clearReseal(): void {
			clear.run();
		},
		reseal: (masterKeyFingerprint: string): void =>
			transact(() => {
				changeSecrets.run();
				changeHeaders.run();
				clear.run();
				setFingerprint.run(masterKeyFingerprint);
			}),
	};
}
