// Erases what belongs to an event step by step: cancels its waiting deliveries and removes the responses of their receivers.
import { transition } from "../../../../core/delivery.ts";
import { isOpen } from "../../codec/delivery-rows.ts";
import { FIRST_UUID, idOf } from "../../codec/ids.ts";
import { text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";
import type { ChangeNumbers } from "../../deliveries/change-numbers.ts";
import { DeliverySet } from "../../deliveries/delivery-set.ts";
import type { StatsChanges } from "../../stats/journal.ts";
import { withoutResponseBody } from "../erased.ts";
import { Responses } from "./responses.ts";
import { LOOK_COST } from "./walk.ts";

/** The deliveries of an event are newer than it, also those that replays have made. */
const SELECT = statement(`
	SELECT id FROM open_deliveries WHERE event_id = $1 AND id > $2
	UNION ALL SELECT id FROM deliveries WHERE event_id = $1 AND id > greatest($1::uuid, $2)
	ORDER BY id LIMIT $3
`);

export interface EraseStep {
	/** The UUID of the last delivery that is done; null to begin. */
	readonly through: string | null;
	/** About how many rows to change. It bounds the time of the transaction. */
	readonly limit: number;
	/** The reason of the deliveries that are cancelled. */
	readonly reason: string;
	readonly at: number;
}

export interface ErasedDeliveries {
	readonly through: string | null;
	/** The ids of those that were cancelled. */
	readonly cancelled: readonly string[];
	/** Responses that were erased. */
	readonly responses: number;
	/** Deliveries that were looked at. */
	readonly count: number;
	/** Whether the last delivery of the event is done. */
	readonly done: boolean;
}

/** Makes a step for an event, which is locked and has no body any more. Deliveries are done in the order of their ids. */
export async function eraseDeliveries(
	session: Session,
	event: string,
	{ through, limit, reason, at }: EraseStep,
	{ numbers, stats }: { readonly numbers: ChangeNumbers; readonly stats: StatsChanges },
): Promise<ErasedDeliveries> {
	const most = Math.ceil(limit);
	// One more than can be done, which tells whether there are more.
	const rows = await session.run(SELECT, [event, through ?? FIRST_UUID, most + 1]);
	const ids = rows.map((row) => text(row["id"]));
	const deliveries = new DeliverySet(numbers);
	await deliveries.load(session, ids.slice(0, most));
	const ended = [...deliveries.entries].filter(({ row }) => row.state.attemptCount > 0).map(({ row }) => row.id);
	const responses = await Responses.read(session, ended, withoutResponseBody);
	const cancelled: string[] = [];
	let [last, cost, count, erasedResponses] = [through, 0, 0, 0];
	for (const id of ids) {
		if (cost >= limit || count === most) break;
		last = id;
		count += 1;
		cost += LOOK_COST;
		const entry = deliveries.get(id);
		if (entry === null) continue;
		const { row } = entry;
		const erased = responses.erase(id);
		cost += erased.count;
		erasedResponses += erased.count;
		stats.storedBytes(row.project, at, -erased.bytes);
		if (!isOpen(row.state)) continue;
		const after = transition(row.state, { type: "cancel", reason });
		deliveries.change(entry, after, at);
		stats.moved(row, at, row.state.status, after.status);
		cancelled.push(idOf("dlv", id));
		cost += 1;
	}
	deliveries.write(session);
	await responses.write(session);
	return { through: last, cancelled, responses: erasedResponses, count, done: count === ids.length };
}
