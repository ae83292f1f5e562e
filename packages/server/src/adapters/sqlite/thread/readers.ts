// The threads that read the log, and the queue of reads that wait for them: projects take turns, and each has one read under way. What sends
// wait for is read first.
import { StoreError } from "../../../ports/store/errors.ts";
import { isRowRead, isSendRead, mostWaiting, type ReadName } from "../../../ports/store/reads/read-owners.ts";
import type { PulledInNote } from "../deliveries/pulled-in.ts";
import { ThreadLink } from "./thread-link.ts";
import type { ReadReply } from "./thread-messages.ts";

/** A project has one read under way, so this many projects read at once. */
const THREADS = 2;
const YOUNG_GENERATION_MB = 4;
/**
 * The write-ahead log begins again when no snapshot in it is read. If that has not happened until it is this long, four times as long
 * as usual, reads pause for a moment.
 */
const LONG_WAL_BYTES = 16 * 1_024 * 1_024;

interface WaitingRead {
	readonly name: string;
	readonly parameters: readonly unknown[];
	readonly resolve: (value: unknown) => void;
	readonly reject: (error: unknown) => void;
}

/** Reads of single rows that are made before a list of the same owner that waits. */
const ROWS_BEFORE_A_LIST = 16;

/** Reads for sends that are made before another read that waits, of any owner. */
const SENDS_BEFORE_OTHERS = 16;

/** The reads of an owner that wait, but for those for sends, each kind in order. Those of single rows come first: changes and sends need them. */
interface Queue {
	readonly rows: WaitingRead[];
	readonly lists: WaitingRead[];
	/** How many of single rows were made since the last list. */
	rowsMade: number;
}

/** What the thread that writes does for the readers. */
export interface WritingThread {
	/** Makes a read itself: called if no thread can be started for it. */
	readonly read: (name: string, parameters: readonly unknown[]) => Promise<unknown>;
	/** Empties the write-ahead log. Called while no read is under way. */
	readonly emptyWal: () => Promise<unknown>;
}

/** A place for a thread, which is started when it is first needed. */
interface Slot {
	link: ThreadLink | null;
	/** The read under way, and whose it is; null if none is. */
	reading: WaitingRead | null;
	owner: string | null;
}

const FREE: Slot = { link: null, reading: null, owner: null };

/**
 * Reads beside the thread that writes. Every read sees what was committed before it was asked for, since its snapshot begins later.
 *
 * States: open ──close──▶ closing ──all reads are answered──▶ closed
 *           └──────────────────┴──fail──▶ failed
 *
 * - open: reads are accepted.
 * - closing, closed: new reads are refused, earlier ones are still answered.
 * - failed: the thread that writes has ended. All reads have been rejected, and new ones are, too.
 *
 * The end of a reading thread rejects its read. The next read starts another thread. If none can be started, the thread that writes makes
 * the read.
 */
export class Readers {
	readonly #path: string;
	readonly #writer: WritingThread;
	readonly #slots: readonly Slot[] = Array.from({ length: THREADS }, () => ({
		link: null,
		reading: null,
		owner: null,
	}));
	/** By owner; the owner whose turn is next comes first. */
	readonly #waiting = new Map<string, Queue>();
	/** Those for sends, in the same way. A project has one of them at a time, so they need no order within an owner. */
	readonly #sends = new Map<string, WaitingRead[]>();
	/** How many for sends were made since the last other one. */
	#sendsMade = 0;
	/** What new threads must be told, by webhook. */
	readonly #pulledIn = new Map<number, PulledInNote>();
	/** What new reads are refused with. */
	#refusal: StoreError | null = null;
	/** How many parties want no read to be under way. */
	#pauses = 0;
	/** Called once when no read is under way. */
	#whenIdle: (() => void)[] = [];
	#longWalBytes = LONG_WAL_BYTES;
	#emptying = false;

	constructor(path: string, writer: WritingThread) {
		this.#path = path;
		this.#writer = writer;
	}

	/** Makes a read in its owner's turn. Rejects with `store_overloaded` if too many reads of this owner wait. */
	read(owner: string, name: ReadName, parameters: readonly unknown[]): Promise<unknown> {
		if (this.#refusal !== null) return Promise.reject(this.#refusal);
		const own = this.#waiting.get(owner) ?? { rows: [], lists: [], rowsMade: 0 };
		const sends = this.#sends.get(owner) ?? [];
		const waiting = lengthOf(own) + sends.length;
		if (waiting >= mostWaiting(name)) return Promise.reject(overloaded(waiting));
		return new Promise((resolve, reject) => {
			const read = { name, parameters, resolve, reject };
			if (isSendRead(name)) {
				sends.push(read);
				this.#sends.set(owner, sends);
			} else {
				(isRowRead(name) ? own.rows : own.lists).push(read);
				this.#waiting.set(owner, own);
			}
			this.#serve();
		});
	}

	/** Does work while no read is under way. Reads that come meanwhile wait. */
	async pause<T>(work: () => Promise<T>): Promise<T> {
		this.#pauses++;
		try {
			if (this.#isReading) await this.#idle();
			return await work();
		} finally {
			this.#pauses--;
			this.#serve();
			this.#tellIdle();
		}
	}

	/** Webhooks or projects may have been deleted completely, or have no customer any more. */
	forget(): void {
		this.#tellAll("forget", []);
	}

	/** Tells the threads what they can't see in the rows. */
	pulledIn(note: PulledInNote): void {
		this.#pulledIn.set(note.webhook, note);
		this.#tellAll("pulledIn", [note]);
	}

	/** Answers the reads that wait, and ends the threads. */
	async close(): Promise<void> {
		this.#refusal ??= new StoreError("store_unavailable", "the store is closed");
		while (this.#waiting.size > 0 || this.#sends.size > 0 || this.#isReading) await this.#idle();
		// One that ends by itself meanwhile has nothing left to close.
		for (const { link } of this.#slots) await link?.close().catch(() => {});
	}

	/** The thread that writes has ended: rejects all reads. */
	fail(error: StoreError): void {
		this.#refusal = error;
		const others = [...this.#waiting.values()].flatMap(({ rows, lists }) => [...rows, ...lists]);
		const waiting = [...[...this.#sends.values()].flat(), ...others];
		this.#waiting.clear();
		this.#sends.clear();
		for (const { reject } of waiting) reject(error);
		for (const slot of this.#slots) {
			slot.reading?.reject(error);
			void slot.link?.end();
			// The thread won't reply any more.
			Object.assign(slot, FREE);
		}
		this.#tellIdle();
	}

	get #isReading(): boolean {
		return this.#slots.some(({ owner }) => owner !== null);
	}

	/** Resolves when the reads under way have ended, or a pause has ended without one. */
	#idle(): Promise<void> {
		return new Promise((resolve) => this.#whenIdle.push(resolve));
	}

	/** Begins reads as long as there is a free thread. */
	#serve(): void {
		while (this.#pauses === 0) {
			const slot = this.#slots.find(({ owner, link }) => owner === null && link !== null) ?? this.#freeSlot();
			const next = slot === undefined ? null : this.#next();
			if (slot === undefined || next === null) return;
			void this.#run(slot, next.owner, next.reading);
		}
	}

	#freeSlot(): Slot | undefined {
		return this.#slots.find(({ owner }) => owner === null);
	}

	/** Takes the next read: one for a send, if there is one, but another one if enough of them were made since the last. */
	#next(): { readonly owner: string; readonly reading: WaitingRead } | null {
		const [sender, owner] = [this.#firstIdle(this.#sends.keys()), this.#firstIdle(this.#waiting.keys())];
		if (sender !== undefined && (owner === undefined || this.#sendsMade < SENDS_BEFORE_OTHERS)) {
			this.#sendsMade++;
			return {
				owner: sender,
				reading: take(
					this.#sends,
					sender,
					(sends) => sends.shift(),
					(sends) => sends.length,
				),
			};
		}
		if (owner === undefined) return null;
		this.#sendsMade = 0;
		return { owner, reading: take(this.#waiting, owner, nextOf, lengthOf) };
	}

	/** The first owner without a read under way. */
	#firstIdle(owners: Iterable<string>): string | undefined {
		for (const owner of owners) if (!this.#slots.some((slot) => slot.owner === owner)) return owner;
		return undefined;
	}

	async #run(slot: Slot, owner: string, reading: WaitingRead): Promise<void> {
		slot.owner = owner;
		slot.reading = reading;
		try {
			reading.resolve(await this.#read(slot, reading));
		} catch (error) {
			reading.reject(error);
		}
		slot.owner = null;
		slot.reading = null;
		this.#serve();
		this.#tellIdle();
	}

	async #read(slot: Slot, { name, parameters }: WaitingRead): Promise<unknown> {
		const link = await this.#linkOf(slot).catch(() => null);
		// A thread needs descriptors and memory, which may be lacking.
		if (link === null) return this.#writer.read(name, parameters);
		const { value, walBytes } = (await link.call(name, parameters)) as ReadReply;
		this.#watchWal(walBytes);
		return value;
	}

	#tellIdle(): void {
		if (!this.#isReading) for (const resolve of this.#whenIdle.splice(0)) resolve();
	}

	async #linkOf(slot: Slot): Promise<ThreadLink> {
		if (slot.link !== null && !slot.link.isDead) return slot.link;
		const link = new ThreadLink({
			file: "reader-thread",
			name: "fanfare-reader",
			workerData: this.#path,
			youngGenerationMb: YOUNG_GENERATION_MB,
			onNote: () => {},
			deathMessage: (cause) =>
				`the thread that read the log has ended unexpectedly (${cause}): the next read starts another`,
		});
		slot.link = link;
		try {
			await link.opened;
		} catch (error) {
			slot.link = null;
			await link.end();
			throw error;
		}
		for (const note of this.#pulledIn.values()) tell(link, "pulledIn", [note]);
		return link;
	}

	#tellAll(name: string, parameters: readonly unknown[]): void {
		for (const { link } of this.#slots) if (link !== null) tell(link, name, parameters);
	}

	/**
	 * Snapshots that follow each other without a gap would let the write-ahead log grow for ever. If it can't be emptied, since an
	 * operator's backup reads it, it is tried again when it has doubled.
	 */
	#watchWal(walBytes: number): void {
		if (walBytes < LONG_WAL_BYTES) this.#longWalBytes = LONG_WAL_BYTES;
		if (walBytes < this.#longWalBytes || this.#emptying) return;
		this.#emptying = true;
		this.#longWalBytes = 2 * walBytes;
		const ended = () => (this.#emptying = false);
		this.pause(() => this.#writer.emptyWal()).then(ended, ended);
	}
}

/** A thread that has ended needs to be told nothing. */
function tell(link: ThreadLink, name: string, parameters: readonly unknown[]): void {
	link.call(name, parameters).catch(() => {});
}

/** Takes an owner's next read. If it has more, they come after those of the others. */
function take<Q>(
	waiting: Map<string, Q>,
	owner: string,
	nextIn: (own: Q) => WaitingRead | undefined,
	lengthIn: (own: Q) => number,
): WaitingRead {
	const own = waiting.get(owner);
	const next = own === undefined ? undefined : nextIn(own);
	waiting.delete(owner);
	if (own !== undefined && lengthIn(own) > 0) waiting.set(owner, own);
	if (next === undefined) throw new Error("an owner without reads was given a turn");
	return next;
}

/** Takes the next read: one of single rows, if there is one, but a list if enough of them were made since the last. */
function nextOf(queue: Queue): WaitingRead | undefined {
	const { rows, lists } = queue;
	if (rows.length > 0 && (lists.length === 0 || queue.rowsMade < ROWS_BEFORE_A_LIST)) {
		queue.rowsMade++;
		return rows.shift();
	}
	queue.rowsMade = 0;
	return lists.shift();
}

function lengthOf({ rows, lists }: Queue): number {
	return rows.length + lists.length;
}

function overloaded(waiting: number): StoreError {
	return new StoreError("store_overloaded", `${waiting} reads of this project wait already: try again a little later`);
}
