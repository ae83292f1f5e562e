// Deliveries whose last change lies in a range of time, if they are few: their numbers are read from the index of changes, and sorted.
import { STATUS_CODES } from "../../../codec/delivery-rows.ts";
import { number } from "../../../codec/rows.ts";
import { firstChangeAt } from "../../../deliveries/change-numbers.ts";
import type { Prepare } from "../../statement-cache.ts";
import type { Conditions } from "../filter/conditions.ts";
import type { Wanted } from "../filter/wanted.ts";
import type { SeqRange } from "../seq-page.ts";
import type { CountableSource } from "../sources.ts";
import { createNumbersSource, MOST_NUMBERS } from "./numbers.ts";

/** Null if the filter names no such range, or if too many have changed in it. Succeeded deliveries are in no index of changes. */
export function createChangedSource(
	prepare: Prepare,
	lastBefore: (time: number) => number,
	wanted: Wanted,
	conditions: Conditions,
	range: SeqRange,
): CountableSource | null {
	const { statuses, updatedAfter, updatedBefore } = wanted.filter;
	if (updatedAfter === null || statuses === null || statuses.includes("Succeeded")) return null;
	const select = prepare(`
		SELECT entry.seq FROM deliveries entry INDEXED BY deliveries_by_change
		WHERE entry.project = ? AND entry.status = ? AND entry.status <> 1 AND entry.change >= ?
		AND entry.change <= ? LIMIT ${MOST_NUMBERS + 1}
	`);
	const first = firstChangeAt(updatedAfter);
	const last = updatedBefore === null ? Number.MAX_SAFE_INTEGER : lastBefore(updatedBefore);
	const seqs: number[] = [];
	for (const status of statuses) {
		for (const row of select.all(wanted.project, STATUS_CODES[status], first, last)) {
			seqs.push(number(row["seq"]));
		}
		if (seqs.length > MOST_NUMBERS) return null;
	}
	return createNumbersSource(prepare, "deliveries", seqs, conditions, range);
}
