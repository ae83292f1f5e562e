// Deliveries whose numbers are known before they are read, since they are few.
import type { Prepare } from "../../statement-cache.ts";
import type { Conditions } from "../filter/conditions.ts";
import type { SeqRange } from "../seq-page.ts";
import { createLookingSource, type CountableSource, type Table } from "../sources.ts";

/** Reading so many numbers and sorting them takes some 3 ms. */
export const MOST_NUMBERS = 4_000;

/** Prepares the reading of the rows of a table that have one of some numbers, and match the conditions. */
export function createNumbersSource(
	prepare: Prepare,
	table: Table,
	numbers: readonly number[],
	conditions: Conditions,
	{ low, high }: SeqRange,
): CountableSource {
	const { checks, full, open, openChecks, isOnlyChecks, isOnlyOpenChecks } = conditions;
	const ascending = numbers.filter((seq) => seq >= low && seq < high).sort((a, b) => a - b);
	return createLookingSource(prepare, {
		table,
		columns: [],
		looked: (order) => ({
			// The order of the array.
			sql: `
				FROM (SELECT value AS seq FROM json_each(?)) entry
				WHERE entry.seq >= ? AND entry.seq < ?
			`,
			values: [JSON.stringify(order === "ASC" ? ascending : ascending.toReversed())],
		}),
		inEntry: [],
		checked:
			table === "open"
				? { conditions: open ?? [], checks: openChecks, isOnlyChecks: isOnlyOpenChecks }
				: { conditions: full, checks, isOnlyChecks },
		limits: () => ({ entries: MOST_NUMBERS, rows: MOST_NUMBERS }),
	});
}
