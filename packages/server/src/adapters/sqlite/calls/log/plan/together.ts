// Deliveries of several webhooks, read together along an index that begins with the webhook. Were each read by itself, what some have found
// beyond the others would be found in vain.
import { json, number } from "../../../codec/rows.ts";
import type { Prepare } from "../../statement-cache.ts";
import type { Check, Condition } from "../condition.ts";
import type { Order, SeqRange } from "../seq-page.ts";
import { createRowsAt, type Checked, type CountableSource, type Table } from "../sources.ts";
import { Ahead } from "./ahead.ts";
import { createChunks } from "./chunks.ts";
import type { WebhookEntries } from "./entries.ts";
import type { Tail } from "./tail.ts";

/**
 * What looking takes of a budget, whose parts are 1.5 µs each: to go to a place of an index, at an entry, at one more that passes, at its
 * row, into another table for a row, and at the event of a row.
 */
const COSTS = { seek: 1.5, entry: 0.08, passing: 0.1, row: 1.1, look: 0.2, event: 1.2 } as const;
/** With a smaller share of a budget left, no further entries are read. */
const LEAST_LEFT = 0.05;
/** However many webhooks there are, so many entries of each are read: with one each, a page would end at the first of all. */
const LEAST = 4;
/** A chunk has at most so many times the entries of the one before. */
const GROWTH = 4;
/** Chunks are meant to take this share of what is left, with the looks at their rows. */
const SAFE = 0.9;
/** To read a chunk may take this share of what is left in any case: what can't be looked at any more waits for the next read of the page. */
const AHEAD = 0.1;

/** What to read, and where from. `tail` is null if the index has all rows from the beginning. */
export interface Together {
	readonly webhooks: readonly number[];
	readonly entries: WebhookEntries;
	readonly tail: Tail | null;
	readonly checked: Checked;
}

/** Reads the rows of entries of these webhooks that match. */
export function createTogetherSource(
	prepare: Prepare,
	{ webhooks, entries, tail, checked }: Together,
): CountableSource {
	const { onEntry, judge } = judging(prepare, entries, checked);
	const readChunks = createChunks(prepare, entries, { onEntry, tail });
	const rowsAt = createRowsAt(prepare, entries.table);

	/** As many entries of each webhook that there are so many of all. */
	const ofEach = (all: number) => Math.max(LEAST, Math.ceil(all / Math.max(1, webhooks.length)));
	const begin = (rest: SeqRange, order: Order, first: number): Walk => {
		const ahead = new Ahead(webhooks, { range: rest, order }, readChunks);
		return { order, rest, ahead, size: ofEach(first), found: [] };
	};

	/**
	 * Goes on until `use` returns true, or the budget is used up. Returns where that was, and what it has taken. Whatever it decides follows
	 * from entries of these webhooks: where a customer's page ends tells nothing about others.
	 */
	const goOn = (walk: Walk, budget: number, use: (matches: readonly number[]) => boolean) => {
		const { ahead } = walk;
		for (let left = budget; ;) {
			if (!ahead.isKnown) left -= readAhead(walk, left);
			const { seqs, place } = ahead.take(Math.max(1, Math.floor(left / judge.most)));
			const { matches, cost } = judge.look(seqs);
			left -= cost;
			if (use(matches) || place === null) return { stoppedAt: null, cost: budget - left };
			if (left <= budget * LEAST_LEFT) return { stoppedAt: place, cost: budget - left };
		}
	};
	/** Reads the next entries. Returns what it has taken. */
	const readAhead = (walk: Walk, left: number): number => {
		const { ahead } = walk;
		const { webhooks: places, entries: read, passing } = ahead.goOn(walk.size);
		const cost = places * COSTS.seek + read * COSTS.entry;
		const ofEntry = COSTS.entry + (passing / Math.max(1, read)) * judge.most;
		const rest = Math.max(0, left - cost - passing * judge.most);
		const most = Math.max((SAFE * rest) / ofEntry, (AHEAD * left) / COSTS.entry) / Math.max(1, ahead.behind);
		walk.size = Math.max(LEAST, Math.min(walk.size * GROWTH, Math.floor(most)));
		return cost;
	};

	/** Where the last read has ended: the next one usually goes on there. */
	let kept: Walk | null = null;
	return {
		read: (range, order, limit, budget) => {
			const isNext = kept?.order === order && kept.rest.low === range.low && kept.rest.high === range.high;
			const walk = kept !== null && isNext ? kept : begin(range, order, Math.min(2 * limit, budget / COSTS.seek));
			kept = walk;
			const use = (matches: readonly number[]) => {
				walk.found = [...walk.found, ...matches];
				return walk.found.length >= limit;
			};
			const { stoppedAt, cost } = use([]) ? { stoppedAt: null, cost: 0 } : goOn(walk, budget, use);
			const seqs = walk.found.slice(0, limit);
			walk.found = walk.found.slice(limit);
			const reached = seqs.length === limit ? (seqs.at(-1) ?? null) : stoppedAt;
			if (reached !== null) {
				walk.rest = order === "ASC" ? { low: reached + 1, high: range.high } : { low: range.low, high: reached };
			}
			const rows = rowsAt(seqs);
			return { rows, stoppedAt, cost: cost + rows.length };
		},
		count: (range, budget) => {
			let count = 0;
			const counted = goOn(begin(range, "DESC", budget / (COSTS.entry + judge.most)), budget, (matches) => {
				count += matches.length;
				return false;
			});
			return { ...counted, count };
		},
	};
}

/** How far some webhooks were read. */
interface Walk {
	readonly order: Order;
	/** What no row was returned of yet. */
	rest: SeqRange;
	readonly ahead: Ahead;
	/** How many entries of each webhook are read next. */
	size: number;
	/** What matches and was not returned yet, in order. */
	found: readonly number[];
}

/** How entries are judged: by their columns, and by looks at those that pass. */
interface Judging {
	readonly onEntry: Condition;
	readonly judge: {
		/** What it takes to judge one that passes, at most. */
		readonly most: number;
		/** Which of some entries match, in their order, and what it has taken to find out. */
		readonly look: (seqs: readonly number[]) => { readonly matches: readonly number[]; readonly cost: number };
	};
}

function judging(
	prepare: Prepare,
	{ table, columns }: WebhookEntries,
	{ checks, conditions, isOnlyChecks }: Checked,
): Judging {
	// A webhook belongs to one project.
	const open = checks.filter((check) => !check.columns.includes("project"));
	const isInEntry = (check: Check) => check.columns.every((column) => columns.includes(column));
	const onEntry = all(open.filter(isInEntry).map(({ on }) => on("entry")));
	const ofRow = open.filter((check) => !isInEntry(check));
	if (isOnlyChecks && ofRow.length === 0) {
		const look = (seqs: readonly number[]) => ({ matches: seqs, cost: seqs.length * COSTS.passing });
		return { onEntry, judge: { most: COSTS.passing, look } };
	}
	const row = COSTS.passing + COSTS.row + ofRow.filter(({ isLook = false }) => isLook).length * COSTS.look;
	const event = isOnlyChecks ? 0 : COSTS.event;
	const lookAt = looksAt(
		prepare,
		table,
		all(ofRow.map(({ on }) => on("delivery"))),
		isOnlyChecks ? null : all(conditions),
	);
	const look = (seqs: readonly number[]) => {
		const { matches, events } = lookAt(seqs);
		return { matches, cost: seqs.length * row + events * event };
	};
	return { onEntry, judge: { most: row + event, look } };
}

/** Prepares the looks at rows, and at the events of those that match so far. */
function looksAt(prepare: Prepare, table: Table, onRow: Condition, onEvent: Condition | null) {
	const fate =
		onEvent === null
			? "2"
			: `1 + coalesce((SELECT 1 FROM events event WHERE event.seq = delivery.event AND ${onEvent.sql}), 0)`;
	return (seqs: readonly number[]): { readonly matches: readonly number[]; readonly events: number } => {
		if (seqs.length === 0) return { matches: [], events: 0 };
		const found = prepare(`
			SELECT count(*) AS events, json_group_array(seq) FILTER (WHERE fate = 2) AS matches FROM (
				SELECT delivery.seq, ${fate} AS fate FROM (SELECT value AS seq FROM json_each(?)) looked
				CROSS JOIN ${table} delivery ON delivery.seq = looked.seq WHERE ${onRow.sql} LIMIT -1
			)
		`).get(...(onEvent?.values ?? []), JSON.stringify(seqs), ...onRow.values);
		return { matches: json(found?.["matches"]), events: number(found?.["events"]) };
	};
}

function all(conditions: readonly Condition[]): Condition {
	return {
		sql: conditions.map(({ sql }) => sql).join(" AND ") || "TRUE",
		values: conditions.flatMap(({ values }) => values),
	};
}
