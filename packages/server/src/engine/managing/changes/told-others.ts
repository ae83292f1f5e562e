// Of which cancellations and erasures the other processes were told, so that a repeated call tells them again only of the rest.
import { SharedLru } from "../../directory/shared-lru.ts";

/** The most that are remembered, about 10 MB. The project that has most forgets its own first. */
const MAX_REMEMBERED = 50_000;

/** Something that the others are told of: a delivery that was cancelled at this time, or an event whose payload is erased. */
export interface Told {
	readonly id: string;
	/** A delivery can be retried, and cancelled again. */
	readonly at: number;
}

interface Telling {
	readonly at: number;
	/** Resolves with whether all others know of it: see `DeliveryLine.discard`. Never rejects. */
	readonly told: Promise<boolean>;
}

/**
 * Whoever repeats a call because others were perhaps not told wants them to be told; and nobody can make them work without end by repeating
 * it. What is forgotten is told again, and so is what only another process has told: that is work, but never an attempt of a cancelled delivery.
 */
export class ToldOthers {
	readonly #tellings = new SharedLru<Telling>({ maxEntries: MAX_REMEMBERED, maxSize: MAX_REMEMBERED });

	/** The others are being told of this. */
	note(projectId: string, telling: readonly Told[], told: Promise<boolean>): void {
		for (const { id, at } of telling) this.#tellings.set(projectId, id, { at, told }, 1);
		void this.#forgetUntold(projectId, telling, told);
	}

	/**
	 * Has the others told of those of which this process has not told them, and is not telling them. Resolves with whether they know of all. Never
	 * rejects.
	 */
	async tell(
		projectId: string,
		wanted: readonly Told[],
		tell: (ids: readonly string[]) => Promise<boolean>,
	): Promise<boolean> {
		const tellings = new Set<Promise<boolean>>();
		const untold: Told[] = [];
		for (const each of wanted) {
			const telling = this.#tellings.get(projectId, each.id);
			if (telling?.at === each.at) tellings.add(telling.told);
			else untold.push(each);
		}
		if (untold.length > 0) {
			const told = tell(untold.map(({ id }) => id));
			this.note(projectId, untold, told);
			tellings.add(told);
		}
		return (await Promise.all(tellings)).every(Boolean);
	}

	/** A delivery is not cancelled any more: what another process cancels is not what this one has told of. */
	forget(projectId: string, id: string): void {
		this.#tellings.delete(projectId, id);
	}

	async #forgetUntold(projectId: string, telling: readonly Told[], told: Promise<boolean>): Promise<void> {
		if (await told) return;
		for (const { id } of telling) {
			if (this.#tellings.peek(projectId, id)?.told === told) this.#tellings.delete(projectId, id);
		}
	}
}
