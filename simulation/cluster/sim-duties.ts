// The duties of one process in a simulated cluster.
import type { Duty, DutyWork } from "../../packages/server/src/ports/tenure.ts";

/** A duty is not ours, held (its work is started), or given (its work has ended, and the cluster may have it back). */
export class SimDuties {
	readonly #works = new Map<Duty, DutyWork>();
	readonly #held = new Set<Duty>();
	readonly #given = new Set<Duty>();
	readonly #stopping = new Set<Duty>();
	readonly #ended: () => void;

	/** @param ended called when the work of a duty has ended */
	constructor(ended: () => void) {
		this.#ended = ended;
	}

	register(duty: Duty, work: DutyWork): void {
		this.#works.set(duty, work);
	}

	canTake(duty: Duty): boolean {
		return this.#works.has(duty) && !this.#stopping.has(duty);
	}

	take(duty: Duty): void {
		this.#held.add(duty);
		this.#given.delete(duty);
		this.#works.get(duty)?.start();
	}

	/** Whether the work of a duty that is given up has ended. If it was not given up yet, its work begins to end. */
	give(duty: Duty): boolean {
		if (this.#held.delete(duty)) void this.#stop(duty).then(() => this.#given.add(duty));
		return this.#given.delete(duty);
	}

	/** All work begins to end, and no duty is ours. */
	lose(): void {
		for (const duty of this.#held) void this.#stop(duty);
		this.#held.clear();
		this.#given.clear();
	}

	/** Ends all work, begun or not. */
	async stop(): Promise<void> {
		await Promise.all([...this.#works.values()].map((work) => work.stop()));
	}

	async #stop(duty: Duty): Promise<void> {
		this.#stopping.add(duty);
		await this.#works.get(duty)?.stop();
		this.#stopping.delete(duty);
		this.#ended();
	}
}
