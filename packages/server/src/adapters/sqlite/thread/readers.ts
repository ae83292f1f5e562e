// The threads that read the log. Each project has one read under way, and one for sends; the others wait in a queue (read-queue.ts).
import type { Clock } from "../../../core/clock.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import type { ListName } from "../../../ports/store/reads/list-reads.ts";
import type { ReadName, ReadOwner } from "../../../ports/store/reads/read-owners.ts";
import type { PulledInNote } from "../deliveries/pulled-in.ts";
import { kindOf, ReadQueue, type ReadKind, type TakenRead, type WaitingRead } from "./read-queue.ts";
import { ThreadLink } from "./thread-link.ts";
import type { ReaderData, ReadReply } from "./thread-messages.ts";

/** Threads for every read: this many projects read at once. */
const THREADS = 2;
/**
 * One more is for what sends wait for, so that no list of anybody holds it up. It does not go after other threads. With many such reads, they
 * share the other threads with lists.
 */
const THREADS_FOR_SENDS = 1;
/** After a thread could not be started in advance, it is not tried for so long. */
const START_AGAIN_MS = 1_000;
/** For the rows of a page and its text. With 4 MB, pages outlive several collections, which takes a fifth more CPU for each. */
const YOUNG_GENERATION_MB = 8;
/**
 * The write-ahead log begins again when no snapshot in it is read. If that has not happened until it is this long, four times as long
 * as usual, reads pause for a moment.
 */
const LONG_WAL_BYTES = 16 * 1_024 * 1_024;

/** What the thread that writes does for the readers. */
export interface WritingThread {
	/** Makes a read itself: called if no thread can be started for it. */
	readonly read: (name: string, parameters: readonly unknown[]) => Promise<unknown>;
	/** Empties the write-ahead log. Called while no read is under way. */
	readonly emptyWal: () => Promise<unknown>;
}

export interface ReadersOptions {
	/** The file of the database. */
	readonly path: string;
	/** The program of the threads, which calls `serveReads`. */
	readonly program: URL;
	readonly writer: WritingThread;
	/** Tells how long reads take. */
	readonly clock: Pick<Clock, "monotonicMs">;
}

/** A place for a thread, which is started when it is first needed. */
interface Slot {
	/** The reads that it is for; null for all. */
	readonly only: ReadKind | null;
	link: ThreadLink | null;
	/** Whether the thread is being started before a read needs it. */
	starting: boolean;
	/** The read under way; null if none is. */
	reading: TakenRead | null;
}

const FREE = { link: null, starting: false, reading: null } as const;

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
	readonly #program: URL;
	readonly #writer: WritingThread;
	readonly #clock: ReadersOptions["clock"];
	/** Those that are for some reads only come first. */
	readonly #slots: readonly Slot[] = Array.from({ length: THREADS_FOR_SENDS + THREADS }, (_, index) => ({
		...FREE,
		only: index < THREADS_FOR_SENDS ? "send" : null,
	}));
	readonly #waiting = new ReadQueue();
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
	/** No thread is started in advance earlier, in monotonic time. */
	#startNotBefore = -Infinity;

	constructor({ path, program, writer, clock }: ReadersOptions) {
		this.#path = path;
		this.#program = program;
		this.#writer = writer;
		this.#clock = clock;
	}

	/**
	 * Makes a read in its project's turn, and within that in its customer's. Rejects with `store_overloaded` if too many reads of this
	 * project or of this customer wait.
	 */
	read(owner: ReadOwner, name: ReadName, parameters: readonly unknown[]): Promise<unknown> {
		return this.#add(owner, { name, parameters, isBody: false });
	}

	/** The same for a page as the body of a response, or as its rows if no thread can be started that makes one. */
	readBody(owner: ReadOwner, name: ListName, parameters: readonly unknown[]): Promise<unknown> {
		return this.#add(owner, { name, parameters, isBody: true });
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
		while (!this.#waiting.isEmpty || this.#isReading) await this.#idle();
		// One that ends by itself meanwhile has nothing left to close.
		for (const { link } of this.#slots) await link?.close().catch(() => {});
	}

	/** The thread that writes has ended: rejects all reads. */
	fail(error: StoreError): void {
		this.#refusal = error;
		for (const { reject } of this.#waiting.clear()) reject(error);
		for (const slot of this.#slots) {
			slot.reading?.read.reject(error);
			void slot.link?.end();
			// The thread won't reply any more.
			Object.assign(slot, FREE);
		}
		this.#tellIdle();
	}

	get #isReading(): boolean {
		return this.#slots.some(({ reading, starting }) => reading !== null || starting);
	}

	/** Resolves when the reads under way have ended, or a pause has ended without one. */
	#idle(): Promise<void> {
		return new Promise((resolve) => this.#whenIdle.push(resolve));
	}

	/** Begins reads as long as there is a free thread for one that waits. */
	#serve(): void {
		while (this.#pauses === 0) {
			// Looked for once, and not for each owner that waits.
			const free = { send: this.#freeSlot("send"), other: this.#freeSlot("other") };
			if (free.send === undefined && free.other === undefined) break;
			const next = this.#waiting.next((owner, kind) => free[kind] !== undefined && !this.#has(owner, kind));
			const slot = next === null ? undefined : free[kindOf(next)];
			if (slot === undefined || next === null) break;
			if (kindOf(next) === "send") this.#startForSends();
			void this.#run(slot, next);
		}
		if (this.#pauses === 0) this.#startForLists();
	}

	/** A project has one read of each kind under way: so no send waits for the lists of its own project, or of one of its customers. */
	#has(owner: string, kind: ReadKind): boolean {
		return this.#slots.some(({ reading }) => reading?.owner === owner && kindOf(reading) === kind);
	}

	/** One with a thread, if there is one. A read waits for a start only if no other thread is there for it. */
	#freeSlot(kind: ReadKind): Slot | undefined {
		const free = this.#slots.filter(
			({ only, reading, starting }) => reading === null && !starting && (only === null || only === kind),
		);
		return free.find(({ link }) => link !== null) ?? free.find((slot) => !this.#hasThread(slot));
	}

	/** Whether another thread makes the same reads, now or when it has made the one under way. */
	#hasThread(slot: Slot): boolean {
		return this.#slots.some(({ only, link }) => only === slot.only && link !== null);
	}

	/** A start takes long: reads for sends use the other threads meanwhile, if one is free. */
	#startForSends(): void {
		const slot = this.#slots.find(({ only }) => only === "send");
		const hasOther = this.#slots.some(({ only, link, reading }) => only === null && link !== null && reading === null);
		if (slot !== undefined && slot.link === null && hasOther) this.#startInAdvance(slot);
	}

	/** And other reads use the thread that is at work, if that has time before another one has started. */
	#startForLists(): void {
		const slot = this.#slots.find(({ only, link }) => only === null && link === null);
		if (slot === undefined || !this.#hasThread(slot)) return;
		if (this.#waiting.hasOther((owner) => !this.#has(owner, "other"))) this.#startInAdvance(slot);
	}

	#startInAdvance(slot: Slot): void {
		if (slot.starting || this.#clock.monotonicMs() < this.#startNotBefore) return;
		slot.starting = true;
		const ended = () => {
			slot.starting = false;
			this.#serve();
			this.#tellIdle();
		};
		this.#linkOf(slot).then(ended, () => {
			this.#startNotBefore = this.#clock.monotonicMs() + START_AGAIN_MS;
			ended();
		});
	}

	async #run(slot: Slot, reading: TakenRead): Promise<void> {
		slot.reading = reading;
		// A thread needs descriptors and memory, which may be lacking.
		const link = await this.#linkOf(slot).catch(() => null);
		const begunAt = this.#clock.monotonicMs();
		try {
			reading.read.resolve(await this.#read(link, reading.read));
		} catch (error) {
			reading.read.reject(error);
		}
		this.#waiting.ended(reading, this.#clock.monotonicMs() - begunAt);
		slot.reading = null;
		this.#serve();
		this.#tellIdle();
	}

	#add(owner: ReadOwner, read: Omit<WaitingRead, "resolve" | "reject">): Promise<unknown> {
		if (this.#refusal !== null) return Promise.reject(this.#refusal);
		return new Promise((resolve, reject) => {
			const waiting = this.#waiting.add(owner, { ...read, resolve, reject });
			if (waiting === null) this.#serve();
			else reject(overloaded(waiting));
		});
	}

	async #read(link: ThreadLink | null, { name, parameters, isBody }: WaitingRead): Promise<unknown> {
		if (link === null) {
			const value = await this.#writer.read(name, parameters);
			return isBody ? { page: value } : value;
		}
		const { value, walBytes } = (await link.call(name, parameters, isBody)) as ReadReply;
		this.#watchWal(walBytes);
		return value;
	}

	#tellIdle(): void {
		if (!this.#isReading) for (const resolve of this.#whenIdle.splice(0)) resolve();
	}

	async #linkOf(slot: Slot): Promise<ThreadLink> {
		if (slot.link !== null && !slot.link.isDead) return slot.link;
		const link = new ThreadLink({
			program: this.#program,
			name: "fanfare-reader",
			workerData: { path: this.#path, goesAfterOthers: slot.only === null } satisfies ReaderData,
			youngGenerationMb: YOUNG_GENERATION_MB,
			mayChange: () => false,
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

function overloaded(waiting: number): StoreError {
	return new StoreError("store_overloaded", `${waiting} reads of this project wait already: try again a little later`);
}
