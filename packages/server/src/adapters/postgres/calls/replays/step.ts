// A step of a replay: finds the next events, and makes their deliveries.
import { shardOf } from "../../../../core/cluster/shard.ts";
import { newDelivery } from "../../../../core/delivery.ts";
import { STORED_DELIVERY_BYTES } from "../../../../core/policies/quota.ts";
import { filterOfStored, lastDateOf, type Replay } from "../../../../core/replay.ts";
import { isDeliverable } from "../../../../core/webhook.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import type { ReplayStep } from "../../../../ports/store/replays.ts";
import { among, isAmong, uuidOf, uuidsOf } from "../../codec/ids.ts";
import { REPLAY, REPLAY_STATUS_CODES } from "../../codec/replays/replay-rows.ts";
import { text, texts, textOrNull, type Row } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import { DELETE_DATE, WEBHOOK_STATE, webhookColumns } from "../../codec/webhook-rows.ts";
import type { Database } from "../../connection/database.ts";
import { lockReplaysTo, shareProjects } from "../../connection/locks.ts";
import type { Session } from "../../connection/session.ts";
import type { ChangeNumbers } from "../../deliveries/change-numbers.ts";
import { DeliverySet } from "../../deliveries/delivery-set.ts";
import { readLead } from "../../deliveries/leads.ts";
import type { Partitions } from "../../schema/partitions.ts";
import { StatsChanges } from "../../stats/journal.ts";
import { newestIn, search, type FoundEvent } from "./search.ts";

const { Running, Finished, Cancelled } = REPLAY_STATUS_CODES;

const SELECT_TARGET = statement("SELECT project_id, webhook_id FROM replays WHERE id = $1");
const LOCK = statement(`SELECT * FROM replays WHERE id = $1 FOR UPDATE`);
const SELECT = statement("SELECT * FROM replays WHERE id = $1");
const SELECT_WEBHOOK = statement(`
	SELECT customer_id, ${webhookColumns(WEBHOOK_STATE)} FROM webhooks WHERE id = $1 AND ${DELETE_DATE} IS NULL
`);
export const CANCEL = statement(`
	UPDATE replays SET status = ${Cancelled}, chosen = NULL, update_date = $2, end_date = $2 WHERE id = $1 AND status = ${Running}
`);
/** Whether a replay to the webhook runs that was made when ids were there that are not lower than this one. */
const SELECT_LATER = statement(
	`SELECT 1 FROM replays WHERE webhook_id = $1 AND status = ${Running} AND made_after >= $2 LIMIT 1`,
);
/** Locked, so that none is purged or erased meanwhile. One that has just been is left out. */
const LOCK_EVENTS = statement(`
	SELECT id FROM events WHERE ${isAmong("id")} AND octet_length(body) > 0 ORDER BY id FOR SHARE
`);
const MOVE_ON = statement(`
	UPDATE replays SET status = $2, scanned_count = scanned_count + $3, delivery_count = delivery_count + $4,
		first_event_date = coalesce(first_event_date, $5), last_event_date = coalesce(last_event_date, $6),
		position_id = coalesce($7, position_id), position_date = coalesce($8, position_date), update_date = $9, end_date = $10,
		chosen = CASE WHEN $2::smallint = ${Running} THEN chosen END
	WHERE id = $1
`);

/** The call `stepReplay`. */
export function createStepReplay(database: Database, partitions: Partitions, numbers: ChangeNumbers) {
	return async (step: ReplayStep): Promise<Replay | null> => {
		const id = uuidOf("replay", step.replayId);
		if (id === null) return null;
		// For when its deliveries end.
		await partitions.ensure(uuidsOf("dlv", step.deliveryIds));
		return database.inBackground(async (session) => {
			const [found] = await session.run(SELECT_TARGET, [id]);
			if (found === undefined) return null;
			// Before anything that relies on the webhook.
			await shareProjects(session, [text(found["project_id"])]);
			await lockReplaysTo(session, text(found["webhook_id"]));
			const [row] = await session.run(LOCK, [id]);
			if (row === undefined || row["status"] !== Running) return null;
			return makeStep(session, row, step, numbers);
		});
	};
}

async function makeStep(
	session: Session,
	row: Row,
	{ at, scanLimit, deliveryIds }: ReplayStep,
	numbers: ChangeNumbers,
): Promise<Replay | null> {
	const [id, project, webhook] = [text(row["id"]), text(row["project_id"]), text(row["webhook_id"])];
	const replay = REPLAY.read(row);
	const [firstId = null] = uuidsOf("dlv", deliveryIds.slice(0, 1));
	const [[target], later, lead] = await Promise.all([
		session.run(SELECT_WEBHOOK, [webhook]),
		session.run(SELECT_LATER, [webhook, firstId]),
		readLead(session),
	]);
	if (target === undefined) {
		await session.run(CANCEL, [id, at]);
		return readReplay(session, id);
	}
	if (!isDeliverable(WEBHOOK_STATE.read(target)) || later.length > 0) return replay;
	const filter = filterOfStored(replay);
	const customerId = textOrNull(target["customer_id"]);
	const chosen = row["chosen"] === null ? null : texts(row["chosen"]);
	const madeAfter = text(row["made_after"]);
	const range = { project, customerId, filter, idLeadMs: lead.idMs, madeAfter };
	// The replay was made under the lock of its project, which whoever accepts events shares: all that it has is there, and nothing that
	// becomes visible later belongs to it, whatever its id.
	const [found, newest] = await Promise.all([
		search(session, {
			...range,
			webhook,
			chosen,
			after: textOrNull(row["position_id"]),
			scanLimit,
			matchLimit: deliveryIds.length,
		}),
		replay.lastEventDate ?? (chosen === null ? newestIn(session, range) : null),
	]);
	const count = await insertDeliveries(
		session,
		{ project, webhook, at },
		{ events: found.matches, deliveryIds },
		numbers,
	);
	await session.run(MOVE_ON, [
		id,
		found.done ? Finished : Running,
		found.scanned,
		count,
		found.first?.date ?? null,
		found.first === null ? null : (newest ?? lastDateOf(replay)),
		found.position,
		found.last?.date ?? null,
		at,
		found.done ? at : null,
	]);
	return readReplay(session, id);
}

interface Target {
	readonly project: string;
	readonly webhook: string;
	readonly at: number;
}

/** Returns how many deliveries it has made. */
async function insertDeliveries(
	session: Session,
	{ project, webhook, at }: Target,
	{ events, deliveryIds }: { readonly events: readonly FoundEvent[]; readonly deliveryIds: readonly string[] },
	numbers: ChangeNumbers,
): Promise<number> {
	if (events.length === 0) return 0;
	const locked = await session.run(LOCK_EVENTS, among(events.map((event) => event.id)));
	const present = new Set(locked.map((row) => text(row["id"])));
	const deliveries = new DeliverySet(numbers);
	const stats = new StatsChanges();
	const used = deliveryIds.slice(0, events.length).map((id) => uuidOf("dlv", id) ?? noId(id));
	await deliveries.load(session, used);
	for (const [index, { id: event, type: eventType }] of events.entries()) {
		const id = used[index];
		if (id === undefined || !present.has(event)) continue;
		if (deliveries.get(id) !== null) throw new StoreError("store_conflict", `there is a delivery dlv_${id} already`);
		const shard = shardOf(`webhook_${webhook}`);
		deliveries.insert(
			{ id, project, webhook, event, eventType, shard, isReplayed: true, createDate: at },
			newDelivery(at, null, "replay"),
		);
		stats.moved({ project, webhook }, at, null, "Pending");
		stats.storedBytes(project, at, STORED_DELIVERY_BYTES);
	}
	deliveries.write(session);
	stats.write(session);
	return present.size;
}

function noId(id: string): never {
	throw new StoreError("store_conflict", `${id} is not the id of a delivery`);
}

async function readReplay(session: Session, id: string): Promise<Replay | null> {
	const [row] = await session.run(SELECT, [id]);
	return row === undefined ? null : REPLAY.read(row);
}
