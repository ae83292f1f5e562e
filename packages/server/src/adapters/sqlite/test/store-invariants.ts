// What must hold after every transaction: between the rows of a store, and between them and what is known of them in memory. For tests
// and simulations.
import type { StatementSync } from "node:sqlite";

import { number, type Row } from "../codec/rows.ts";
import type { DeliveryTable } from "../deliveries/delivery-table.ts";
import type { StoreInside } from "../sqlite-store.ts";

/** Rows that must not be there, with `seq`, and what is wrong with them. */
const WRONG_ROWS = [
	["is in both tables of deliveries", "SELECT seq FROM open JOIN deliveries USING (seq)"],
	["is open outside of the block of its event", outsideOfBlock("open", "1")],
	["is a full row outside of the block of its event", outsideOfBlock("deliveries", "found.outside IS NOT 1")],
	[
		"was made by a replay for an event that is not there",
		"SELECT seq FROM deliveries WHERE outside = 1 AND event NOT IN (SELECT seq FROM events)",
	],
	// An event whose payload is erased may be on its way out, one step after the other, once none of its deliveries waits.
	[
		"is an event with fewer or more deliveries than numbers in its block",
		`
			SELECT seq FROM (
				SELECT event.seq, delivery_count AS expected, octet_length(body) > 0 AS has_body, (
					SELECT count(*) FROM open WHERE open.seq > event.seq AND open.seq <= event.seq + delivery_count
				) AS open_count, (
					SELECT count(*) FROM deliveries found WHERE found.seq > event.seq AND found.seq <= event.seq + delivery_count
				) AS full_count
				FROM events event
			) WHERE open_count + full_count <> expected AND (has_body OR open_count > 0 OR full_count > expected)
		`,
	],
] as const;

function outsideOfBlock(table: "open" | "deliveries", condition: string): string {
	return `
		SELECT found.seq FROM ${table} found LEFT JOIN events event ON event.seq = found.event
		WHERE (event.seq IS NULL OR found.seq <= event.seq OR found.seq > event.seq + event.delivery_count) AND ${condition}
	`;
}

/**
 * The invariants of deliveries:
 *
 * - Each delivery is in exactly one of the two tables, and an event has as many as there are numbers in its block.
 * - Each open delivery is leased, was returned, or lies above the cursor of its webhook, where the next claim finds it. What is leased
 *   or returned is open.
 * - What is known in memory is what the rows say: cursors, marks, the tail, the lead of ids and the highest number.
 */
export class StoreInvariants {
	readonly #table: DeliveryTable;
	readonly #wrongRows: readonly (readonly [text: string, select: StatementSync])[];
	readonly #open: StatementSync;
	readonly #wronglyListed: Readonly<Record<"open" | "full", StatementSync>>;
	readonly #numbers: StatementSync;
	/** The highest number that was ever stored, as far as was looked: no later event or delivery may have it. */
	#last = 0;

	constructor({ db, table }: StoreInside) {
		this.#table = table;
		this.#wrongRows = WRONG_ROWS.map(([text, sql]) => [text, db.prepare(sql)]);
		this.#open = db.prepare("SELECT seq, webhook FROM open ORDER BY seq");
		const wronglyListed = (name: string) => db.prepare(`SELECT seq FROM ${name} WHERE (listed = 1) <> (seq <= ?)`);
		this.#wronglyListed = { open: wronglyListed("open"), full: wronglyListed("deliveries") };
		this.#numbers = db.prepare(`
			SELECT (SELECT ms FROM id_lead) AS lead, max(
				coalesce((SELECT max(seq + delivery_count) FROM events), 0), coalesce((SELECT max(seq) FROM deliveries), 0),
				(SELECT log FROM given_numbers)
			) AS last
		`);
	}

	/** What is broken, in words. Call it between two transactions. */
	broken(): readonly string[] {
		const open = this.#open.all();
		return [
			...this.#wrongRows.flatMap(([text, select]) => select.all().map((row) => `${seqOf(row)} ${text}`)),
			...this.#inHand(open),
			...this.#listing(),
			...this.#tail(open),
			...this.#highest(),
		];
	}

	#inHand(open: readonly Row[]): string[] {
		const { leases } = this.#table;
		const webhooks = new Map(open.map((row) => [seqOf(row), number(row["webhook"])]));
		const returned = new Map<number, ReadonlySet<number>>();
		for (const webhook of new Set(webhooks.values())) {
			returned.set(webhook, new Set(leases.returned(webhook, -Infinity)));
		}
		const lost = [...webhooks].filter(
			([seq, webhook]) =>
				seq <= leases.cursor(webhook) && leases.get(webhook, seq) === null && returned.get(webhook)?.has(seq) !== true,
		);
		const leased = [...leases.all()].filter(([seq]) => !webhooks.has(seq));
		const notOpen = [...returned].flatMap(([webhook, seqs]) =>
			[...seqs].filter((seq) => webhooks.get(seq) !== webhook),
		);
		return [
			...lost.map(([seq]) => `${seq} is open, not leased, and below the cursor of its webhook`),
			...leased.map(([seq]) => `${seq} is leased and not open`),
			...notOpen.map((seq) => `${seq} was returned and is not open`),
		];
	}

	#listing(): string[] {
		const { open, full } = this.#table.marks;
		return [
			...this.#wronglyListed.open.all(open).map((row) => `${seqOf(row)} is open on the wrong side of the mark ${open}`),
			...this.#wronglyListed.full.all(full).map((row) => `${seqOf(row)} is full on the wrong side of the mark ${full}`),
		];
	}

	#tail(open: readonly Row[]): string[] {
		const { mark, tail } = this.#table.open;
		const known = [...tail.byWebhook()].flatMap(([webhook, seqs]) => seqs.map((seq) => `${seq} of ${webhook}`));
		const stored = open.filter((row) => seqOf(row) > mark).map((row) => `${seqOf(row)} of ${number(row["webhook"])}`);
		const differing = new Set(known).symmetricDifference(new Set(stored));
		return [...differing].map((text) => `${text} is in the tail only in memory, or only in the table`);
	}

	#highest(): string[] {
		const { lead, sequence } = this.#table;
		const { lead: stored = 0, last = 0 } = this.#numbers.get() ?? {};
		const before = this.#last;
		this.#last = Math.max(before, number(last));
		return [
			...(number(stored) === lead.ms ? [] : [`ids are ahead by ${number(stored)} ms, and in memory by ${lead.ms}`]),
			...(number(last) >= before ? [] : [`${before} was stored, and a start would go on after ${number(last)}`]),
			...(number(last) <= sequence.last
				? []
				: [`${number(last)} is stored, and the next number is ${sequence.last + 1}`]),
		];
	}
}

function seqOf(row: Row): number {
	return number(row["seq"]);
}
