// What has happened lately in one project: a ring of items, each with its place, so that a client can go on where it was.
import { randomBytes } from "node:crypto";

import type { LiveFact, LiveItem } from "../../core/live.ts";

const PLACE = /^([0-9a-f]{16})-(\d{1,15})$/;

/** Where a client goes on, and why it may have missed something; null if it can't have. */
export interface Resumption {
	/** The last item that it need not be shown. */
	readonly position: number;
	readonly gap: string | null;
}

export class LiveFeed {
	readonly projectId: string;
	readonly #capacity: number;
	/** Tells this feed's places from those of a former run or a former feed of the project. */
	readonly #epoch = randomBytes(8).toString("hex");
	readonly #ring: LiveItem[] = [];
	#last = 0;

	constructor(projectId: string, capacity: number) {
		this.projectId = projectId;
		this.#capacity = capacity;
	}

	/** The number of the newest item; the first has 1. */
	get last(): number {
		return this.#last;
	}

	/** The number of the oldest item that is kept. */
	get first(): number {
		return Math.max(1, this.#last - this.#capacity + 1);
	}

	push(fact: LiveFact, date: number): LiveItem {
		const number = ++this.#last;
		const item = { ...fact, id: this.place(number), projectId: this.projectId, date };
		this.#ring[number % this.#capacity] = item;
		return item;
	}

	/** The item of this number, which must be kept. */
	at(number: number): LiveItem {
		const item = this.#ring[number % this.#capacity];
		if (item === undefined) throw new RangeError(`item ${number} is not kept`);
		return item;
	}

	/** An item's id, and what a client says to go on after it. */
	place(number: number): string {
		return `${this.#epoch}-${number}`;
	}

	/** Goes on after a place; from the newest on for null. */
	resume(place: string | null): Resumption {
		if (place === null) return { position: this.#last, gap: null };
		const [, epoch, digits] = PLACE.exec(place) ?? [];
		const oldest = this.first - 1;
		if (epoch !== this.#epoch) {
			return {
				position: oldest,
				gap: "the stream has begun anew since: the server was restarted, or nobody watched for a while",
			};
		}
		const number = Number(digits);
		if (number > this.#last) return { position: this.#last, gap: "there is no such place in the stream" };
		if (number < oldest) return { position: oldest, gap: "more has happened since than is kept" };
		return { position: number, gap: null };
	}
}
