// The reads that wait for the reading threads, and which of them is next. What sends wait for comes first, and projects take turns, both by the
// time that their reads take: no number of slow reads of some keeps the others waiting. Within a project, its customers take turns.
import { LRUCache } from "lru-cache";

import { Parts } from "../../../core/concurrency/parts.ts";
import { shareOf } from "../../../core/policies/share.ts";
import {
	isRowRead,
	isSendRead,
	mostWaiting,
	type ReadName,
	type ReadOwner,
} from "../../../ports/store/reads/read-owners.ts";

export interface WaitingRead {
	readonly name: ReadName;
	readonly parameters: readonly unknown[];
	/** Whether a page is to be made into the body of a response. */
	readonly isBody: boolean;
	readonly resolve: (value: unknown) => void;
	readonly reject: (error: unknown) => void;
}

/** A read whose turn has come. */
export interface TakenRead {
	readonly owner: string;
	readonly read: WaitingRead;
}

/** Which reads an owner asks to have: see `isSendRead`. */
export type ReadKind = "send" | "other";

/** While others wait, reads for sends get this many times their time: three quarters of what the threads have. */
const SENDS_TO_OTHERS = 3;
/** What a read counts at least: the thread that asks has work with each one, too, and a clock may stand still. */
const LEAST_MS = 0.05;
/** And at most: whoever waits for a slow disk need not make up for all of it. */
const MOST_MS = 100;
/** By how much the turn of an owner that has asked for little is before those of owners that have always asked. */
const CREDIT_MS = 20;
/** Owners without a read that waits whose used time is remembered: as many as there are projects. One that is forgotten has credit again. */
const REMEMBERED = 10_000;
/** Reads of single rows that are made before a list of the same owner that waits. */
const ROWS_BEFORE_A_LIST = 16;

/** The waiting reads of one owner, and the virtual time of its turn. */
interface Waiting<Q> {
	turn: number;
	readonly queue: Q;
}

/** How the waiting reads of one owner are ordered. */
interface Order<Q> {
	readonly create: () => Q;
	readonly lengthOf: (queue: Q) => number;
	/** Takes the next one of a queue that is not empty. */
	readonly next: (queue: Q) => WaitingRead | undefined;
}

/**
 * Start-time fair queueing: the turn of an owner comes later in virtual time by what its reads have taken. That time is at the turn of the
 * owner who was served last, so none makes up for what it used while nobody waited. Whoever has asked for little has some credit, and so
 * passes those who have always asked, however many they are.
 */
class Line<Q> {
	/** Those who began to wait earlier come first. */
	readonly #waiting = new Map<string, Waiting<Q>>();
	readonly #turns = new LRUCache<string, number>({ max: REMEMBERED });
	readonly #order: Order<Q>;
	#now = 0;

	constructor(order: Order<Q>) {
		this.#order = order;
	}

	get isEmpty(): boolean {
		return this.#waiting.size === 0;
	}

	lengthOf(owner: string): number {
		const own = this.#waiting.get(owner);
		return own === undefined ? 0 : this.#order.lengthOf(own.queue);
	}

	/** The queue of an owner; undefined if none of its reads waits. */
	queueOf(owner: string): Q | undefined {
		return this.#waiting.get(owner)?.queue;
	}

	/** The same for an owner that begins to wait: the caller adds a read. */
	queueFor(owner: string): Q {
		const own = this.#waiting.get(owner) ?? { turn: this.#turnOf(owner), queue: this.#order.create() };
		this.#waiting.set(owner, own);
		return own.queue;
	}

	/** The owner whose turn is next, of those that may have one; undefined if none of them waits. */
	first(mayHave: (owner: string) => boolean): string | undefined {
		let first: string | undefined;
		let earliest = Infinity;
		for (const [owner, { turn }] of this.#waiting) {
			if (turn >= earliest || !mayHave(owner)) continue;
			first = owner;
			earliest = turn;
		}
		return first;
	}

	/** Takes the next read of an owner that waits. If it has more, they come after those of owners whose turn is at the same time. */
	take(owner: string): WaitingRead {
		const own = this.#waiting.get(owner);
		const read = own === undefined ? undefined : this.#order.next(own.queue);
		if (own === undefined || read === undefined) throw new Error("an owner without reads was given a turn");
		this.#waiting.delete(owner);
		if (this.#order.lengthOf(own.queue) > 0) this.#waiting.set(owner, own);
		this.#now = Math.max(this.#now, own.turn);
		this.#turns.set(owner, own.turn);
		return read;
	}

	/** A read of this owner has taken so long. */
	used(owner: string, ms: number): void {
		this.#turns.set(owner, (this.#turns.get(owner) ?? this.#now) + ms);
		const own = this.#waiting.get(owner);
		if (own !== undefined) own.turn = this.#turnOf(owner);
	}

	/** Takes all reads. */
	clear(): WaitingRead[] {
		const all: WaitingRead[] = [];
		for (const { queue } of this.#waiting.values()) {
			for (let next = this.#order.next(queue); next !== undefined; next = this.#order.next(queue)) all.push(next);
		}
		this.#waiting.clear();
		return all;
	}

	#turnOf(owner: string): number {
		return Math.max(this.#now - CREDIT_MS, this.#turns.get(owner) ?? -Infinity);
	}
}

/** In order. A project has one read for sends at a time. */
const IN_ORDER: Order<WaitingRead[]> = {
	create: () => [],
	lengthOf: (queue) => queue.length,
	next: (queue) => queue.shift(),
};

/** The reads of an owner but for those for sends, each kind by customer. Those of single rows come first: changes need them. */
interface RowsAndLists {
	readonly rows: Parts<WaitingRead>;
	readonly lists: Parts<WaitingRead>;
	/** How many of single rows were made since the last list. */
	rowsMade: number;
}

const ROWS_FIRST: Order<RowsAndLists> = {
	create: () => ({ rows: new Parts(), lists: new Parts(), rowsMade: 0 }),
	lengthOf: ({ rows, lists }) => rows.size + lists.size,
	next: (queue) => {
		const { rows, lists } = queue;
		if (rows.size > 0 && (lists.size === 0 || queue.rowsMade < ROWS_BEFORE_A_LIST)) {
			queue.rowsMade++;
			return rows.next();
		}
		queue.rowsMade = 0;
		return lists.next();
	},
};

/**
 * A read waits until it is taken. The one who takes it tells how long it took when it has ended.
 *
 * @example
 * queue.add(owner, { name: "events", parameters, resolve, reject });
 * const next = queue.next((owner, kind) => !isReading(owner, kind));
 * if (next !== null) queue.ended(next, await timeOf(next.read));
 */
export class ReadQueue {
	readonly #sends = new Line(IN_ORDER);
	readonly #others = new Line(ROWS_FIRST);
	/** The virtual time of both kinds' turns, and of the kind that was served last. */
	#sendsTurn = 0;
	#othersTurn = 0;
	#now = 0;

	get isEmpty(): boolean {
		return this.#sends.isEmpty && this.#others.isEmpty;
	}

	/**
	 * Adds a read. Returns how many reads of the project wait already if they are too many for it, or else null. A customer has at most
	 * three quarters of the places that the others leave.
	 */
	add({ project, customer }: ReadOwner, read: WaitingRead): number | null {
		const most = mostWaiting(read.name);
		const others = this.#others.queueOf(project);
		const waiting = this.#sends.lengthOf(project) + (others === undefined ? 0 : ROWS_FIRST.lengthOf(others));
		if (waiting >= most) return waiting;
		if (isSendRead(read.name)) {
			this.#sends.queueFor(project).push(read);
			return null;
		}
		const part = customer ?? "";
		const own = others === undefined ? 0 : others.rows.sizeOf(part) + others.lists.sizeOf(part);
		if (customer !== undefined && own >= shareOf(most, waiting, own)) return waiting;
		const { rows, lists } = this.#others.queueFor(project);
		(isRowRead(read.name) ? rows : lists).add(part, read);
		return null;
	}

	/** Takes the read that is next, of the owners that may have one of its kind now; null if none of them waits. */
	next(mayHave: (owner: string, kind: ReadKind) => boolean): TakenRead | null {
		const sender = this.#sends.first((owner) => mayHave(owner, "send"));
		const other = this.#others.first((owner) => mayHave(owner, "other"));
		const sendsTurn = Math.max(this.#now, this.#sendsTurn);
		const othersTurn = Math.max(this.#now, this.#othersTurn);
		if (sender !== undefined && (other === undefined || sendsTurn <= othersTurn)) {
			this.#now = this.#sendsTurn = sendsTurn;
			return { owner: sender, read: this.#sends.take(sender) };
		}
		if (other === undefined) return null;
		this.#now = this.#othersTurn = othersTurn;
		return { owner: other, read: this.#others.take(other) };
	}

	/** Whether a read that is for no send waits, of an owner that may have one now. */
	hasOther(mayHave: (owner: string) => boolean): boolean {
		return this.#others.first(mayHave) !== undefined;
	}

	/** A read that was taken has ended after this time. */
	ended(taken: TakenRead, ms: number): void {
		const { owner } = taken;
		const counted = Math.min(MOST_MS, Math.max(LEAST_MS, ms));
		if (kindOf(taken) === "send") {
			this.#sendsTurn += counted / SENDS_TO_OTHERS;
			this.#sends.used(owner, counted);
		} else {
			this.#othersTurn += counted;
			this.#others.used(owner, counted);
		}
	}

	/** Takes all reads, to reject them. */
	clear(): WaitingRead[] {
		return [...this.#sends.clear(), ...this.#others.clear()];
	}
}

export function kindOf({ read }: TakenRead): ReadKind {
	return isSendRead(read.name) ? "send" : "other";
}
