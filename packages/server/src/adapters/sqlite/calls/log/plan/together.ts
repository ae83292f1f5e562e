// Deliveries of several webhooks, read together along an index that begins with the webhook: in stretches of numbers, each with as many
// entries of all of them as may be looked at. Were each read by itself, what some have found beyond the others would be found in vain.
import { countOf, json, number } from "../../../codec/rows.ts";
import type { Prepare } from "../../statement-cache.ts";
import type { Check, Condition } from "../condition.ts";
import type { Order, SeqRange } from "../seq-page.ts";
import { createRowsAt, type Checked, type CountableSource } from "../sources.ts";
import type { WebhookEntries } from "./entries.ts";
import { COSTS, createStretches, type Stretch } from "./stretches.ts";

/** With a smaller share of a budget left, no further stretch is read. */
const LEAST_LEFT = 0.05;
/** A stretch has at most so many times the entries of the one before. */
const GROWTH = 4;
/** It is meant to take this share of what is left. */
const SAFE = 0.9;

/** What was found in a stretch. */
interface Looked {
	readonly matches: number;
	/** Their numbers, in any order. */
	readonly seqs: readonly number[];
}

/** Reads the rows of entries of these webhooks that match. */
export function createTogetherSource(
	prepare: Prepare,
	webhooks: readonly number[],
	entries: WebhookEntries,
	checked: Checked,
): CountableSource {
	const fates = fatesOf(entries, checked);
	const { nextStretch, inRange } = createStretches(prepare, webhooks, entries, fates);
	const rowsAt = createRowsAt(prepare, entries.table);
	const ofEach = (sum: number) => Math.ceil(sum / Math.max(1, webhooks.length));

	/** What was found in a stretch, and how many events of its rows were looked at. */
	const lookAt = ({ range }: Stretch, seqs: string): Looked & { readonly events: number } => {
		const { sql, values } = inRange(range);
		const row = prepare(`
			SELECT count(*) FILTER (WHERE fate = 2) AS count, count(*) FILTER (WHERE fate >= 1) AS events, ${seqs} AS seqs
			FROM (SELECT entry.seq, ${fates.sql} AS fate ${sql} LIMIT -1)
		`).get(...fates.values, ...values);
		return { matches: countOf(row), events: number(row?.["events"]), seqs: json(row?.["seqs"]) };
	};

	/** Goes on until `use` returns true, or the budget is used up. Returns where that was, and what it has taken. */
	const walk = ({ range, order, budget, first, seqs }: Walk, use: (looked: Looked) => boolean) => {
		let [rest, left, most] = [range, budget, first];
		for (;;) {
			const { stretch, cost } = nextStretch(rest, order, most, left);
			const looked = lookAt(stretch, seqs);
			left -= cost + fates.costOf(stretch, looked.events);
			const { edge } = stretch;
			if (use(looked) || edge === null) return { stoppedAt: null, cost: budget - left };
			if (left <= budget * LEAST_LEFT) return { stoppedAt: edge, cost: budget - left };
			rest = order === "ASC" ? { low: edge + 1, high: rest.high } : { low: rest.low, high: edge };
			// The events of all rows may have to be looked at in the next one.
			const times = Math.min(GROWTH, (SAFE * left) / fates.costOf(stretch, stretch.passing));
			most = Math.max(1, Math.floor(stretch.ofEach * times));
		}
	};

	return {
		read: (range, order, limit, budget) => {
			let found: readonly number[] = [];
			const use = ({ seqs }: Looked) => {
				found = [...found, ...seqs.toSorted((a, b) => (order === "ASC" ? a - b : b - a))];
				return found.length >= limit;
			};
			const { stoppedAt, cost } = walk({ range, order, budget, first: ofEach(2 * limit), seqs: MATCHES }, use);
			const rows = rowsAt(found.slice(0, limit));
			return { rows, stoppedAt, cost: cost + rows.length };
		},
		count: (range, budget) => {
			let count = 0;
			const use = ({ matches }: Looked) => {
				count += matches;
				return false;
			};
			const walked = walk({ range, order: "DESC", budget, first: ofEach(budget), seqs: NONE }, use);
			return { ...walked, count };
		},
	};
}

/** The numbers of what matches, and of nothing. */
const MATCHES = "json_group_array(seq) FILTER (WHERE fate = 2)";
const NONE = "'[]'";

interface Walk {
	readonly range: SeqRange;
	readonly order: Order;
	readonly budget: number;
	/** How many entries of each webhook the first stretch may have. */
	readonly first: number;
	/** Which numbers to read, as SQL. */
	readonly seqs: string;
}

/** How far an entry gets, as SQL: null, 0 and 1 if its columns, its row and the event of that do not match, and 2 if all match. */
interface Fates extends Condition {
	/** That the columns of an entry match. */
	readonly onEntry: Condition;
	/** What a stretch takes, if so many events of its rows are looked at. */
	readonly costOf: (stretch: Pick<Stretch, "entries" | "passing">, events: number) => number;
}

function fatesOf({ table, columns }: WebhookEntries, { checks, conditions, isOnlyChecks }: Checked): Fates {
	const isInEntry = (check: Check) => check.columns.every((column) => columns.includes(column));
	const onEntry = all(checks.filter(isInEntry).map(({ on }) => on("entry")));
	const ofRow = checks.filter((check) => !isInEntry(check));
	const onRow = all(ofRow.map(({ on }) => on("delivery")));
	if (isOnlyChecks && ofRow.length === 0) {
		const costOf: Fates["costOf"] = (stretch) => stretch.entries * COSTS.entry;
		return { sql: `CASE WHEN ${onEntry.sql} THEN 2 END`, values: onEntry.values, onEntry, costOf };
	}
	const row = COSTS.row + ofRow.filter(({ isLook = false }) => isLook).length * COSTS.look;
	const event = isOnlyChecks ? 0 : COSTS.event;
	const onEvent = all(conditions);
	const rest = isOnlyChecks
		? { sql: "2", values: [] }
		: {
				sql: `1 + coalesce((SELECT 1 FROM events event WHERE event.seq = delivery.event AND ${onEvent.sql}), 0)`,
				values: onEvent.values,
			};
	const looked = `SELECT ${rest.sql} FROM ${table} delivery WHERE delivery.seq = entry.seq AND ${onRow.sql}`;
	return {
		sql: `CASE WHEN ${onEntry.sql} THEN coalesce((${looked}), 0) END`,
		values: [...onEntry.values, ...rest.values, ...onRow.values],
		onEntry,
		costOf: (stretch, events) => stretch.entries * COSTS.entry + stretch.passing * row + events * event,
	};
}

function all(conditions: readonly Condition[]): Condition {
	return {
		sql: conditions.map(({ sql }) => sql).join(" AND ") || "TRUE",
		values: conditions.flatMap(({ values }) => values),
	};
}
