// The numbers of the changes of deliveries: each change gets a higher one than all before it, so that a list can follow the changes.
import type { DatabaseSync } from "node:sqlite";

import { number } from "../codec/rows.ts";
import type { TransactionMemory } from "../connection.ts";

/** The numbers of one millisecond. If there are more changes in it, numbers run ahead of the time. */
export const CHANGES_PER_MS = 64;
/** The numbers that are reserved at once, so that the reservation is seldom written: those of a minute. */
const RESERVED = 60_000 * CHANGES_PER_MS;

/** Prepares the reading of the highest number that a change before a time can have. */
export function createLastChangeBefore(db: DatabaseSync): (time: number) => number {
	const selectLead = db.prepare("SELECT change_lead FROM given_numbers");
	return (time) => firstChangeAt(time) + number(selectLead.get()?.["change_lead"]);
}

/** The lowest number that a change at this time or later can have. */
export function firstChangeAt(time: number): number {
	return time * CHANGES_PER_MS;
}

/**
 * A number is at least that of its time, whatever the clock was before: so changes since a time are a range of numbers, although it
 * may contain some earlier changes.
 */
export class ChangeNumbers implements TransactionMemory {
	readonly #reserve: (bound: number) => void;
	readonly #noteLead: (lead: number) => void;
	#last: number;
	/** No number above this one was given, and a start begins above it. */
	#bound: number;
	#staged: number | null = null;
	/** By how much a number was ever above that of its time. */
	#lead: number;
	#stagedLead: number | null = null;

	constructor(db: DatabaseSync) {
		const reserve = db.prepare("UPDATE given_numbers SET changes = ?");
		this.#reserve = (bound) => void reserve.run(bound);
		const noteLead = db.prepare("UPDATE given_numbers SET change_lead = ?");
		this.#noteLead = (lead) => void noteLead.run(lead);
		const row = db.prepare("SELECT changes, change_lead FROM given_numbers").get();
		this.#bound = number(row?.["changes"]);
		this.#lead = number(row?.["change_lead"]);
		this.#last = this.#bound;
	}

	/** The number of a change that is made at `at`, in the transaction under way. */
	take(at: number): number {
		this.#last = Math.max(this.#last + 1, firstChangeAt(at));
		if (this.#last > (this.#staged ?? this.#bound)) {
			this.#staged = this.#last + RESERVED;
			this.#reserve(this.#staged);
		}
		const lead = this.#last - firstChangeAt(at);
		// A clock that was set back far is noted in steps, so that it is seldom written.
		if (lead > (this.#stagedLead ?? this.#lead)) this.#noteLead((this.#stagedLead = lead + RESERVED));
		return this.#last;
	}

	commit(): void {
		this.#lead = this.#stagedLead ?? this.#lead;
		this.#stagedLead = null;
		this.#bound = this.#staged ?? this.#bound;
		this.#staged = null;
	}

	rollback(): void {
		this.#stagedLead = null;
		this.#staged = null;
	}
}
