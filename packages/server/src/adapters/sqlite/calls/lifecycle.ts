// The start of a store, the change of the master key, and the end.
import type { DatabaseSync } from "node:sqlite";

import type { ApiKey } from "../../../core/access/key.ts";
import type { Project } from "../../../core/workspace.ts";
import type { WebhookRecord } from "../../../ports/store/directory.ts";
import type { StoreIdentity } from "../../../ports/store/lifecycle.ts";
import { prepareInsert, prepareReplace } from "../codec/statements.ts";
import { IDENTITY } from "../codec/workspace-rows.ts";
import type { Transact } from "../connection.ts";
import { createInsertKey } from "./directory/keys.ts";
import { createInsertProject } from "./directory/projects.ts";
import { createReplaceWebhook } from "./directory/webhooks.ts";

/** Prepares the calls of `LifecycleStore`. */
export function createLifecycleCalls(db: DatabaseSync, transact: Transact) {
	const select = db.prepare("SELECT * FROM workspace");
	const initialize = createInitialize(db);
	const replaceWebhook = createReplaceWebhook(db);
	const setFingerprint = db.prepare("UPDATE workspace SET master_key_fingerprint = ?");
	const writeProbe = prepareReplace(db, "probe", ["one", "at"]);

	return {
		identity(): StoreIdentity | null {
			const row = select.get();
			return row === undefined ? null : IDENTITY.read(row);
		},
		initialize: (identity: StoreIdentity, project: Project, key: ApiKey): void =>
			transact(() => initialize(identity, project, key)),
		reseal: (records: readonly WebhookRecord[], masterKeyFingerprint: string): void =>
			transact(() => {
				for (const record of records) replaceWebhook(record);
				setFingerprint.run(masterKeyFingerprint);
			}),
		probe(at: number): void {
			writeProbe.run(1, at);
		},
		/** The last connection to close moves all of the WAL into the database file and removes it. */
		close(): void {
			if (db.isOpen) db.close();
		},
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
