// Deletes events with their deliveries and attempts, unless a delivery waits. An event with many deliveries takes several steps.
//
// A transaction that makes a delivery wait again locks it, and one that makes another delivery for an event locks the event. So if a
// delivery does not wait once it is locked here, it goes on not waiting.
import { STORED_COPIES_OF_TAGS, STORED_DELIVERY_BYTES, STORED_EVENT_BYTES } from "../../../../core/policies/quota.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { STATUSES } from "../../codec/delivery-rows.ts";
import { countedLabelBytes, customerList, toEvent } from "../../codec/event-rows.ts";
import { among, FIRST_UUID, isAmong } from "../../codec/ids.ts";
import { boolean, nameOf, number, text, textOrNull, type Row } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";
import { emptyBodies } from "./empty-bodies.ts";
import type { PurgeCounter } from "./purge-counter.ts";
import { endOfFirst, LOOK_COST, type Visit } from "./walk.ts";

const LOCK_EVENTS = statement(`SELECT id FROM events WHERE ${isAmong("id")} ORDER BY id FOR UPDATE`);
/** Deliveries that replays have made are newer than their event. */
const LOCK_DELIVERIES = statement(`
	SELECT id, event_id, webhook_id, status, attempt_count FROM deliveries
	WHERE event_id = ANY($1::uuid[]) AND id > $2 AND (event_id <> $4 OR id > $5)
	ORDER BY event_id, id LIMIT $3 FOR UPDATE
`);
const SELECT_WAITING = statement("SELECT DISTINCT event_id FROM open_deliveries WHERE event_id = ANY($1::uuid[])");
const DELETE_ATTEMPTS = statement(`
	WITH gone AS (DELETE FROM attempts WHERE ${isAmong("delivery_id")} RETURNING octet_length(attempt) AS bytes)
	SELECT count(*) AS count, coalesce(sum(bytes), 0)::bigint AS bytes FROM gone
`);
const DELETE_DELIVERIES = statement(`DELETE FROM deliveries WHERE ${isAmong("id")}`);
const DELETE_CUSTOMERS = statement(`
	DELETE FROM event_customers gone USING unnest($1::text[], $2::uuid[]) AS given(customer_id, event_id)
	WHERE gone.project_id = $3 AND gone.customer_id = given.customer_id AND gone.event_id = given.event_id
`);
const DELETE_TAGS = statement(`
	DELETE FROM event_tags gone USING unnest($1::text[], $2::uuid[]) AS given(tag, event_id)
	WHERE gone.project_id = $3 AND gone.tag = given.tag AND gone.event_id = given.event_id
`);
const DELETE_KEYS = statement("DELETE FROM idempotency_keys WHERE event_id = ANY($1::uuid[])");
const DELETE_EVENTS = statement(`DELETE FROM events WHERE ${isAmong("id")}`);

/** The deliveries of events that are locked, and do not wait. */
interface Locked {
	readonly waiting: ReadonlySet<string>;
	readonly deliveriesOf: ReadonlyMap<string, readonly Row[]>;
}

/** Locks events, and the first `limit` of their deliveries: of one event, those after a place. */
export async function lockEvents(
	session: Session,
	events: readonly Row[],
	limit: number,
	after: { readonly event: string; readonly through: string } | null = null,
): Promise<Locked> {
	const ids = events.map((event) => text(event["id"]));
	const [first] = ids;
	if (first === undefined) return { waiting: new Set(), deliveriesOf: new Map() };
	const array = binaryArray("uuid", ids);
	const [, deliveries, waiting] = await Promise.all([
		session.run(LOCK_EVENTS, among(ids)),
		session.run(LOCK_DELIVERIES, [array, first, limit, after?.event ?? FIRST_UUID, after?.through ?? FIRST_UUID]),
		session.run(SELECT_WAITING, [array]),
	]);
	return {
		waiting: new Set(waiting.map((row) => text(row["event_id"]))),
		deliveriesOf: Map.groupBy(deliveries, (row) => text(row["event_id"])),
	};
}

/** The visit of `purgeEvents`. */
export const removeEvents: Visit = async (session, events, limit, counter) => {
	const end = endOfFirst(events, limit, (event) => !boolean(event["is_waiting"]));
	const candidates = events.slice(0, end).filter((event) => !boolean(event["is_waiting"]));
	// One more than can be deleted now, which tells whether there are more.
	const { waiting, deliveriesOf } = await lockEvents(session, candidates, Math.ceil(limit) + 1);
	const removal = new Removal(counter);
	let [finished, budget] = [0, limit];
	for (const event of events.slice(0, end)) {
		if (budget <= 0) break;
		budget -= LOOK_COST;
		const id = text(event["id"]);
		if (!boolean(event["is_waiting"]) && !waiting.has(id)) {
			for (const delivery of deliveriesOf.get(id) ?? []) {
				if (budget <= 0) break;
				budget -= LOOK_COST + removal.delivery(delivery);
			}
			if (budget <= 0 && removal.hasMore(id, deliveriesOf)) {
				// Without its body, it can't be retried or replayed until the next visit.
				removal.emptied(event);
				break;
			}
			removal.event(event);
			budget -= 1;
		}
		finished += 1;
	}
	await removal.write(session, events);
	return finished;
};

/** The rows that a visit deletes, all at once at its end. */
class Removal {
	readonly #counter: PurgeCounter;
	readonly #deliveries: string[] = [];
	readonly #events: Row[] = [];
	readonly #emptied: string[] = [];

	constructor(counter: PurgeCounter) {
		this.#counter = counter;
	}

	/** Returns about how many rows it has. */
	delivery(row: Row): number {
		this.#deliveries.push(text(row["id"]));
		this.#counter.deliveryDeleted(text(row["webhook_id"]), nameOf(STATUSES, row["status"]));
		this.#counter.freed(STORED_DELIVERY_BYTES);
		return 1 + number(row["attempt_count"]);
	}

	/** Whether an event has a delivery that is not deleted. */
	hasMore(event: string, deliveriesOf: Locked["deliveriesOf"]): boolean {
		const last = deliveriesOf.get(event)?.at(-1);
		return last !== undefined && this.#deliveries.at(-1) !== last["id"];
	}

	emptied(row: Row): void {
		this.#emptied.push(text(row["id"]));
		this.#counter.freed(number(row["body_bytes"]));
	}

	event(row: Row): void {
		this.#events.push(row);
		this.#counter.purged.events += 1;
		const tags = textOrNull(row["tags"]);
		const tagBytes = tags === null ? 0 : tags.length * STORED_COPIES_OF_TAGS;
		this.#counter.freed(STORED_EVENT_BYTES + number(row["body_bytes"]) + tagBytes + countedLabelBytes(row));
	}

	async write(session: Session, visited: readonly Row[]): Promise<void> {
		const project = visited[0]?.["project_id"];
		const ids = this.#events.map((row) => text(row["id"]));
		const events = this.#events.map(toEvent);
		const labels = (labelsOf: (index: number) => readonly string[]) => {
			const pairs = ids.flatMap((id, index) => labelsOf(index).map((label) => [label, id] as const));
			return [
				binaryArray(
					"text",
					pairs.map(([label]) => label),
				),
				binaryArray(
					"uuid",
					pairs.map(([, id]) => id),
				),
				project,
			];
		};
		const deliveries = among(this.#deliveries);
		const [attempts] = await Promise.all([
			this.#deliveries.length === 0 ? [] : session.run(DELETE_ATTEMPTS, deliveries),
			this.#deliveries.length === 0 ? 0 : session.change(DELETE_DELIVERIES, deliveries),
			emptyBodies(session, this.#emptied),
			...(ids.length === 0
				? []
				: [
						session.change(
							DELETE_CUSTOMERS,
							labels((index) => customerList(events[index]?.customers ?? null)),
						),
						session.change(
							DELETE_TAGS,
							labels((index) => events[index]?.tags ?? []),
						),
						session.change(DELETE_KEYS, [ids]),
						session.change(DELETE_EVENTS, among(ids)),
					]),
		]);
		const [deleted] = attempts;
		if (deleted === undefined) return;
		this.#counter.purged.attempts += number(deleted["count"]);
		this.#counter.freed(number(deleted["bytes"]));
	}
}
