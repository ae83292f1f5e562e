// Erases the bodies of events and the response bodies of their attempts, unless a delivery waits. An event with many deliveries takes
// several steps, and its body is erased by the last one.
import { boolean, number, text, type Row } from "../../codec/rows.ts";
import { withoutResponseBody } from "../erased.ts";
import { emptyBodies } from "./empty-bodies.ts";
import type { PurgeCounter } from "./purge-counter.ts";
import { lockEvents } from "./purge-events.ts";
import { Responses } from "./responses.ts";
import { endOfFirst, LOOK_COST, type Visit } from "./walk.ts";

/** An event in hand, and the last of its deliveries that is done. */
export interface Place {
	readonly event: string;
	readonly through: string;
}

/**
 * The visit of `purgePayloads`. It begins with the deliveries after `place`, and tells the next place. That is in memory only: after
 * a start, or in another process, all deliveries of the event are visited again.
 */
export function emptyEvents(place: Place | null, setPlace: (next: Place | null) => void): Visit {
	return async (session, events, limit, counter) => {
		const end = endOfFirst(events, limit, isCandidate);
		const candidates = events.slice(0, end).filter(isCandidate);
		const most = Math.ceil(limit);
		const { waiting, deliveriesOf } = await lockEvents(session, candidates, most + 1, place);
		const ids = [...deliveriesOf.values()].flat().map((row) => text(row["id"]));
		const responses = await Responses.read(session, ids.slice(0, most), withoutResponseBody);
		const emptied: string[] = [];
		let [finished, budget, looks] = [0, limit, 0];
		setPlace(null);
		for (const event of events.slice(0, end)) {
			if (budget <= 0) break;
			budget -= LOOK_COST;
			const id = text(event["id"]);
			if (isCandidate(event) && !waiting.has(id)) {
				let through = place?.event === id ? place.through : id;
				let isDone = true;
				for (const delivery of deliveriesOf.get(id) ?? []) {
					isDone = budget > 0 && looks < most;
					if (!isDone) break;
					through = text(delivery["id"]);
					const { count, bytes } = responses.erase(through);
					counter.freed(bytes);
					budget -= LOOK_COST + count;
					looks += 1;
				}
				if (!isDone) {
					setPlace({ event: id, through });
					break;
				}
				emptied.push(id);
				emptiedBody(event, counter);
				budget -= 1;
			}
			finished += 1;
		}
		await Promise.all([responses.write(session), emptyBodies(session, emptied)]);
		return finished;
	};
}

function isCandidate(event: Row): boolean {
	return !boolean(event["is_waiting"]) && number(event["body_bytes"]) > 0;
}

function emptiedBody(event: Row, counter: PurgeCounter): void {
	counter.freed(number(event["body_bytes"]));
	counter.purged.payloads += 1;
}
