// Erases the payloads of events that are for one customer alone, in the order of their ids.
import { customerText } from "../../codec/event-rows.ts";
import { among, FIRST_UUID, isAmong } from "../../codec/ids.ts";
import { boolean, number, text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";
import type { ChangeNumbers } from "../../deliveries/change-numbers.ts";
import type { StatsChanges } from "../../stats/journal.ts";
import { emptyBodies } from "../retention/empty-bodies.ts";
import { eraseDeliveries } from "../retention/erase-deliveries.ts";
import { LOOK_COST } from "../retention/walk.ts";

export interface PayloadPlace {
	/** The event in hand if `through` is one of its deliveries, else the last one that is done; null to begin. */
	readonly event: string | null;
	readonly through: string | null;
}

export interface ErasedPayloads extends PayloadPlace {
	readonly cancelled: readonly string[];
	/** Payloads that were erased. */
	readonly count: number;
}

export interface PayloadStep {
	/** The UUID of the project. */
	readonly project: string;
	readonly customerId: string;
	readonly place: PayloadPlace;
	readonly limit: number;
	readonly reason: string;
	readonly at: number;
}

const MAX_LOOKS = 500;
const SELECT = statement(`
	SELECT events.id, events.customer = ANY($5::text[]) AS is_alone FROM event_customers found JOIN events ON events.id = found.event_id
	WHERE found.project_id = $1 AND found.customer_id = $2 AND found.event_id >= $3 ORDER BY found.event_id LIMIT $4
`);
/** Locked, so that no replay sends one meanwhile. */
const LOCK = statement(`
	SELECT id, octet_length(body) AS body_bytes FROM events WHERE ${isAmong("id")} ORDER BY id FOR UPDATE
`);

/** How events name a customer alone: by its `customerId`, and by a list of one. */
export function namesAlone(customerId: string): readonly string[] {
	return [customerId, customerText([customerId]) ?? ""];
}

/** Makes a step; null if nothing is left. */
export async function erasePayloads(
	session: Session,
	{ project, customerId, place, limit, reason, at }: PayloadStep,
	{ numbers, stats }: { readonly numbers: ChangeNumbers; readonly stats: StatsChanges },
): Promise<ErasedPayloads | null> {
	const most = Math.min(MAX_LOOKS, Math.ceil(limit / LOOK_COST));
	const start = place.event ?? FIRST_UUID;
	const found = await session.run(SELECT, [project, customerId, start, most + 1, namesAlone(customerId)]);
	const events = found.filter((row) => row["id"] !== place.event || place.through !== null);
	if (events.length === 0) return null;
	const alone = events.filter((row) => boolean(row["is_alone"])).map((row) => text(row["id"]));
	const locked = await session.run(LOCK, among(alone.slice(0, Math.ceil(limit))));
	const sizes = new Map(locked.map((row) => [text(row["id"]), number(row["body_bytes"])]));
	const cancelled: string[] = [];
	let { event, through } = place;
	let [count, left] = [0, limit];
	for (const row of events) {
		if (left <= 0) break;
		const id = text(row["id"]);
		// The one before may have been deleted meanwhile, because of its age.
		if (id !== event) through = null;
		left -= LOOK_COST;
		const size = sizes.get(id);
		if (boolean(row["is_alone"]) && size === undefined) {
			// Not locked in this step, or gone since it was found.
			if (locked.length === Math.ceil(limit)) break;
			event = id;
			continue;
		}
		event = id;
		// It is others' too, or it was erased before, and what belongs to it, too.
		if (size === undefined || (size === 0 && through === null)) continue;
		if (size > 0) {
			await emptyBodies(session, [id]);
			stats.storedBytes(project, at, -size);
			count += 1;
			left -= 1;
		}
		const step = { through, limit: Math.max(1, left), reason, at };
		const erased = await eraseDeliveries(session, id, step, { numbers, stats });
		left -= erased.count;
		cancelled.push(...erased.cancelled);
		through = erased.done ? null : erased.through;
		if (through !== null) break;
	}
	return { event, through, cancelled, count };
}
