// The rows of relays besides their webhooks.
import { customerOf, projectOf, type Scope } from "../../../core/access/principal.ts";
import type { Relay } from "../../../core/receivers/relay.ts";
import type { RelayStore } from "../../../ports/store/relays/relays.ts";
import { uuidOf } from "../codec/ids.ts";
import { RELAY } from "../codec/relays/relay-rows.ts";
import { number } from "../codec/rows.ts";
import { insertInto, statement } from "../codec/statements.ts";
import { webhookId } from "../codec/webhook-rows.ts";
import type { Database } from "../connection/database.ts";
import { lockProject } from "../connection/locks.ts";

type Held = Parameters<RelayStore["relaysSeen"]>[0];

// What a client of it has changed since stays.
const PUT = insertInto(
	"relays",
	RELAY.columns,
	"ON CONFLICT (webhook_id) DO UPDATE SET mirror_of = excluded.mirror_of",
);
const DELETE_OTHER = statement(`
	DELETE FROM relays WHERE project_id = $1 AND coalesce(customer_id, '') = $2 AND device = $3 AND webhook_id <> $4
`);
const DELETE = statement("DELETE FROM relays WHERE webhook_id = $1");
const HOLD = statement(`
	UPDATE relays SET epoch = epoch + 1, seen_date = greatest(seen_date, $2) WHERE webhook_id = $1 RETURNING epoch
`);
const SEE = statement(`
	UPDATE relays SET seen_date = greatest(seen_date, $3)
	FROM unnest($1::uuid[], $2::bigint[]) AS held (webhook_id, epoch)
	WHERE relays.webhook_id = held.webhook_id AND relays.epoch = held.epoch
	RETURNING relays.webhook_id AS id
`);
const SELECT = statement("SELECT * FROM relays WHERE webhook_id = $1");
const SELECT_GONE = statement("SELECT * FROM relays WHERE seen_date < $1 ORDER BY seen_date LIMIT $2");
const SELECT_OF_PROJECT = statement(
	"SELECT * FROM relays WHERE project_id = $1 ORDER BY coalesce(customer_id, ''), device LIMIT $2",
);
const SELECT_OF_CUSTOMER = statement(
	"SELECT * FROM relays WHERE project_id = $1 AND coalesce(customer_id, '') = $2 ORDER BY device LIMIT $3",
);

/** The calls of `RelayStore`. */
export function createRelayCalls(database: Database) {
	return {
		putRelay: (relay: Relay): Promise<void> =>
			database.transact(async (session) => {
				const project = uuidOf("proj", relay.projectId);
				// Two relays of one device that come at once take each other's place.
				await lockProject(session, project);
				await session.run(DELETE_OTHER, [
					project,
					relay.customerId ?? "",
					relay.device,
					uuidOf("webhook", relay.webhookId),
				]);
				await session.run(PUT, RELAY.write(relay));
			}),
		relays: (scope: Scope, limit: number): Promise<Relay[]> =>
			database.read(async (session) => {
				const project = uuidOf("proj", projectOf(scope));
				const customerId = customerOf(scope);
				const rows =
					customerId === null
						? await session.run(SELECT_OF_PROJECT, [project, limit])
						: await session.run(SELECT_OF_CUSTOMER, [project, customerId, limit]);
				return rows.map(RELAY.read);
			}),
		relay: (id: string): Promise<Relay | null> =>
			database.read(async (session) => {
				const [row] = await session.run(SELECT, [uuidOf("webhook", id)]);
				return row === undefined ? null : RELAY.read(row);
			}),
		holdRelay: (id: string, at: number): Promise<number | null> =>
			database.transact(async (session) => {
				const [row] = await session.run(HOLD, [uuidOf("webhook", id), at]);
				return row === undefined ? null : number(row["epoch"]);
			}),
		relaysSeen: (held: Held, at: number): Promise<string[]> =>
			database.inBackground(async (session) => {
				// In the order of ids, as all rows are locked.
				const ordered = held.toSorted((a, b) => (a.webhookId < b.webhookId ? -1 : 1));
				const ids = ordered.map((one) => uuidOf("webhook", one.webhookId));
				const rows = await session.run(SEE, [ids, ordered.map(({ epoch }) => epoch), at]);
				const seen = new Set(rows.map(webhookId));
				return held.filter((one) => !seen.has(one.webhookId)).map((one) => one.webhookId);
			}),
		goneRelays: (before: number, limit: number): Promise<Relay[]> =>
			database.read(async (session) => (await session.run(SELECT_GONE, [before, limit])).map(RELAY.read)),
		removeRelay: (id: string): Promise<void> =>
			database.transact(async (session) => {
				await session.run(DELETE, [uuidOf("webhook", id)]);
			}),
	};
}
