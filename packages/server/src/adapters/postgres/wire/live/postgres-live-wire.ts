// Live streams between members that share only their database: a member says which projects its clients watch, and the others write what
// happens there, several times a second, into rows that the watching members read.
import type { Clock } from "../../../../core/clock.ts";
import type { LiveWire, LiveWireListener, SharedFact } from "../../../../ports/live-wire.ts";
import type { Observer } from "../../../../ports/observer.ts";
import type { Signals } from "../../../../ports/signals.ts";
import type { Database } from "../../connection/database.ts";
import * as rows from "./live-rows.ts";
import { WaitingFacts } from "./waiting-facts.ts";

/** Facts wait this long for others. */
const FLUSH_MS = 100;
/** A member that has not read a row by then has lost its tenure. */
const KEPT_MS = 15_000;
/** A member that has ended says so within this time after it has left, unless it was killed. */
const FAREWELL_MS = 2_000;

interface LiveWireParts {
	readonly database: Database;
	readonly clock: Pick<Clock, "monotonicMs" | "after">;
	readonly observer: Pick<Observer, "problem">;
	/** The id of this process among the members; null if it has no tenure. */
	readonly member: () => string | null;
	/** Resolves when all others have read what was committed before the call, or have lost their tenure. Never rejects. */
	readonly haveRead: () => Promise<void>;
	readonly signals: Pick<Signals, "send">;
}

export class PostgresLiveWire implements LiveWire {
	readonly watchedElsewhere = new Set<string>();
	readonly #parts: LiveWireParts;
	#listener: LiveWireListener | null = null;

	// What this process watches
	readonly #topics = new Map<string, Promise<void>>();
	/** The member for which the topics were written; null if they must be written, perhaps again. */
	#watcher: string | null = null;
	/** The last write of a topic, since they must come in order. */
	#writing: Promise<void> = Promise.resolve();
	/** When each row was read first: those of transactions that had not ended come again, and all of them after a lost connection. */
	readonly #read = new Map<number, number>();
	/** The other members, and since when they have been gone without a farewell; null for those that live. */
	#others = new Map<string, number | null>();

	// What it publishes
	readonly #waiting = new WaitingFacts();
	/** The last id of this process as a member: facts of a commit can follow the end of the tenure. */
	#publisher: string | null = null;
	/** Whether rows were written, by whomever, since old ones were removed. */
	#hasNewRows = false;
	#cancelFlush: (() => void) | null = null;
	#cancelRemoval: (() => void) | null = null;
	#flushing: Promise<void> = Promise.resolve();

	constructor(parts: LiveWireParts) {
		this.#parts = parts;
	}

	/** Whether somebody waits here for what other processes publish. */
	get isWatching(): boolean {
		return this.#topics.size > 0;
	}

	listen(listener: LiveWireListener): void {
		this.#listener = listener;
	}

	watch(topic: string): Promise<void> {
		const known = this.#topics.get(topic);
		if (known !== undefined) return known;
		const watching = this.#announce(topic);
		this.#topics.set(topic, watching);
		return watching;
	}

	async #announce(topic: string): Promise<void> {
		const member = this.#parts.member();
		// Otherwise the next look writes all topics.
		if (member === null || (this.#watcher !== member && this.#topics.size > 0)) return;
		this.#watcher = member;
		const { clock, database, haveRead } = this.#parts;
		await this.#write(async () => {
			await rows.addWatches(database, member, [topic]);
			this.#noteMembers(new Set(await rows.readOthers(database, member)), clock.monotonicMs());
		});
		await haveRead();
	}

	unwatch(topic: string): void {
		if (!this.#topics.delete(topic)) return;
		const member = this.#watcher;
		if (member !== null) void this.#write(() => rows.removeWatch(this.#parts.database, member, topic));
	}

	/** Makes a change of the topics, after those before. */
	#write(change: () => Promise<void>): Promise<void> {
		this.#writing = this.#writing.then(change).catch(() => {
			this.#watcher = null;
		});
		return this.#writing;
	}

	publish(topic: string, fact: SharedFact): void {
		this.#waiting.add(topic, fact);
		this.#flushLater();
	}

	/** Part of a look of the wire, which has read what others watch: reads what was published in the transactions from `since` on. */
	async look(since: string, topics: readonly string[]): Promise<void> {
		const { clock, database } = this.#parts;
		const member = this.#parts.member();
		this.#publisher = member ?? this.#publisher;
		const watched = new Set(topics);
		for (const topic of watched) this.watchedElsewhere.add(topic);
		for (const topic of this.watchedElsewhere) if (!watched.has(topic)) this.watchedElsewhere.delete(topic);
		if (this.#topics.size === 0) {
			this.#others.clear();
			return;
		}
		if (member !== this.#watcher) this.#announceAgain(member);
		const members = new Set(await rows.readOthers(database, member));
		const read = await rows.readFacts(database, member, { since, topics: [...this.#topics.keys()] });
		const now = clock.monotonicMs();
		for (const each of read) {
			if (!this.#read.has(each.id)) this.#take(each);
			this.#read.set(each.id, this.#read.get(each.id) ?? now);
		}
		for (const [id, at] of this.#read) {
			if (now - at < 2 * KEPT_MS) break;
			this.#read.delete(id);
		}
		if (read.length > 0) this.#removeLater();
		this.#noteMembers(members, now);
	}

	#take({ member, topic, facts }: rows.ReadPublication): void {
		if (topic === null) this.#others.delete(member);
		else if (facts === null) this.#listener?.missed(topic);
		else for (const fact of facts) this.#listener?.published(topic, fact);
	}

	/** A member that is gone without a farewell may have had facts that it had not written. */
	#noteMembers(members: ReadonlySet<string>, now: number): void {
		for (const [id, goneAt] of this.#others) {
			if (members.has(id) || goneAt === null) this.#others.set(id, members.has(id) ? null : now);
			else if (now - goneAt >= FAREWELL_MS) {
				this.#others.delete(id);
				this.#listener?.missed(null);
			}
		}
		for (const id of members) if (!this.#others.has(id)) this.#others.set(id, null);
	}

	/** This process is another member than before, or a write has failed: the others may not know what it watches. */
	#announceAgain(member: string | null): void {
		this.#watcher = member;
		if (member === null) return;
		const topics = [...this.#topics.keys()];
		// Not awaited: the look must end, so that others can read on.
		void this.#write(() => rows.addWatches(this.#parts.database, member, topics))
			.then(() => this.#parts.haveRead())
			.then(() => this.#listener?.missed(null));
	}

	/** Writes what waits, and says that nothing follows. */
	async stop(): Promise<void> {
		this.#cancelFlush?.();
		this.#cancelRemoval?.();
		await this.#flushing;
		await this.#flush();
		const publisher = this.#publisher;
		if (publisher === null || this.watchedElsewhere.size === 0) return;
		// Without it, watchers are told that they may have missed something.
		await rows.publish(this.#parts.database, publisher, [{ topic: null, facts: null }]).catch(() => {});
	}

	#flushLater(): void {
		this.#cancelFlush ??= this.#parts.clock.after(FLUSH_MS, () => {
			this.#flushing = this.#flushAgain();
		});
	}

	async #flushAgain(): Promise<void> {
		await this.#flush();
		this.#cancelFlush = null;
		if (!this.#waiting.isEmpty) this.#flushLater();
	}

	async #flush(): Promise<void> {
		const publisher = this.#publisher;
		const all = this.#waiting.take();
		if (publisher === null || all.length === 0) return;
		try {
			await rows.publish(this.#parts.database, publisher, all);
			this.#parts.signals.send("look");
			this.#removeLater();
		} catch (error) {
			const wasComplete = all.every(({ facts }) => facts !== null);
			if (wasComplete) this.#parts.observer.problem("live streams of other processes have missed items", error);
			for (const { topic } of all) if (topic !== null) this.#waiting.lose(topic);
		}
	}

	/** There are new rows: removes old ones, until none is left. */
	#removeLater(): void {
		this.#hasNewRows = true;
		this.#cancelRemoval ??= this.#parts.clock.after(KEPT_MS, () => void this.#remove());
	}

	async #remove(): Promise<void> {
		const hadNewRows = this.#hasNewRows;
		this.#hasNewRows = false;
		const isDone = await rows.removeOld(this.#parts.database, KEPT_MS).then(
			() => !hadNewRows,
			() => false,
		);
		this.#cancelRemoval = null;
		if (!isDone || this.#hasNewRows) this.#removeLater();
	}
}
