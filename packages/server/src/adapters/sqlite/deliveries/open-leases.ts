// The leases of deliveries without an attempt, in memory: the rows of `open` are not written for them. Only this process delivers what is
// in this file, so a lease may end with the process.
import type { TransactionMemory } from "../connection.ts";

/** The leased deliveries of one webhook. */
interface Leased {
	/** When each lease ends, by the number of its delivery. */
	readonly until: Map<number, number>;
	/** Deliveries at or below `cursor` whose lease has ended without an attempt. */
	readonly returned: Set<number>;
	/** Every open delivery of the webhook up to this number is in `until` or `returned`. */
	cursor: number;
	/** No lease ends before this time. */
	firstEnd: number;
}

/** A change of a lease in the transaction under way. Null ends it, `gone` too, since the delivery has left `open`. */
interface StagedLease {
	readonly webhook: number;
	readonly until: number | null | "gone";
}

/**
 * The deliveries of a webhook are in three conditions here: leased, returned (its lease has ended, and it is still open), or
 * not known (it was never leased by this process). Those not known all lie above the cursor, so a claim begins there.
 *
 * Changes within a transaction are seen by its later statements, and count when it is committed.
 *
 * No claim passes a delivery over, so nobody has to look for one below a cursor that waits for nothing. A cursor moves only when a claim is
 * committed (`moveCursor`), to the last delivery that it has taken. A claim reads the deliveries that are not leased in the order of their
 * numbers and takes them without a gap: it ends early, but leaves none out. New deliveries get numbers above all that were ever given
 * (`Sequence`), by this thread alone, so none appears below a cursor. What is below it leaves `until` only for `returned`, or with its row.
 * `open-leases.test.ts` tries it in any order of calls and with COMMITs that fail, and the simulation looks after each step.
 */
export class OpenLeases implements TransactionMemory {
	readonly #webhooks = new Map<number, Leased>();
	readonly #staged = new Map<number, StagedLease>();

	/** When the lease of an open delivery ends; null if it is not leased. */
	get(webhook: number, seq: number): number | null {
		const staged = this.#staged.get(seq);
		if (staged !== undefined) return staged.until === "gone" ? null : staged.until;
		return this.#webhooks.get(webhook)?.until.get(seq) ?? null;
	}

	/** The numbers of all leased deliveries, with the ends of their leases. */
	*all(): Generator<readonly [seq: number, until: number]> {
		for (const { until } of this.#webhooks.values()) yield* until;
	}

	/** Leases an open delivery until a time; null ends its lease. */
	set(webhook: number, seq: number, until: number | null): void {
		this.#staged.set(seq, { webhook, until });
	}

	/** The delivery has left `open`. */
	gone(webhook: number, seq: number): void {
		if (this.#staged.size > 0 || this.#webhooks.has(webhook)) this.#staged.set(seq, { webhook, until: "gone" });
	}

	commit(): void {
		if (this.#staged.size === 0) return;
		for (const [seq, { webhook, until }] of this.#staged) this.#apply(webhook, seq, until);
		this.#staged.clear();
	}

	rollback(): void {
		this.#staged.clear();
	}

	/** Where a claim goes on: above the deliveries that are known here. */
	cursor(webhook: number): number {
		return this.#webhooks.get(webhook)?.cursor ?? 0;
	}

	/** Every open delivery up to `seq` is leased now, or was returned. Call it after the commit of a claim. */
	moveCursor(webhook: number, seq: number): void {
		const leased = this.#webhooks.get(webhook);
		if (leased !== undefined && seq > leased.cursor) leased.cursor = seq;
	}

	/** The deliveries at or below the cursor that are not leased any more, in order. Ends the leases whose time has come. */
	returned(webhook: number, now: number): readonly number[] {
		const leased = this.#webhooks.get(webhook);
		if (leased === undefined) return NONE;
		if (leased.firstEnd <= now) endLeases(leased, now);
		return leased.returned.size === 0 ? NONE : [...leased.returned].sort((a, b) => a - b);
	}

	/** When the first lease of a webhook ends; null if none is leased. */
	firstEnd(webhook: number): number | null {
		const leased = this.#webhooks.get(webhook);
		if (leased === undefined || leased.until.size === 0) return null;
		let first = Infinity;
		for (const until of leased.until.values()) if (until < first) first = until;
		return first;
	}

	/** Ends the leases of these webhooks (null: of all), and returns how many there were. */
	end(webhooks: Iterable<number> | null): number {
		let count = 0;
		for (const webhook of webhooks ?? [...this.#webhooks.keys()]) {
			count += this.#webhooks.get(webhook)?.until.size ?? 0;
			this.#webhooks.delete(webhook);
		}
		return count;
	}

	#apply(webhook: number, seq: number, until: number | null | "gone"): void {
		let leased = this.#webhooks.get(webhook);
		if (typeof until === "number") {
			if (leased === undefined) {
				leased = { until: new Map(), returned: new Set(), cursor: 0, firstEnd: Infinity };
				this.#webhooks.set(webhook, leased);
			}
			leased.returned.delete(seq);
			leased.until.set(seq, until);
			if (until < leased.firstEnd) leased.firstEnd = until;
			return;
		}
		if (leased === undefined) return;
		const wasLeased = leased.until.delete(seq);
		if (until === "gone") leased.returned.delete(seq);
		else if (wasLeased && seq <= leased.cursor) leased.returned.add(seq);
		// Nothing is known of it any more: the next claim begins at its first open delivery.
		if (leased.until.size === 0 && leased.returned.size === 0) this.#webhooks.delete(webhook);
	}
}

const NONE: readonly number[] = [];

function endLeases(leased: Leased, now: number): void {
	leased.firstEnd = Infinity;
	for (const [seq, until] of leased.until) {
		if (until > now) {
			leased.firstEnd = Math.min(leased.firstEnd, until);
			continue;
		}
		leased.until.delete(seq);
		// One above the cursor is found by the next claim as if it had never been leased.
		if (seq <= leased.cursor) leased.returned.add(seq);
	}
}
