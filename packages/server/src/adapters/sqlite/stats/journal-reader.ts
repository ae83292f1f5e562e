// The journal of the stats as read by a connection that does not write it: its sums as of a snapshot.
import type { DatabaseSync, StatementSync } from "node:sqlite";

import { bytes, number } from "../codec/rows.ts";
import type { Numbers } from "../deliveries/numbers.ts";
import { decodeEntry } from "./stats-bytes.ts";
import { byMinute, type RecentStats } from "./stats-journal.ts";
import { StatsSums, type PeriodStats, type ProjectOf } from "./stats-sums.ts";

/**
 * Keeps the sums of the journal, and adds what is new when somebody asks. They are begun anew when a round has ended: then the journal has
 * only the entries since that round began, those of about a minute. `begin` must be called first in each snapshot.
 */
export class JournalReader implements RecentStats {
	readonly #projectOf: ProjectOf;
	readonly #selectThrough: StatementSync;
	readonly #selectEntries: StatementSync;
	readonly #selectDone: StatementSync;
	#isFresh = false;
	/** The `through` that the sums belong to; null: they belong to none. */
	#through: number | null = null;
	#lastEntry = 0;
	#lastDone = 0;
	#sums = new StatsSums();

	constructor(db: DatabaseSync, numbers: Numbers) {
		this.#projectOf = (webhook) => numbers.webhooks.atOrNull(webhook)?.project ?? null;
		this.#selectThrough = db.prepare("SELECT through FROM stats_state");
		this.#selectEntries = db.prepare("SELECT seq, changes FROM stats_journal WHERE seq > ? ORDER BY seq");
		this.#selectDone = db.prepare("SELECT rowid AS seq, changes FROM stats_done WHERE rowid > ? ORDER BY rowid");
	}

	/** A snapshot begins. */
	begin(): void {
		this.#isFresh = false;
	}

	webhook(webhook: number): ReadonlyMap<number, PeriodStats> {
		return byMinute(this.#fresh().webhook(webhook));
	}

	project(project: number): ReadonlyMap<number, PeriodStats> {
		return byMinute(this.#fresh().projects(this.#projectOf, project));
	}

	#fresh(): StatsSums {
		if (this.#isFresh) return this.#sums;
		const through = number(this.#selectThrough.get()?.["through"]);
		if (through !== this.#through) {
			this.#sums = new StatsSums();
			this.#lastEntry = through;
			this.#lastDone = 0;
		}
		// If an entry can't be read, the next call begins anew.
		this.#through = null;
		for (const row of this.#selectEntries.iterate(this.#lastEntry)) {
			this.#sums.absorb(decodeEntry(bytes(row["changes"])));
			this.#lastEntry = number(row["seq"]);
		}
		// All of these are in the entries.
		for (const row of this.#selectDone.iterate(this.#lastDone)) {
			this.#sums.subtract(decodeEntry(bytes(row["changes"])));
			this.#lastDone = number(row["seq"]);
		}
		this.#through = through;
		this.#isFresh = true;
		return this.#sums;
	}
}
