// The start of a store, the change of the master key, and the end.
import type { AuditEntry } from "../../../core/access/audit.ts";
import type { ApiKey } from "../../../core/access/key.ts";
import type { Project } from "../../../core/workspace.ts";
import type { SealedParts, StoreIdentity } from "../../../ports/store/lifecycle.ts";
import { idOf, uuidOf } from "../codec/ids.ts";
import { text, textOrNull } from "../codec/rows.ts";
import { insertInto, statement } from "../codec/statements.ts";
import { PAUSED_REASON_CODES, WEBHOOK_STATUS_CODES } from "../codec/webhook-rows.ts";
import { IDENTITY } from "../codec/workspace-rows.ts";
import type { Database } from "../connection/database.ts";
import { lockProject } from "../connection/locks.ts";
import { writeEntry } from "./audit.ts";
import { raiseProject } from "./directory/change.ts";
import { insertKey } from "./directory/keys.ts";
import { insertProject } from "./directory/projects.ts";

const SELECT_IDENTITY = statement("SELECT * FROM workspace");
const INSERT_IDENTITY = insertInto("workspace", ["one", ...IDENTITY.columns]);
const PROBE = statement(`
	INSERT INTO probe (one, at, filler) VALUES (1, $1, $2)
	ON CONFLICT (one) DO UPDATE SET at = excluded.at, filler = excluded.filler
`);
/**
 * An id of an event is below those of its deliveries, which are the next ones. What was there when a replay was made may be deleted by now,
 * and the deliveries of the replay need ids above it all the same.
 */
const SELECT_NEWEST = statement(`
	SELECT greatest(
		(SELECT id FROM deliveries ORDER BY id DESC LIMIT 1),
		(SELECT id FROM open_deliveries ORDER BY id DESC LIMIT 1),
		(SELECT id FROM events ORDER BY id DESC LIMIT 1),
		(SELECT made_after FROM replays WHERE status = 0 ORDER BY made_after DESC LIMIT 1)
	) AS id
`);

/** The calls of `LifecycleStore`. */
export function createLifecycleCalls(database: Database) {
	return {
		identity: (): Promise<StoreIdentity | null> =>
			database.read(async (session) => {
				const [row] = await session.run(SELECT_IDENTITY);
				return row === undefined ? null : IDENTITY.read(row);
			}),
		initialize: (identity: StoreIdentity, project: Project, key: ApiKey): Promise<void> =>
			database.transact(async (session) => {
				await session.run(INSERT_IDENTITY, [1, ...IDENTITY.write(identity)]);
				await insertProject(session, project);
				await insertKey(session, key);
			}),
		...createResealCalls(database),
		holdWebhooks: createHoldWebhooks(database),
		newestId: (): Promise<string | null> =>
			database.read(async (session) => {
				const [row] = await session.run(SELECT_NEWEST);
				const id = textOrNull(row?.["id"] ?? null);
				return id === null ? null : idOf("dlv", id);
			}),
		async probe(at: number, bytes = 0): Promise<void> {
			await database.transact((session) => session.run(PROBE, [at, bytes === 0 ? null : filler(bytes)]));
			if (bytes > 0) await database.transact((session) => session.run(PROBE, [at, null]));
		},
		close: (): Promise<void> => database.close(),
	};
}

/** Bytes that the database can't compress, so that it writes all of them. */
function filler(bytes: number): Uint8Array {
	const words = new Uint32Array(Math.ceil(bytes / Uint32Array.BYTES_PER_ELEMENT));
	// The generator of Numerical Recipes.
	for (let index = 1; index < words.length; index++)
		words[index] = Math.imul(words[index - 1] ?? 0, 1_664_525) + 1_013_904_223;
	return new Uint8Array(words.buffer, 0, bytes);
}

/** The number of the header values in `resealed`. Those of secrets begin with 1. */
const HEADERS = 0;
const STAGE = statement(`
	INSERT INTO resealed (webhook_id, number, sealed) VALUES ($1, $2, $3)
	ON CONFLICT (webhook_id, number) DO UPDATE SET sealed = excluded.sealed
`);
const CLEAR = statement("DELETE FROM resealed");
const CHANGE_SECRETS = statement(`
	UPDATE webhook_secrets SET sealed = resealed.sealed FROM resealed
	WHERE resealed.webhook_id = webhook_secrets.webhook_id AND resealed.number = webhook_secrets.number
`);
const CHANGE_HEADERS = statement(`
	UPDATE webhooks SET sealed_headers = resealed.sealed FROM resealed
	WHERE resealed.webhook_id = webhooks.id AND resealed.number = ${HEADERS}
`);
const SET_FINGERPRINT = statement("UPDATE workspace SET master_key_fingerprint = $1");

function createResealCalls(database: Database) {
	return {
		stageReseal: (parts: readonly SealedParts[]): Promise<void> =>
			database.transact(async (session) => {
				for (const { id, secrets, sealedHeaders } of parts) {
					const webhook = uuidOf("webhook", id);
					for (const { number, sealed } of secrets) await session.run(STAGE, [webhook, number, sealed]);
					if (sealedHeaders !== null) await session.run(STAGE, [webhook, HEADERS, sealedHeaders]);
				}
			}),
		clearReseal: (): Promise<void> =>
			database.transact(async (session) => {
				await session.run(CLEAR);
			}),
		reseal: (masterKeyFingerprint: string): Promise<void> =>
			database.transact(async (session) => {
				await session.run(CHANGE_SECRETS);
				await session.run(CHANGE_HEADERS);
				await session.run(CLEAR);
				await session.run(SET_FINGERPRINT, [masterKeyFingerprint]);
			}),
	};
}

const ENABLED = `status = ${WEBHOOK_STATUS_CODES.Enabled} AND delete_date IS NULL`;
const SELECT_ENABLED = statement(`
	SELECT DISTINCT project_id AS id FROM webhooks WHERE ${ENABLED} ORDER BY project_id
`);
const HOLD = statement(`
	UPDATE webhooks SET status = ${WEBHOOK_STATUS_CODES.Paused}, paused_reason = ${PAUSED_REASON_CODES.restored},
		revision = $1, update_date = greatest(update_date, $2)
	WHERE project_id = $3 AND ${ENABLED}
`);

/** Each webhook gets the new version of its project, as with every change. */
function createHoldWebhooks(database: Database): (at: number, entry: AuditEntry) => Promise<number> {
	return (at, entry) =>
		database.transact(async (session) => {
			let count = 0;
			for (const row of await session.run(SELECT_ENABLED)) {
				const project = text(row["id"]);
				await lockProject(session, project);
				const revision = await raiseProject(session, project);
				// The webhooks of a deleted project are deleted, too.
				if (revision !== null) count += await session.change(HOLD, [revision, at, project]);
			}
			await writeEntry(session, entry);
			return count;
		});
}
