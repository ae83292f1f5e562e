// The duties of this member.
import type { Duty, DutyWork } from "../../../ports/tenure.ts";
import type { Database } from "../connection/database.ts";
import { giveDuties, takeDuties } from "./member-rows.ts";

/**
 * A duty is in one of these states:
 *
 * - not ours: at the beginning. It is free in the database, or somebody's.
 * - held: entered by `take`. Its work is started.
 * - given: entered by `giveExcess`. It is still ours in the database, and its work is stopping; left by `release` once that has ended.
 *
 * `lose` makes all of them not ours. A duty whose work is still stopping then is not taken again before that has ended.
 */
export class OwnDuties {
	readonly #works = new Map<Duty, DutyWork>();
	readonly #held = new Set<Duty>();
	readonly #given = new Set<Duty>();
	readonly #stopping = new Set<Duty>();
	/** The answer to a take was lost. */
	#isUnsure = false;

	register(duty: Duty, work: DutyWork): void {
		this.#works.set(duty, work);
	}

	get names(): readonly Duty[] {
		return [...this.#works.keys()];
	}

	/** Begins to stop the work of those duties that are more than this member's share. */
	giveExcess(workers: number): void {
		for (const duty of [...this.#held].slice(this.#share(workers))) {
			this.#held.delete(duty);
			this.#given.add(duty);
			this.#stop(duty);
		}
	}

	/** Gives up the given duties whose work has ended. */
	async release(database: Database, id: string): Promise<void> {
		const idle = [...this.#given].filter((duty) => !this.#stopping.has(duty));
		if (idle.length === 0) return;
		await giveDuties(database, id, idle);
		for (const duty of idle) this.#given.delete(duty);
	}

	/** Takes free duties, until this member has its share of them. */
	async take(database: Database, id: string, free: readonly string[], workers: number): Promise<void> {
		const room = this.#share(workers) - this.#held.size;
		const wanted = this.names.filter((duty) => free.includes(duty) && !this.#isEnding(duty));
		if (!this.#isUnsure && (room <= 0 || wanted.length === 0)) return;
		this.#isUnsure = true;
		const owned = new Set(await takeDuties(database, id, wanted, room));
		this.#isUnsure = false;
		for (const [duty, work] of this.#works) {
			if (!owned.has(duty) || this.#held.has(duty) || this.#isEnding(duty)) continue;
			this.#held.add(duty);
			work.start();
		}
	}

	/** The tenure is lost: begins to stop all work. */
	lose(): void {
		for (const duty of this.#held) this.#stop(duty);
		this.#held.clear();
		this.#given.clear();
		this.#isUnsure = false;
	}

	#share(workers: number): number {
		return Math.ceil(this.#works.size / Math.max(1, workers));
	}

	#isEnding(duty: Duty): boolean {
		return this.#given.has(duty) || this.#stopping.has(duty);
	}

	#stop(duty: Duty): void {
		this.#stopping.add(duty);
		void this.#works
			.get(duty)
			?.stop()
			.finally(() => this.#stopping.delete(duty));
	}

	/** Resolves when all work has stopped. */
	async stop(): Promise<void> {
		this.#held.clear();
		await Promise.all([...this.#works.values()].map((work) => work.stop()));
	}
}
