// The latest items of one project. Each has a position, so that a client can resume where it was.
import Denque from "denque";

import type { EventCustomers } from "../../core/access/customer.ts";
import type { LiveFact, LiveItem } from "../../core/live.ts";

const ID = /^([0-9a-f]{16})-(\d{1,15})$/;

/** Why items are missing that other processes have published. */
export const MISSED =
	"items of another process of the server may have been lost, since it has ended or was not reached for a while";

/** Where a client resumes. */
export interface Resumption {
	/** The position of the last item that the client is not given. */
	readonly position: number;
	/** Why the client may have missed items; null if it has missed none. */
	readonly gap: string | null;
}

/**
 * Positions count from 1 and have no gaps. The id of an item is the feed's epoch and the item's position; clients
 * resume with it.
 */
export class LiveFeed {
	readonly projectId: string;
	readonly #capacity: number;
	/** Distinguishes this feed's ids from those of an earlier process or an earlier feed of the project. */
	readonly #epoch: string;
	readonly #items = new Denque<LiveItem>();
	#last = 0;
	/** Items that come after this position may be missing. */
	#missedAt = -1;

	/** @param epoch 16 random hex digits */
	constructor(projectId: string, capacity: number, epoch: string) {
		this.#epoch = epoch;
		this.projectId = projectId;
		this.#capacity = capacity;
	}

	/** The position of the newest item; 0 if there was none yet. */
	get last(): number {
		return this.#last;
	}

	/** The position of the oldest item that is kept; one more than `last` if none is. */
	get first(): number {
		return this.#last - this.#items.length + 1;
	}

	/** The number of items that are kept. */
	get size(): number {
		return this.#items.length;
	}

	/** Appends an item about these customers. It replaces the oldest one if the feed is full. */
	push(fact: LiveFact, date: number, customers: EventCustomers): LiveItem {
		const position = ++this.#last;
		const item = { ...fact, id: this.idAt(position), projectId: this.projectId, date, customers };
		this.#items.push(item);
		if (this.#items.length > this.#capacity) this.#items.shift();
		return item;
	}

	/** Items that should be next were perhaps lost on their way. */
	noteMissed(): void {
		this.#missedAt = this.#last;
	}

	/** Drops the oldest items, so that at most `size` are left. */
	shrinkTo(size: number): void {
		const surplus = this.#items.length - size;
		if (surplus > 0) this.#items.remove(0, surplus);
	}

	/** The item at a position from `first` to `last`. */
	at(position: number): LiveItem {
		const item = position < this.first ? undefined : this.#items.peekAt(position - this.first);
		if (item === undefined) throw new RangeError(`there is no item at position ${position}`);
		return item;
	}

	/** The id of the item at the position. A client resumes after it with this id. */
	idAt(position: number): string {
		return `${this.#epoch}-${position}`;
	}

	/** Where a client resumes after the item with this id. For null it starts after the newest item. */
	resume(id: string | null): Resumption {
		if (id === null) return { position: this.#last, gap: null };
		const [, epoch, digits] = ID.exec(id) ?? [];
		const oldest = this.first - 1;
		if (epoch !== this.#epoch) {
			return {
				position: oldest,
				gap: "the stream has restarted: the server was restarted, or no client was connected for a while",
			};
		}
		const position = Number(digits);
		if (position > this.#last) return { position: this.#last, gap: "there is no such position in the stream" };
		if (position < oldest) return { position: oldest, gap: "more items have been added since than are kept" };
		return { position, gap: position <= this.#missedAt ? MISSED : null };
	}
}
