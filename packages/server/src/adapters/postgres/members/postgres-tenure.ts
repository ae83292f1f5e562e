// The tenure of a member that shares its database with others: see cluster.ts.
import type { Chance } from "../../../core/chance.ts";
import type { Clock } from "../../../core/clock.ts";
import { shardOf } from "../../../core/cluster/shard.ts";
import type { Observer } from "../../../ports/observer.ts";
import type { Duty, DutyWork, Place, Tenure, TenureHolder } from "../../../ports/tenure.ts";
import type { Database } from "../connection/database.ts";
import * as rows from "./member-rows.ts";
import { OwnDuties } from "./own-duties.ts";
import { idleAmong, OwnShards } from "./own-shards.ts";
import { SeenCluster } from "./seen-cluster.ts";
import { BEAT_MS, BLIND_MS, GIVE_EVERY_MS, MARGIN_MS, MOVING_BEAT_MS, STALL_MS, TENURE_MS } from "./timing.ts";

export interface TenureParts {
	readonly database: Database;
	readonly clock: Pick<Clock, "monotonicMs" | "after">;
	readonly chance: Pick<Chance, "randomize">;
	readonly observer: Pick<Observer, "problem" | "note">;
	readonly facts: rows.MemberFacts;
	/** Called when this process has become a member, before it takes anything. If it rejects, it is called again. */
	readonly joined: () => Promise<void>;
	/** Called when there are other members, after this one was alone. */
	readonly accompanied: () => void;
	/** Whether this process knows what others have changed: see `PostgresWire.isCurrent`. Call `caughtUp` when that is true again. */
	readonly isCurrent: () => boolean;
}

/** Nobody listens before `attach`. */
const NO_HOLDER: TenureHolder = { gained: () => Promise.resolve(), lost() {}, resumed() {}, inFlightOf: () => 0 };

/**
 * States:
 *
 * - new: nothing is done. Left by `start`, or by `leave` for left.
 * - starting: this process joins and takes what is free for it. Left for running, or for left if that fails.
 * - running: each beat renews the tenure, and is followed by a look at what to give and take (`#settle`).
 * - leaving: entered by `leave`. Beats go on until everything is given up.
 * - left: there is no way back.
 *
 * Within starting and running, this process is a member (`#id` is set) or not: it is not before it has joined, and after it has
 * lost its tenure. The next beat then joins under a new id, so that everything it takes has a new epoch.
 */
export class PostgresTenure implements Tenure {
	readonly #parts: TenureParts;
	readonly #shards = new OwnShards();
	readonly #duties = new OwnDuties();
	readonly #cluster = new SeenCluster();
	#holder = NO_HOLDER;
	#load: () => rows.MemberReport = () => rows.NO_LOAD;
	#state: "new" | "starting" | "running" | "leaving" | "left" = "new";
	#id: string | null = null;
	/** The id of an earlier membership, whose row may still be there. */
	#earlier: string | null = null;
	/** Whether `joined` has to be called for this membership. */
	#hasJustJoined = false;
	/** Until when this process counts as a member, in monotonic time. */
	#validUntil = -Infinity;
	/** When the database has last answered a beat. */
	#answeredAt = -Infinity;
	/** When this process has last known what others have changed, or has joined. */
	#currentAt = -Infinity;
	/** It has left its shards to the others since it did not: see `BLIND_MS`. */
	#isBlind = false;
	/** Whether the beat before has failed. */
	#isFailing = false;
	/** The answer to a take of shards was lost. */
	#isUnsure = false;
	#settling: Promise<void> | null = null;
	#hasFailedToSettle = false;
	#left: Promise<void> | null = null;
	#cancelBeat = () => {};
	#cancelExpiry = () => {};
	#cancelGive = () => {};

	constructor(parts: TenureParts) {
		this.#parts = parts;
	}

	/** The id of this process among the members; null if it has no tenure. */
	get id(): string | null {
		return this.#isValid() ? this.#id : null;
	}

	holds(webhookId: string): boolean {
		return this.#shards.holds(shardOf(webhookId)) && this.#isValid();
	}

	shards(): readonly number[] {
		return this.#isValid() ? this.#shards.held : [];
	}

	stalled(): boolean {
		// Whoever has made a change waits for those that can't read it for some seconds only. While there is nobody else, nobody has made one.
		return this.#now() - this.#answeredAt > STALL_MS || !(this.isAlone || this.#parts.isCurrent());
	}

	/** `isCurrent` was false and is true again. */
	caughtUp(): void {
		if (!this.stalled()) this.#holder.resumed();
	}

	placeOf(webhookId: string): Place | null {
		const shard = shardOf(webhookId);
		if (this.#id === null || !this.#isValid()) return null;
		if (this.#shards.holds(shard)) return { member: this.#id, epoch: this.#shards.epochOf(shard) };
		const place = this.#cluster.ownerOf(shard, this.#now());
		return place?.member === this.#id ? null : place;
	}

	liveMembers(): number {
		// A worker is not among those that accept sends, but has events of its own.
		return Math.max(1, this.#cluster.senders(this.#now()) + (this.#parts.facts.role === "worker" ? 1 : 0));
	}

	/** See `SeenCluster.isSilent`. */
	readonly isSilent = (member: string): boolean => this.#cluster.isSilent(member, this.#now());

	/** Whether the last beat has shown no other member. */
	get isAlone(): boolean {
		return this.#cluster.members === 1;
	}

	/** How many members deliver. */
	get deliverers(): number {
		return this.#cluster.deliverers(this.#now());
	}

	/** By duty, whether the last beat has shown nobody who has it; null while this process has no tenure. */
	get freeDuties(): ReadonlyMap<Duty, boolean> | null {
		const free = this.#cluster.freeDuties;
		return this.#isValid() ? new Map(this.#duties.names.map((duty) => [duty, free.includes(duty)])) : null;
	}

	/** See `Membership.report`. */
	report(load: () => rows.MemberReport): void {
		this.#load = load;
	}

	attach(holder: TenureHolder): void {
		this.#holder = holder;
	}

	duty(duty: Duty, work: DutyWork): void {
		this.#duties.register(duty, work);
	}

	async start(): Promise<void> {
		this.#state = "starting";
		try {
			await this.#beat();
			this.#beatLater(this.#now());
			// The first beat as a member shows it the others.
			await this.#beat();
			await this.#settle();
			if (this.#state === "starting") this.#state = "running";
		} catch (error) {
			await this.leave(0);
			throw error;
		}
	}

	leave(graceMs: number): Promise<void> {
		this.#left ??= this.#leave(graceMs);
		return this.#left;
	}

	#now(): number {
		return this.#parts.clock.monotonicMs();
	}

	#isValid(): boolean {
		return this.#now() < this.#validUntil;
	}

	// Beats

	#beatLater(sentAt: number): void {
		const everyMs = this.#isWaitingForShards ? MOVING_BEAT_MS : BEAT_MS;
		const delayMs = Math.max(0, sentAt + everyMs - this.#now());
		this.#cancelBeat = this.#parts.clock.after(delayMs, () => void this.#tick());
	}

	/** Whether others are about to give up shards that this member then takes. */
	get #isWaitingForShards(): boolean {
		if (this.#id === null || this.#state !== "running" || this.#hasFailedToSettle) return false;
		return this.#cluster.shareOf(this.#id) > this.#shards.held.length;
	}

	async #tick(): Promise<void> {
		const sentAt = this.#now();
		try {
			await this.#beat();
			this.#isFailing = false;
			if (this.#state === "running") this.#look();
		} catch (error) {
			if (!this.#isFailing) this.#parts.observer.problem("the tenure of this process could not be renewed", error);
			this.#isFailing = true;
		}
		if (this.#state !== "left") this.#beatLater(sentAt);
	}

	/** Joins, or renews the tenure and reads who has what. */
	async #beat(): Promise<void> {
		const { database } = this.#parts;
		const sentAt = this.#now();
		const id = this.#id;
		if (id === null) {
			if (this.#state === "starting" || this.#state === "running") await this.#join(sentAt);
			return;
		}
		const view = await rows.beat(database, id, this.#load());
		if (this.#id !== id) return;
		if (!view.isMember) {
			this.#lose("another process has taken over its shards");
			return;
		}
		const wasAlone = this.isAlone;
		const wasStalled = this.stalled();
		this.#cluster.update(view, this.#now());
		if (wasAlone && !this.isAlone) this.#parts.accompanied();
		if (this.isAlone || this.#parts.isCurrent()) this.#currentAt = this.#now();
		if (this.#now() - this.#currentAt >= BLIND_MS) {
			this.#isBlind = true;
			this.#lose("it can't read what other processes have changed");
			return;
		}
		this.#renewed(sentAt, wasStalled);
	}

	async #join(sentAt: number): Promise<void> {
		const { database, facts, chance, joined } = this.#parts;
		if (this.#isBlind) await joined();
		this.#isBlind = false;
		const id = rows.newMemberId(chance);
		const earlier = this.#earlier;
		await rows.join(database, { ...facts, id, earlier, load: this.#load(), duties: this.#duties.names });
		this.#earlier = id;
		this.#id = id;
		this.#hasJustJoined = true;
		this.#currentAt = this.#now();
		this.#isUnsure = false;
		this.#renewed(sentAt, this.stalled());
	}

	/** The tenure was renewed by a beat that was sent at this time. */
	#renewed(sentAt: number, wasStalled: boolean): void {
		const now = this.#now();
		this.#answeredAt = now;
		this.#validUntil = sentAt + TENURE_MS - MARGIN_MS;
		this.#cancelExpiry();
		const expire = () => this.#lose("the database has not answered in time");
		// The answer came too late, such as to a process that was stopped for a while.
		if (now >= this.#validUntil) return expire();
		this.#cancelExpiry = this.#parts.clock.after(this.#validUntil - now, expire);
		if (wasStalled && !this.stalled()) this.#holder.resumed();
	}

	/** This process is no member any more. */
	#lose(reason: string): void {
		if (this.#id === null) return;
		this.#id = null;
		this.#validUntil = -Infinity;
		this.#cancelExpiry();
		const lost = this.#shards.held;
		this.#shards.clear();
		if (this.#state === "leaving") return;
		this.#parts.observer.note("this process has lost its tenure", { reason, shards: lost.length });
		if (lost.length > 0) this.#holder.lost(lost);
		this.#duties.lose();
	}

	// What to give and take

	/** Gives and takes what follows from the last beat, unless that is under way. */
	#look(): void {
		if (this.#settling !== null) return;
		this.#settle().then(
			() => (this.#hasFailedToSettle = false),
			(error: unknown) => {
				this.#hasFailedToSettle = true;
				this.#parts.observer.problem("this process could not give or take shards; it tries again", error);
			},
		);
	}

	#settle(): Promise<void> {
		this.#settling = this.#giveAndTake().finally(() => (this.#settling = null));
		return this.#settling;
	}

	async #giveAndTake(): Promise<void> {
		const { database, joined } = this.#parts;
		const id = this.#id;
		if (id === null) return;
		if (this.#hasJustJoined) await joined();
		this.#hasJustJoined = false;
		if (this.#isUnsure) await rows.giveOtherShards(database, id, [...this.#shards.held, ...this.#shards.given]);
		this.#isUnsure = false;
		const dead = this.#cluster.dead(this.#now());
		if (dead.length > 0) await rows.bury(database, dead);
		const missing = this.#cluster.shareOf(id) - this.#shards.held.length;
		// Any of them, busy or not, so that work moves with them.
		if (missing < 0) this.#give(this.#shards.held.slice(missing));
		await this.#giveIdle();
		if (missing > 0 && (this.#cluster.hasFreeShards || dead.length > 0)) await this.#take(id, missing);
		if (this.#parts.facts.role === "api" || !this.#isStill(id)) return;
		this.#duties.giveExcess(this.#cluster.workers);
		await this.#duties.release(database, id);
		if (!this.#isStill(id)) return;
		await this.#duties.take(database, id, this.#cluster.freeDuties, this.#cluster.workers);
	}

	/** Whether this is the same member as before a wait, and may take something. */
	#isStill(id: string): boolean {
		return this.#id === id && this.#isValid() && (this.#state === "starting" || this.#state === "running");
	}

	async #take(id: string, count: number): Promise<void> {
		this.#isUnsure = true;
		const taken = await rows.takeShards(this.#parts.database, id, count);
		// Otherwise the row of the member is removed, and its shards with it.
		if (!this.#isStill(id)) return;
		this.#isUnsure = false;
		if (taken.length === 0) return;
		this.#shards.hold(taken);
		const shards = taken.map(({ shard }) => shard);
		try {
			await this.#holder.gained(shards);
		} catch (error) {
			if (this.#isStill(id)) this.#give(shards);
			throw error;
		}
	}

	#give(shards: readonly number[]): void {
		this.#shards.give(shards);
		this.#holder.lost(shards);
	}

	/** Gives up those of the given shards whose attempts have ended, and comes back for the others. */
	async #giveIdle(all = false): Promise<void> {
		const { given } = this.#shards;
		const id = this.#id;
		if (id === null || given.length === 0) return;
		const idle = all ? given : idleAmong(given, (shards) => this.#holder.inFlightOf(shards));
		if (idle.length > 0) await rows.giveShards(this.#parts.database, id, idle);
		this.#shards.gone(idle);
		this.#cancelGive();
		if (idle.length === given.length || this.#state !== "running") return;
		this.#cancelGive = this.#parts.clock.after(GIVE_EVERY_MS, () => this.#look());
	}

	// The end

	async #leave(graceMs: number): Promise<void> {
		const endAt = this.#now() + graceMs;
		this.#state = "leaving";
		this.#shards.give(this.#shards.held);
		const stopped = this.#duties.stop();
		await this.#quietly(() => this.#handOver(endAt));
		await stopped;
		const id = this.#id;
		this.#state = "left";
		this.#cancelBeat();
		this.#cancelExpiry();
		this.#cancelGive();
		this.#id = null;
		this.#validUntil = -Infinity;
		// Without an answer, the tenure ends by itself.
		const row = id ?? this.#earlier;
		if (row !== null) await this.#quietly(() => rows.remove(this.#parts.database, row));
	}

	/** Gives up each shard as soon as its attempts have ended, and the others at this time. */
	async #handOver(endAt: number): Promise<void> {
		const { database } = this.#parts;
		if (this.#id !== null) await rows.markLeaving(database, this.#id);
		const settled = this.#settling?.catch(() => {});
		if (settled !== undefined) await Promise.race([settled, this.#pause(endAt - this.#now())]);
		// What was taken meanwhile is given up, too.
		this.#shards.give(this.#shards.held);
		while (this.#id !== null && this.#shards.given.length > 0) {
			const leftMs = endAt - this.#now();
			await this.#giveIdle(leftMs <= 0);
			if (this.#shards.given.length > 0) await this.#pause(Math.min(GIVE_EVERY_MS, Math.max(0, leftMs)));
		}
	}

	#pause(ms: number): Promise<void> {
		return new Promise((resolve) => void this.#parts.clock.after(Math.max(0, ms), resolve));
	}

	async #quietly(work: () => Promise<void>): Promise<void> {
		try {
			await work();
		} catch (error) {
			this.#parts.observer.problem("this process could not give up its shards; its tenure ends by itself", error);
		}
	}
}
