// The newest rows of some webhooks, which are in no index by webhook yet.
import { json } from "../../../codec/rows.ts";
import type { Prepare } from "../../statement-cache.ts";
import type { Condition } from "../condition.ts";
import type { Order, SeqRange } from "../seq-page.ts";
import type { Table } from "../sources.ts";

/** Which rows of a tail to read. */
export interface TailPart {
	readonly table: Table;
	/** Every row above this number is in the tail. */
	readonly mark: number;
	/** Whose rows: a condition on `+entry.webhook`. */
	readonly own: Condition;
	readonly range: SeqRange;
}

/** The numbers of the rows of a tail by webhook. They are read once, when they are first needed. */
export class Tail {
	readonly #prepare: Prepare;
	readonly #part: TailPart;
	#seqs: ReadonlyMap<number, readonly number[]> | null = null;

	constructor(prepare: Prepare, part: TailPart) {
		this.#prepare = prepare;
		this.#part = part;
	}

	/** The webhooks that have such rows. */
	get webhooks(): Iterable<number> {
		return this.#ascending.keys();
	}

	/** The first numbers of a webhook in a range, up to so many. */
	first(webhook: number, { low, high }: SeqRange, order: Order, most: number): readonly number[] {
		const seqs = this.#ascending.get(webhook) ?? [];
		const [from, to] = [placeOf(seqs, low), placeOf(seqs, high)];
		if (order === "ASC") return seqs.slice(from, Math.min(to, from + most));
		return seqs.slice(Math.max(from, to - most), to).toReversed();
	}

	get #ascending(): ReadonlyMap<number, readonly number[]> {
		return (this.#seqs ??= this.#read());
	}

	#read(): ReadonlyMap<number, readonly number[]> {
		const { table, mark, own, range } = this.#part;
		const found = new Map<number, number[]>();
		if (range.high <= mark + 1) return found;
		const row = this.#prepare(`
			SELECT json_group_array(seq) AS seqs, json_group_array(webhook) AS webhooks FROM (
				SELECT entry.seq, entry.webhook FROM ${table} entry NOT INDEXED
				WHERE ${own.sql} AND entry.seq > ? AND entry.seq < ? ORDER BY entry.seq LIMIT -1
			)
		`).get(...own.values, Math.max(mark, range.low - 1), range.high);
		const webhooks: readonly number[] = json(row?.["webhooks"]);
		for (const [index, seq] of json<readonly number[]>(row?.["seqs"]).entries()) {
			const webhook = webhooks[index] ?? 0;
			const own = found.get(webhook);
			if (own === undefined) found.set(webhook, [seq]);
			else own.push(seq);
		}
		return found;
	}
}

/** How many numbers of an ascending list are less than a number. */
function placeOf(ascending: readonly number[], number: number): number {
	let [low, high] = [0, ascending.length];
	while (low < high) {
		const middle = (low + high) >>> 1;
		if ((ascending[middle] ?? Infinity) < number) low = middle + 1;
		else high = middle;
	}
	return low;
}
