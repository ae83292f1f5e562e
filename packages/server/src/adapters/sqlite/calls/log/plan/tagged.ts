// Deliveries of the events with a tag, if they are few: their numbers follow from those of the events.
import { number } from "../../../codec/rows.ts";
import type { Prepare } from "../../statement-cache.ts";
import { MOST_NUMBERS } from "./numbers.ts";

/** Looking at so many events takes some 3 ms. */
const MOST_EVENTS = 1_000;

/**
 * The numbers of the deliveries of all events of a project that have a tag, also of deliveries that replays have made; null if they are
 * too many. Not for a customer, who would learn how many events of others have the tag.
 */
export function numbersOfTag(prepare: Prepare, project: number, tag: string): number[] | null {
	const tooMany = prepare(
		`SELECT 1 FROM event_tags WHERE project = ? AND tag = ? ORDER BY event LIMIT 1 OFFSET ${MOST_EVENTS}`,
	).get(project, tag);
	if (tooMany !== undefined) return null;
	const events = prepare(`
		SELECT event.seq, event.delivery_count FROM event_tags tagged CROSS JOIN events event ON event.seq = tagged.event
		WHERE tagged.project = ? AND tagged.tag = ? ORDER BY tagged.event
	`).all(project, tag);
	const counts = events.map((event) => number(event["delivery_count"]));
	if (counts.reduce((sum, count) => sum + count, 0) > MOST_NUMBERS) return null;
	const first = events.flatMap((event, index) => {
		const seq = number(event["seq"]);
		return Array.from({ length: counts[index] ?? 0 }, (_, place) => seq + 1 + place);
	});
	const later = prepare(`
		SELECT entry.seq FROM event_tags tagged
		CROSS JOIN deliveries entry INDEXED BY deliveries_outside_by_event ON entry.event = tagged.event AND entry.outside = 1
		WHERE tagged.project = ? AND tagged.tag = ? LIMIT ?
	`).all(project, tag, MOST_NUMBERS - first.length + 1);
	const numbers = [...first, ...later.map((row) => number(row["seq"]))];
	return numbers.length > MOST_NUMBERS ? null : numbers;
}
