// The wire between members that share only their database: each member looks several times a second for changes of the directory and for
// notes.
import type { Clock } from "../../../core/clock.ts";
import type { Observer } from "../../../ports/observer.ts";
import type { Signals } from "../../../ports/signals.ts";
import type { Place } from "../../../ports/tenure.ts";
import type { DiscardNote, OwnerNote, Wire, WireListener } from "../../../ports/wire.ts";
import { readSessionChanges } from "../calls/access/session-changes.ts";
import type { Database } from "../connection/database.ts";
import { Answers } from "./answers.ts";
import { confirm, FROM_START, readChanges } from "./changes.ts";
import { Confirmations } from "./confirmations.ts";
import { PostgresLiveWire } from "./live/postgres-live-wire.ts";
import { NoteSender } from "./note-sender.ts";
import { markDone, type NoteRow } from "./notes.ts";
import { PostgresRelayWire } from "./relays/postgres-relay-wire.ts";

/** How often a member looks for changes and notes. A note to one member has a second. */
const LOOK_MS = 200;
/** The same when there was nothing new for a while; if signals tell it, which may be lost; and if there is nobody who could. */
const QUIET_LOOK_MS = 400;
const TOLD_LOOK_MS = 500;
const ALONE_LOOK_MS = 1_000;
/** So long after something new, more is expected. */
const QUIET_AFTER_MS = 10_000;
/** Between the begins of looks that signals ask for, so that many signals cost little. */
const SIGNAL_MS = 20;
/** What a member has read longer ago may be outdated. Less than others wait for it, since clocks do not run equally fast. */
const CURRENT_MS = 4_000;
/** How long a catch-up waits after the one before, so that unknown tokens cost little, however many are shown. */
const CALM_MS = 50;
/** Projects read again at once. */
const READS = 8;

export interface WireParts {
	readonly database: Database;
	/** The same database, with connections of its own for relays. */
	readonly relayDatabase: Database;
	readonly clock: Pick<Clock, "monotonicMs" | "after">;
	readonly observer: Pick<Observer, "problem">;
	/** The id of this process among the members; null if it has no tenure. */
	readonly member: () => string | null;
	/** Whether there was no other member lately. Call `hurry` when that changes. */
	readonly isAlone: () => boolean;
	/**
	 * Whether nothing that this process has heard lately speaks against the end of a member's tenure: see `SeenCluster.isSilent`. The
	 * database's clock alone does not tell, since it may step.
	 */
	readonly isSilent: (member: string) => boolean;
	/** Called when `isCurrent` was false and is true again. */
	readonly caughtUp: () => void;
	/** Make it quick. Without them, everything is found by looking. */
	readonly signals: Signals;
	/** How long a note to one member may take. */
	readonly tellMs: number;
}

/** The workspace among the projects whose versions are known. */
const WORKSPACE = "";

/**
 * States: stopped ──start──▶ looking ──stop──▶ stopped. While it is looking, `look` is called again and again; `look` may also be
 * called before, to be sure that everything is read.
 */
export class PostgresWire implements Wire {
	readonly handsOff = false;
	readonly live: PostgresLiveWire;
	readonly relays: PostgresRelayWire;
	readonly #sender: NoteSender;
	readonly #answers: Answers;
	readonly #confirmations: Confirmations;
	readonly #parts: WireParts;
	#listener: WireListener | null = null;
	#read: ((projectId: string | null, version: number) => Promise<void>) | null = null;
	#since = FROM_START;
	/** The versions that this process has read or made. */
	readonly #versions = new Map<string, number>();
	/** The member for which `#confirmed` was written, and up to which number. */
	#confirmed: { readonly member: string; readonly number: number } | null = null;
	/** For which member everything was read last, and when that began, in monotonic time. */
	#current: { readonly member: string; readonly at: number } | null = null;
	/** The number of the last change that a look has seen. After a crash of the database, it may be a lower one. */
	#number = -1;
	/** When there was something new last, in monotonic time. */
	#newAt = -Infinity;
	#looking: Promise<void> = Promise.resolve();
	/** Whether a look that a signal has asked for has not begun. */
	#isLookAsked = false;
	/** When the last of them has begun, in monotonic time. */
	#lookAskedAt = -Infinity;
	/** A catch-up that has not begun to read. */
	#catchingUp: Promise<void> | null = null;
	#calm: Promise<void> = Promise.resolve();
	#isRunning = false;
	#isFailing = false;
	/** Cancels the timer for the next look; null while one is under way, and before `start`. */
	#cancel: (() => void) | null = null;

	constructor(parts: WireParts) {
		this.#parts = parts;
		this.#answers = new Answers(parts.clock);
		this.#confirmations = new Confirmations({ ...parts, answers: this.#answers });
		this.#sender = new NoteSender({ ...parts, answers: this.#answers });
		parts.signals.listen((signal) => {
			if (signal === "answered") this.#answers.came();
			else if (signal === "relays") this.relays.told();
			else this.#lookNow();
		});
		this.live = new PostgresLiveWire({ ...parts, haveRead: () => this.#confirmations.haveRead() });
		this.relays = new PostgresRelayWire({
			...parts,
			database: parts.relayDatabase,
			isCurrent: () => this.isCurrent(),
		});
	}

	reaches(): boolean {
		return false;
	}

	/** Nobody is handed anything: owners find deliveries that are committed without a lease. */
	handOff(): void {}

	async tell({ member }: Place, note: OwnerNote): Promise<"done" | "unreachable"> {
		return (await this.#sender.tell(member, note)) ? "done" : "unreachable";
	}

	async tellAll(note: DiscardNote): Promise<"done" | "unreachable"> {
		return (await this.#sender.tellAll(note)) ? "done" : "unreachable";
	}

	async changed(projectId: string | null, version: number): Promise<void> {
		this.made(projectId, version);
		await this.#confirmations.haveRead();
	}

	made(projectId: string | null, version: number): void {
		const key = projectId ?? WORKSPACE;
		this.#versions.set(key, Math.max(version, this.#versions.get(key) ?? 0));
	}

	sessionsEnded(): Promise<void> {
		// A look that was under way may have read them before.
		return this.#confirmations.haveRead(() => this.look());
	}

	catchUp(): Promise<void> {
		this.#catchingUp ??= this.#catchUp();
		return this.#catchingUp;
	}

	async #catchUp(): Promise<void> {
		await this.#calm;
		this.#catchingUp = null;
		await this.look().finally(() => {
			this.#calm = this.#pause(CALM_MS);
		});
	}

	/**
	 * Whether this process knows all changes but the newest, for which those who have made them still wait. False for a member
	 * that has just joined, or can't read changes for whatever reason.
	 */
	isCurrent(): boolean {
		const current = this.#current;
		return (
			current !== null &&
			current.member === this.#parts.member() &&
			this.#parts.clock.monotonicMs() - current.at < CURRENT_MS
		);
	}

	listen(listener: WireListener): void {
		this.#listener = listener;
	}

	follow(read: (projectId: string | null, version: number) => Promise<void>): void {
		this.#read = read;
	}

	start(): void {
		this.#isRunning = true;
		this.#lookLater();
	}

	/** Resolves when the look under way has ended. */
	async stop(): Promise<void> {
		this.#isRunning = false;
		this.#cancel?.();
		await this.#looking;
		await this.relays.stop();
		await this.live.stop();
	}

	/**
	 * Looks for changes and notes. When it resolves, everything is read that others had committed before the call, and they know.
	 * Rejects if the database or the reader of the directory fails.
	 */
	look(): Promise<void> {
		const look = this.#looking.then(() => this.#look());
		this.#looking = look.catch(() => {});
		return look;
	}

	#lookLater(): void {
		this.#cancel = this.#parts.clock.after(this.#lookMs(), () => void this.#lookAgain());
	}

	#lookMs(): number {
		const { clock, isAlone, signals } = this.#parts;
		// A process that can't read changes for long answers no calls.
		if (this.#isFailing) return LOOK_MS;
		if (isAlone()) return ALONE_LOOK_MS;
		if (signals.isUp) return TOLD_LOOK_MS;
		if (this.live.isWatching) return LOOK_MS;
		return clock.monotonicMs() - this.#newAt < QUIET_AFTER_MS ? LOOK_MS : QUIET_LOOK_MS;
	}

	/** Looks now, and from now on as often as others make necessary. */
	hurry(): void {
		if (this.#cancel === null || !this.#isRunning) return;
		this.#cancel();
		void this.#lookAgain();
	}

	/** Looks once more, however often it is called before that begins. The look at its time reports failures. */
	#lookNow(): void {
		if (!this.#isRunning || this.#isLookAsked) return;
		this.#isLookAsked = true;
		void this.#lookWhenAsked();
	}

	async #lookWhenAsked(): Promise<void> {
		const { clock } = this.#parts;
		const waitMs = this.#lookAskedAt + SIGNAL_MS - clock.monotonicMs();
		if (waitMs > 0) await this.#pause(waitMs);
		this.#looking = this.#looking
			.then(() => {
				this.#isLookAsked = false;
				this.#lookAskedAt = clock.monotonicMs();
				return this.#look();
			})
			.catch(() => {});
	}

	async #lookAgain(): Promise<void> {
		this.#cancel = null;
		try {
			await this.look();
			this.#isFailing = false;
		} catch (error) {
			const message = "changes that other processes have made could not be read; they are read as soon as possible";
			if (!this.#isFailing) this.#parts.observer.problem(message, error);
			this.#isFailing = true;
		}
		if (this.#isRunning) this.#lookLater();
	}

	async #look(): Promise<void> {
		const { database, member, clock } = this.#parts;
		const id = member();
		const at = clock.monotonicMs();
		let changes = await readChanges(database, this.#since, id);
		const { number } = changes;
		if (number !== this.#number || changes.since.connection !== this.#since.connection) {
			this.#newAt = at;
			this.#number = number;
			// The last changes may have been committed since the read began.
			changes = await readChanges(database, this.#since, id);
		}
		const { from, since, workspace, projects, notes, watched } = changes;
		if (notes.length + watched.length > 0) this.#newAt = at;
		if (id !== null) await this.#takeNotes(id, notes);
		// Projects come and go with the versions of the workspace. What is forgotten is at most asked for once more.
		if (workspace !== null && workspace > (this.#versions.get(WORKSPACE) ?? 0)) this.#versions.clear();
		if (workspace !== null) await this.#follow(null, workspace);
		const rest = [...projects];
		const readSome = async () => {
			for (let each = rest.pop(); each !== undefined; each = rest.pop()) {
				await this.#follow(each.projectId, each.version);
			}
		};
		await Promise.all(Array.from({ length: READS }, readSome));
		if (changes.hasSessions) {
			for await (const sessions of readSessionChanges(database, from)) this.#listener?.sessionsChanged(sessions);
		}
		// All that decides whether a call or an attempt may be made is read. However much there is for live streams, deliveries go on.
		const wasCurrent = this.isCurrent();
		this.#current = id === null ? null : { member: id, at };
		if (!wasCurrent && this.isCurrent()) this.#parts.caughtUp();
		await this.live.look(from, watched);
		this.#since = since;
		if (id === null || (this.#confirmed?.member === id && this.#confirmed.number >= number)) return;
		await confirm(database, id, number);
		this.#parts.signals.send("answered");
		this.#confirmed = { member: id, number };
	}

	async #follow(projectId: string | null, version: number): Promise<void> {
		if (version <= (this.#versions.get(projectId ?? WORKSPACE) ?? 0)) return;
		await this.#read?.(projectId, version);
		this.made(projectId, version);
	}

	async #takeNotes(member: string, rows: readonly NoteRow[]): Promise<void> {
		if (rows.length === 0) return;
		for (const { notes } of rows) for (const note of notes) this.#listener?.noted(note);
		await markDone(
			this.#parts.database,
			member,
			rows.map(({ id }) => id),
		);
		this.#parts.signals.send("answered");
	}

	#pause(ms: number): Promise<void> {
		return new Promise((resolve) => void this.#parts.clock.after(ms, resolve));
	}
}
