// The tenure of one run of the server in a simulated cluster.
import { shardOf } from "../../packages/server/src/core/cluster/shard.ts";
import type { Duty, DutyWork, Place, Tenure, TenureHolder } from "../../packages/server/src/ports/tenure.ts";
import type { RunScope } from "../world/run-scope.ts";
import type { GainWatcher, Grip, Member, MemberTenure } from "./member.ts";
import type { SimCluster } from "./sim-cluster.ts";
import { SimDuties } from "./sim-duties.ts";
import { SimReading, type ChangesReader } from "./sim-reading.ts";
import { SimShards } from "./sim-shards.ts";
import { SimView } from "./sim-view.ts";
import { BEAT_MS, GIVE_EVERY_MS, MARGIN_MS, STALL_MS, TENURE_MS } from "./timing.ts";

const NO_HOLDER: TenureHolder = { gained: () => Promise.resolve(), lost() {}, resumed() {}, inFlightOf: () => 0 };
/** A call of the database, at most. */
const CALL_MS = 20;
const AGAIN_MS = 200;

/**
 * States: new ──start──▶ starting ──▶ running ──leave──▶ leaving ──▶ left
 *
 * Within starting and running, the process is a member or not, as on PostgreSQL: it is not after it has lost its tenure, until it joins
 * again under another name. `away` says that it can't renew its tenure from now on, and `back` that it can again.
 */
export class SimTenure implements Tenure, MemberTenure {
	readonly #cluster: SimCluster;
	readonly #run: RunScope;
	readonly #reading: SimReading;
	readonly #watch: GainWatcher;
	#holder = NO_HOLDER;
	#state: "new" | "starting" | "running" | "leaving" | "left" = "new";
	#member: Member | null = null;
	/** Whether this member knows all changes that were made before it joined. */
	#isCurrent = false;
	/** Both are Infinity while the tenure is renewed. */
	#validUntil = -Infinity;
	#answeredAt = Infinity;
	#isAway = false;
	readonly #shards = new SimShards();
	/** How many takes are under way. */
	#takes = 0;
	readonly #duties = new SimDuties(() => this.#cluster.plan());
	readonly #view: SimView;
	#left: Promise<void> | null = null;

	constructor(cluster: SimCluster, run: RunScope, reader: () => ChangesReader, watch: GainWatcher) {
		this.#cluster = cluster;
		this.#run = run;
		this.#view = new SimView(cluster);
		this.#reading = new SimReading(run, reader, {
			isAlone: () => this.#view.isAlone,
			leaveToOthers: () => this.#leaveToOthers(),
			joins: () => this.#isAtWork,
			canJoin: () => !this.#isAway,
			join: () => this.#beat(),
		});
		this.#watch = watch;
	}

	// For the cluster and the model

	get run(): RunScope {
		return this.#run;
	}

	/** The present member; null if it has no tenure. */
	get member(): Member | null {
		return this.#isValid ? this.#member : null;
	}

	/** Whether the process may answer calls. */
	get isCurrent(): boolean {
		return this.member !== null && this.#isCurrent && this.#reading.isCurrent;
	}

	get held(): readonly number[] {
		return this.#shards.held;
	}

	get heldCount(): number {
		return this.#shards.heldCount;
	}

	/** Whether it is a member that has all it should have, with nothing on its way. */
	get isSettled(): boolean {
		return this.isCurrent && !this.#shards.areMoving && this.#takes === 0 && this.#state === "running";
	}

	/** Whether it can give and take now. */
	get canGive(): boolean {
		return this.#run.alive && !this.#isAway && this.member !== null && this.#isCurrent && this.#state === "running";
	}

	canTake(duty: Duty): boolean {
		return this.#duties.canTake(duty) && this.#state === "running";
	}

	/** By what this process holds a webhook now; null if it does not. */
	gripOn(webhookId: string): Grip | null {
		return this.holds(webhookId) ? this.#shards.gripOn(shardOf(webhookId)) : null;
	}

	/** Whether the tenure under which an attempt has begun was lost since. */
	isLost(grip: Grip): boolean {
		return grip.isLost || !this.#isValid;
	}

	// The port

	holds(webhookId: string): boolean {
		return this.#shards.gripOn(shardOf(webhookId)) !== null && this.#isValid;
	}

	shards(): readonly number[] {
		return this.#isValid ? this.held : [];
	}

	stalled(): boolean {
		return this.#now - this.#answeredAt > STALL_MS || !(this.#view.isAlone || this.#reading.isCurrent);
	}

	placeOf(webhookId: string): Place | null {
		const member = this.member;
		if (member === null) return null;
		const shard = shardOf(webhookId);
		const grip = this.#shards.gripOn(shard);
		if (grip !== null) return { member: member.name, epoch: grip.epoch };
		return this.#view.ownerOf(shard, member);
	}

	liveMembers(): number {
		return this.#view.deliverers;
	}

	attach(holder: TenureHolder): void {
		this.#holder = holder;
	}

	duty(duty: Duty, work: DutyWork): void {
		this.#duties.register(duty, work);
		this.#cluster.register(duty);
	}

	async start(): Promise<void> {
		this.#state = "starting";
		try {
			await this.#pause(this.#cluster.upTo(CALL_MS));
			const member = this.#join();
			await this.#reading.look();
			this.#isCurrent = true;
			const taken = this.#cluster.takeFree(member);
			if (taken.length > 0) await this.#hold(member, taken);
			this.#see();
			if (this.#state === "starting") this.#state = "running";
			this.#cluster.plan();
		} catch (error) {
			await this.leave(0);
			throw error;
		}
	}

	leave(graceMs: number): Promise<void> {
		this.#left ??= this.#leave(graceMs);
		return this.#left;
	}

	get #now(): number {
		return this.#cluster.clock.monotonicMs();
	}

	get #isValid(): boolean {
		return this.#now < this.#validUntil;
	}

	// Renewing the tenure

	/** The process stands still, can't reach the store, or has died. */
	away(): void {
		if (this.#isAway) return;
		this.#isAway = true;
		const now = this.#now;
		const beatAt = now - this.#cluster.upTo(BEAT_MS);
		this.#answeredAt = beatAt;
		if (this.#member === null) return;
		this.#validUntil = beatAt + TENURE_MS - MARGIN_MS;
		this.#cluster.away(this.#member, beatAt);
		this.#run.later(this.#validUntil - now, () => this.#expire());
	}

	/** It can renew its tenure again. */
	back(): void {
		this.#isAway = false;
		this.#run.later(this.#cluster.upTo(BEAT_MS), () => this.#beat());
	}

	#expire(): void {
		if (this.#member !== null && !this.#isValid) this.#lose();
	}

	#beat(): void {
		if (this.#isAway || this.#reading.isBlind || this.#state === "new" || this.#state === "left") return;
		const member = this.#member;
		if (member !== null && this.#isValid && this.#cluster.has(member)) {
			this.#renewed();
			this.#cluster.renewed(member);
			return;
		}
		this.#lose();
		if (this.#isAtWork) void this.#joinAgain();
		else this.#answeredAt = Infinity;
	}

	#renewed(): void {
		const wasStalled = this.stalled();
		this.#validUntil = Infinity;
		this.#answeredAt = Infinity;
		if (wasStalled) this.#holder.resumed();
	}

	// Reading what others have changed

	/** Some of it could not be read. */
	couldNotRead(): void {
		this.#reading.watch();
	}

	/** The reader was not current and is again. */
	caughtUp(): void {
		if (!this.stalled()) this.#holder.resumed();
	}

	/** This process can't read, and leaves its shards to the others, who take them when its row has expired. */
	#leaveToOthers(): boolean {
		if (this.member === null || this.#isAway || !this.#isAtWork) return false;
		this.#cluster.away(this.#member as Member, this.#now);
		this.#lose();
		return true;
	}

	get #isAtWork(): boolean {
		return this.#state === "running" || this.#state === "starting";
	}

	#join(): Member {
		const member = this.#cluster.join(this);
		this.#member = member;
		this.#isCurrent = false;
		this.#reading.joined();
		if (this.#isAway) {
			this.#isAway = false;
			this.away();
		} else this.#renewed();
		return member;
	}

	async #joinAgain(): Promise<void> {
		const member = this.#join();
		for (;;) {
			try {
				await this.#reading.look();
				break;
			} catch {
				await this.#pause(AGAIN_MS);
			}
			if (this.#member !== member) return;
		}
		if (this.#member !== member) return;
		this.#isCurrent = true;
		this.#cluster.plan();
	}

	/** This process is no member any more. */
	#lose(): void {
		if (this.#member === null) return;
		const lost = this.held;
		this.#shards.end();
		this.#member = null;
		this.#validUntil = -Infinity;
		this.#isCurrent = false;
		if (this.#state === "leaving") return;
		if (lost.length > 0) this.#holder.lost(lost);
		this.#duties.lose();
	}

	/** The cluster has removed this member. It learns of that later. */
	removed(member: Member): void {
		if (this.#member === member) this.#shards.lose();
	}

	// Shards

	/** The cluster has made this process the owner of these shards. */
	take(taken: readonly { readonly shard: number; readonly epoch: number }[]): void {
		const member = this.#member;
		if (member === null) return;
		this.#takes++;
		this.#run.later(this.#cluster.upTo(CALL_MS), () => {
			this.#takes--;
			// Otherwise the member is removed, and its shards with it.
			if (this.member !== member || this.#state !== "running") return;
			// What could not be taken was given up, and is taken again later.
			this.#hold(member, taken).catch(() => {});
		});
	}

	async #hold(member: Member, taken: readonly { readonly shard: number; readonly epoch: number }[]): Promise<void> {
		const shards = taken.map(({ shard }) => shard);
		this.#takes++;
		try {
			const check = await this.#watch(shards);
			if (this.member !== member) return;
			this.#shards.hold(taken);
			await this.#holder.gained(shards);
			await check();
		} catch (error) {
			if (this.member === member && this.#state !== "leaving") this.give(shards);
			throw error;
		} finally {
			this.#takes--;
		}
	}

	/** Begins to give up these shards, each as soon as none of its attempts is under way. */
	give(shards: readonly number[]): void {
		this.#shards.give(shards);
		this.#holder.lost(shards);
		this.#giveIdle();
	}

	#giveIdle(all = false): void {
		const member = this.#member;
		if (member === null || !this.#shards.areMoving) return;
		if (!this.#isAway) {
			const isIdle = (shard: number) => this.#holder.inFlightOf([shard]) === 0;
			this.#cluster.free(member, this.#shards.free(isIdle, all));
		}
		if (this.#shards.areMoving && this.#state !== "leaving") this.#run.later(GIVE_EVERY_MS, () => this.#giveIdle());
	}

	// Duties

	takeDuty(duty: Duty): void {
		const member = this.#member;
		this.#run.later(this.#cluster.upTo(CALL_MS), () => {
			if (this.member !== member || this.#state !== "running") return;
			this.#duties.take(duty);
			this.#cluster.plan();
		});
	}

	giveDuty(duty: Duty): boolean {
		return this.#duties.give(duty);
	}

	// What this process knows of the others

	/** Something has changed: this process learns of it with its next beat. */
	seeSoon(): void {
		this.#run.later(this.#cluster.upTo(BEAT_MS), () => this.#see());
	}

	#see(): void {
		if (!this.#isAway && this.member !== null) this.#view.look();
	}

	// The end

	async #leave(graceMs: number): Promise<void> {
		const endAt = this.#now + graceMs;
		this.#state = "leaving";
		this.#shards.give(this.held);
		const stopped = this.#duties.stop();
		const member = this.member;
		if (member !== null) {
			if (!this.#isAway) this.#cluster.leaving(member);
			await this.#handOver(member, endAt);
		}
		await stopped;
		this.#state = "left";
		// Without the store, the tenure ends by itself.
		if (this.#member !== null && !this.#isAway) this.#cluster.left(this.#member);
		this.#shards.end();
		this.#member = null;
		this.#validUntil = -Infinity;
	}

	async #handOver(member: Member, endAt: number): Promise<void> {
		while (this.#member === member) {
			const leftMs = endAt - this.#now;
			this.#giveIdle(leftMs <= 0);
			if (!this.#shards.areMoving || leftMs <= 0) return;
			await this.#pause(Math.min(GIVE_EVERY_MS, leftMs));
		}
	}

	#pause(ms: number): Promise<void> {
		return new Promise((resolve) => void this.#run.later(Math.max(1, ms), resolve));
	}
}
