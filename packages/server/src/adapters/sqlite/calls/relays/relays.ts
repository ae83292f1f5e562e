// The rows of relays besides their webhooks.
import type { DatabaseSync } from "node:sqlite";

import { customerOf, projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { Relay } from "../../../../core/receivers/relay.ts";
import { idBytes } from "../../codec/ids.ts";
import { RELAY } from "../../codec/relays/relay-rows.ts";
import { number } from "../../codec/rows.ts";
import { prepareInsert } from "../../codec/statements.ts";
import { withoutSync, type Transact } from "../../connection.ts";

/** Prepares the calls of `RelayStore` that write. */
export function createRelayCalls(db: DatabaseSync, transact: Transact) {
	// What a client of it has changed since stays.
	const put = prepareInsert(
		db,
		"relays",
		RELAY.columns,
		"ON CONFLICT (webhook_id) DO UPDATE SET mirror_of = excluded.mirror_of",
	);
	const removeOther = db.prepare(`
		DELETE FROM relays WHERE project_id = ? AND ifnull(customer_id, '') = ? AND device = ? AND webhook_id <> ?
	`);
	const remove = db.prepare("DELETE FROM relays WHERE webhook_id = ?");
	const hold = db.prepare(`
		UPDATE relays SET epoch = epoch + 1, seen_date = max(seen_date, ?2) WHERE webhook_id = ?1 RETURNING epoch
	`);
	const see = db.prepare("UPDATE relays SET seen_date = max(seen_date, ?3) WHERE webhook_id = ?1 AND epoch = ?2");

	/** Who has a stream is nobody's after a power failure: that ends the process whose streams they were. */
	const transactLightly = <T>(work: () => T): T => withoutSync(db, () => transact(work));

	return {
		putRelay: (relay: Relay): void =>
			transact(() => {
				const { customerId, device, projectId, webhookId } = relay;
				removeOther.run(idBytes("proj", projectId), customerId ?? "", device, idBytes("webhook", webhookId));
				put.run(...RELAY.write(relay));
			}),
		holdRelay: (webhookId: string, at: number): number | null =>
			transactLightly(() => {
				const row = hold.get(idBytes("webhook", webhookId), at);
				return row === undefined ? null : number(row["epoch"]);
			}),
		relaysSeen: (held: readonly { readonly webhookId: string; readonly epoch: number }[], at: number): string[] =>
			transactLightly(() =>
				held.flatMap(({ webhookId, epoch }) =>
					see.run(idBytes("webhook", webhookId), epoch, at).changes === 0 ? [webhookId] : [],
				),
			),
		removeRelay: (webhookId: string): void => {
			transact(() => remove.run(idBytes("webhook", webhookId)));
		},
	};
}

/** Prepares the calls of `RelayStore` that a reader can make. */
export function createRelayReads(db: DatabaseSync) {
	const ofProject = db.prepare(
		"SELECT * FROM relays WHERE project_id = ? ORDER BY ifnull(customer_id, ''), device LIMIT ?",
	);
	const ofCustomer = db.prepare(
		"SELECT * FROM relays WHERE project_id = ? AND ifnull(customer_id, '') = ? ORDER BY device LIMIT ?",
	);
	return {
		relays: (scope: Scope, limit: number): Relay[] => {
			const project = idBytes("proj", projectOf(scope));
			const customerId = customerOf(scope);
			const rows = customerId === null ? ofProject.all(project, limit) : ofCustomer.all(project, customerId, limit);
			return rows.map(RELAY.read);
		},
	};
}

/** Prepares the reads that are made between writes. */
export function createRelayLookUps(db: DatabaseSync) {
	const select = db.prepare("SELECT * FROM relays WHERE webhook_id = ?");
	const gone = db.prepare("SELECT * FROM relays WHERE seen_date < ? ORDER BY seen_date LIMIT ?");
	return {
		relay: (webhookId: string): Relay | null => {
			const row = select.get(idBytes("webhook", webhookId));
			return row === undefined ? null : RELAY.read(row);
		},
		goneRelays: (before: number, limit: number): Relay[] => gone.all(before, limit).map(RELAY.read),
	};
}
