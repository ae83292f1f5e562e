// Stretches of numbers in which some webhooks have together as many entries as may be looked at.
import { countOf, number, numberOrNull } from "../../../codec/rows.ts";
import type { Prepare } from "../../statement-cache.ts";
import type { Condition } from "../condition.ts";
import type { Order, SeqRange } from "../seq-page.ts";
import type { WebhookEntries } from "./entries.ts";

/**
 * What looking takes of a budget, whose parts are 1.5 µs each: at an entry, at the row of one, into another table for a row, and at the
 * event of a row.
 */
export const COSTS = { entry: 0.05, row: 1.1, look: 0.2, event: 1.1 } as const;

/** A stretch that would take too long is looked for again with this share of what fits, so that few are. */
const SHRINK = 0.8;

/** A part of a range, at the end where reading begins. */
export interface Stretch {
	readonly range: SeqRange;
	/** The number of its last entry, in order; null if no entry comes after it. */
	readonly edge: number | null;
	/** How many entries it has, and how many of these pass what their columns tell. */
	readonly entries: number;
	readonly passing: number;
	/** No webhook has more entries in it. */
	readonly ofEach: number;
}

/** How the entries of a stretch are judged. */
interface Judged {
	readonly onEntry: Condition;
	/** What a stretch takes of a budget, if so many events of its rows are looked at. */
	readonly costOf: (stretch: Pick<Stretch, "entries" | "passing">, events: number) => number;
}

/** Prepares finding stretches, and their entries. */
export function createStretches(
	prepare: Prepare,
	webhooks: readonly number[],
	{ table, index, beside }: WebhookEntries,
	{ onEntry, costOf }: Judged,
) {
	const owners = JSON.stringify(webhooks);
	const from = `${table} entry INDEXED BY ${index}`;
	/** From `FROM` on: the entries in a range, in any order. */
	const inRange = ({ low, high }: SeqRange): Condition => ({
		sql: `
			FROM ${from} WHERE entry.webhook IN (SELECT value FROM json_each(?)) AND ${beside.sql}
			AND entry.seq >= ? AND entry.seq < ?
		`,
		values: [owners, ...beside.values, low, high],
	});
	/** The place up to which no webhook has more than so many entries, and one has so many; null if none has. */
	const edgeOf = ({ low, high }: SeqRange, order: Order, ofEach: number): number | null => {
		const row = prepare(`
			SELECT ${order === "ASC" ? "min" : "max"}(seq) AS seq FROM (
				SELECT (
					SELECT entry.seq FROM ${from} WHERE entry.webhook = owner.value AND ${beside.sql}
					AND entry.seq >= ? AND entry.seq < ? ORDER BY entry.seq ${order} LIMIT 1 OFFSET ?
				) AS seq FROM json_each(?) owner
			)
		`).get(...beside.values, low, high, ofEach - 1, owners);
		return numberOrNull(row?.["seq"] ?? null);
	};
	const stretchTo = (rest: SeqRange, order: Order, ofEach: number): Stretch => {
		const edge = edgeOf(rest, order, ofEach);
		const { low, high } = rest;
		const range = edge === null ? rest : order === "ASC" ? { low, high: edge + 1 } : { low: edge, high };
		const { sql, values } = inRange(range);
		const row = prepare(`SELECT count(*) AS count, count(*) FILTER (WHERE ${onEntry.sql}) AS passing ${sql}`).get(
			...onEntry.values,
			...values,
		);
		return { range, edge, entries: countOf(row), passing: number(row?.["passing"]), ofEach };
	};
	return {
		inRange,
		/**
		 * The next stretch, with up to `most` entries of each webhook, and fewer if looking at all of them could take more than what is
		 * left of a budget. `cost` is what finding it has taken.
		 */
		nextStretch: (rest: SeqRange, order: Order, most: number, left: number): { stretch: Stretch; cost: number } => {
			let [ofEach, cost] = [most, 0];
			for (;;) {
				const stretch = stretchTo(rest, order, ofEach);
				cost += stretch.entries * COSTS.entry;
				const atMost = costOf(stretch, stretch.passing);
				if (atMost <= left - cost || ofEach <= 1) return { stretch, cost };
				ofEach = Math.max(1, Math.min(ofEach - 1, Math.floor((ofEach * SHRINK * Math.max(0, left - cost)) / atMost)));
			}
		},
	};
}
