// The tenure of a process that runs alone: it delivers every webhook and has every duty, from start to leave.
import type { Duty, DutyWork, Place, Tenure, TenureHolder } from "../../ports/tenure.ts";

const HERE: Place = { member: "alone", epoch: 0 };

/**
 * Creates the tenure. The answers that the busy path asks for are constants.
 *
 * @example
 * const parts = { tenure: createAloneTenure(), wire: createAloneWire(), ...others };
 */
export function createAloneTenure(): Tenure {
	return new AloneTenure();
}

class AloneTenure implements Tenure {
	#holder: TenureHolder | null = null;
	readonly #work: DutyWork[] = [];

	holds(): boolean {
		return true;
	}

	shards(): null {
		return null;
	}

	stalled(): boolean {
		return false;
	}

	placeOf(): Place {
		return HERE;
	}

	liveMembers(): number {
		return 1;
	}

	attach(holder: TenureHolder): void {
		this.#holder = holder;
	}

	duty(_duty: Duty, work: DutyWork): void {
		this.#work.push(work);
	}

	async start(): Promise<void> {
		await this.#holder?.gained(null);
		for (const work of this.#work) work.start();
	}

	async leave(): Promise<void> {
		await Promise.all(this.#work.map((work) => work.stop()));
	}
}
