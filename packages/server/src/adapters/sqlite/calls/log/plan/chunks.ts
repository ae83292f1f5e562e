// Entries of webhooks in the order of their numbers, a chunk of each at a time: those of an index that begins with the webhook, and those
// of the tail, of which it knows nothing yet. Where a chunk ends does not depend on where the tail begins.
import { json } from "../../../codec/rows.ts";
import type { Prepare } from "../../statement-cache.ts";
import type { Condition } from "../condition.ts";
import type { Order, SeqRange } from "../seq-page.ts";
import type { WebhookEntries } from "./entries.ts";
import type { Tail } from "./tail.ts";

/** The next entries of a webhook. */
export interface Chunk {
	readonly count: number;
	/** The first and the last of them, in order; null if there is none. */
	readonly first: number | null;
	readonly last: number | null;
	/** The numbers of those that pass what their columns tell, in order. */
	readonly passing: readonly number[];
}

/** A webhook, and the range in which its next entries are. */
export interface Asked {
	readonly webhook: number;
	readonly rest: SeqRange;
}

export interface ChunksOptions {
	/** What the columns of an entry must fulfil. */
	readonly onEntry: Condition;
	/** Null if all rows are in the index from the beginning. All entries of a tail pass: they have no columns but their webhook. */
	readonly tail: Tail | null;
}

/** Reads up to `most` entries of each webhook. A chunk with fewer is the last one of its webhook. */
export type ReadChunks = (asked: readonly Asked[], order: Order, most: number) => readonly Chunk[];

type Read = readonly [count: number, lowest: number | null, highest: number | null, passing: readonly number[]];

/** Prepares the reading of the next entries of some webhooks. */
export function createChunks(
	prepare: Prepare,
	{ table, index, beside }: WebhookEntries,
	{ onEntry, tail }: ChunksOptions,
): ReadChunks {
	const readListed = (asked: readonly Asked[], order: Order, most: number): readonly Read[] => {
		const row = prepare(`
			SELECT json_group_array(json((
				SELECT json_array(count(*), min(seq), max(seq), json_group_array(seq) FILTER (WHERE passes)) FROM (
					SELECT entry.seq, ${onEntry.sql} AS passes FROM ${table} entry INDEXED BY ${index}
					WHERE entry.webhook = json_extract(asked.value, '$[0]') AND ${beside.sql}
					AND entry.seq >= json_extract(asked.value, '$[1]') AND entry.seq < json_extract(asked.value, '$[2]')
					ORDER BY entry.seq ${order} LIMIT ?
				)
			))) AS chunks FROM json_each(?) asked
		`).get(
			...onEntry.values,
			...beside.values,
			most,
			JSON.stringify(asked.map(({ webhook, rest }) => [webhook, rest.low, rest.high])),
		);
		return json(row?.["chunks"]);
	};
	return (asked, order, most) => {
		const tails = asked.map(({ webhook, rest }) => tail?.first(webhook, rest, order, most) ?? []);
		// Towards older rows, the tail comes first, and it may be enough.
		const isMissing = (place: number) => order === "ASC" || (tails[place]?.length ?? 0) < most;
		const listed = readListed(
			asked.filter((_, place) => isMissing(place)),
			order,
			most,
		);
		let next = 0;
		return asked.map((_, place): Chunk => {
			const ofTail = tails[place] ?? [];
			const read = isMissing(place) ? listed[next++] : undefined;
			const [count, lowest, highest, passing] = read ?? NONE;
			if (ofTail.length === 0) {
				return order === "ASC"
					? { count, first: lowest, last: highest, passing }
					: { count, first: highest, last: lowest, passing };
			}
			const all = (order === "ASC" ? [...passing, ...ofTail] : [...ofTail, ...passing]).slice(0, most);
			return { count: all.length, first: all[0] ?? null, last: all.at(-1) ?? null, passing: all };
		});
	};
}

const NONE: Read = [0, null, null, []];
