// The duties of this member.
import type { Duty, DutyWork } from "../../../ports/tenure.ts";
import type { Database } from "../connection/database.ts";
import { takeDuties } from "./member-rows.ts";

/**
 * A duty is free in the database, or somebody's. Its work here is stopped; or it is started, from when this member has the duty
 * until the tenure is lost or left; or it is stopping, and then the duty is not taken again before that has ended.
 */
export class OwnDuties {
	readonly #works = new Map<Duty, DutyWork>();
	readonly #held = new Set<Duty>();
	readonly #stopping = new Set<Duty>();
	/** The answer to a take was lost. */
	#isUnsure = false;

	register(duty: Duty, work: DutyWork): void {
		this.#works.set(duty, work);
	}

	get names(): readonly Duty[] {
		return [...this.#works.keys()];
	}

	/** Takes free duties, until this member has its share of them. Those that it has, it keeps. */
	async take(database: Database, id: string, free: readonly string[], workers: number): Promise<void> {
		const share = Math.ceil(this.#works.size / Math.max(1, workers));
		const room = share - this.#held.size;
		const wanted = this.names.filter((duty) => free.includes(duty) && !this.#stopping.has(duty));
		if (!this.#isUnsure && (room <= 0 || wanted.length === 0)) return;
		this.#isUnsure = true;
		const owned = new Set(await takeDuties(database, id, wanted, room));
		this.#isUnsure = false;
		for (const [duty, work] of this.#works) {
			if (!owned.has(duty) || this.#held.has(duty)) continue;
			this.#held.add(duty);
			work.start();
		}
	}

	/** The tenure is lost: begins to stop all work. */
	lose(): void {
		for (const duty of this.#held) {
			this.#stopping.add(duty);
			void this.#works
				.get(duty)
				?.stop()
				.finally(() => this.#stopping.delete(duty));
		}
		this.#held.clear();
		this.#isUnsure = false;
	}

	/** Resolves when all work has stopped. */
	async stop(): Promise<void> {
		this.#held.clear();
		await Promise.all([...this.#works.values()].map((work) => work.stop()));
	}
}
