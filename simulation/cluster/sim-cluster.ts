// The members of a simulated cluster: who owns which shard under which epoch, who has which duty, and how both move. A real cluster keeps
// this in its database; here, the seed decides when something happens.
import type { Random } from "@fanfare/testkit/seeded-random";

import { SHARDS } from "../../packages/server/src/core/cluster/shard.ts";
import type { Duty } from "../../packages/server/src/ports/tenure.ts";
import type { SimClock } from "../world/sim-clock.ts";
import type { Member, MemberTenure, SeenShard } from "./member.ts";
import { BEAT_MS, TENURE_MS } from "./timing.ts";
import { QUICK_WIRE, type WireMode } from "./wire-mode.ts";

/** A shard as its row says. */
interface Shard {
	readonly number: number;
	owner: Member | null;
	epoch: number;
	/** The member that takes the shard first when it is free: the target of a planned move. */
	wantedBy: MemberTenure | null;
}

export interface ClusterParts {
	readonly clock: SimClock;
	readonly random: Random;
	/** Whether the wire hands deliveries off. */
	readonly handsOff: boolean;
	/** Something has happened that may delay deliveries. */
	readonly disturbed: () => void;
	/** Gets a line for each change. */
	readonly trace: (text: string) => void;
}

/** What others do not notice at once: the death of a member. In milliseconds, at most. */
const NOTICE_MS = 1_000;

export class SimCluster {
	readonly clock: SimClock;
	readonly random: Random;
	readonly handsOff: boolean;
	/** How messages come. */
	wireMode: WireMode = QUICK_WIRE;
	readonly #disturbed: () => void;
	readonly #trace: (text: string) => void;
	readonly #shards: readonly Shard[] = Array.from({ length: SHARDS }, (_, number) => ({
		number,
		owner: null,
		epoch: 0,
		wantedBy: null,
	}));
	readonly #members = new Map<string, Member>();
	readonly #duties = new Map<Duty, Member | null>();
	#names = 0;
	#isPlanned = false;

	constructor({ clock, random, handsOff, disturbed, trace }: ClusterParts) {
		this.clock = clock;
		this.random = random;
		this.handsOff = handsOff;
		this.#disturbed = disturbed;
		this.#trace = trace;
	}

	/** A time up to this, in milliseconds. */
	upTo(ms: number): number {
		return Math.ceil(this.random() * ms);
	}

	/** The members with a tenure, the oldest first. */
	get members(): readonly Member[] {
		return [...this.#members.values()];
	}

	member(name: string): Member | undefined {
		return this.#members.get(name);
	}

	/** Whether it is one, also if it does not renew its tenure at the moment. */
	has(member: Member): boolean {
		return this.#members.get(member.name) === member;
	}

	/** Whether every shard has an owner that can deliver, and nothing is about to move. */
	get isSettled(): boolean {
		const members = this.members;
		if (members.some(({ awaySince, isLeaving, tenure }) => awaySince !== null || isLeaving || !tenure.isSettled)) {
			return false;
		}
		return !this.#isPlanned && this.#shards.every(({ owner }) => owner !== null);
	}

	join(tenure: MemberTenure): Member {
		const member: Member = {
			name: `m${this.#names++}`,
			tenure,
			isLeaving: false,
			awaySince: null,
			expiresAt: Infinity,
		};
		for (const earlier of this.members) if (earlier.tenure === tenure) this.#remove(earlier);
		this.#members.set(member.name, member);
		this.#happened(`${member.name} of run ${tenure.run.number} joins`);
		return member;
	}

	/** The member has left. */
	left(member: Member): void {
		this.#remove(member);
		this.#happened(`${member.name} has left`);
	}

	leaving(member: Member): void {
		member.isLeaving = true;
		this.#happened(`${member.name} is leaving`);
	}

	/** The member does not renew its tenure from now on. Its last beat was at this time. */
	away(member: Member, beatAt: number): void {
		const now = this.clock.monotonicMs();
		member.awaySince = beatAt;
		member.expiresAt = beatAt + TENURE_MS;
		this.#disturbed();
		this.clock.after(member.expiresAt - now + this.upTo(NOTICE_MS), () => this.#bury(member));
	}

	/** The member has renewed its tenure before anybody has taken its shards. */
	renewed(member: Member): void {
		member.awaySince = null;
		member.expiresAt = Infinity;
		this.plan();
	}

	#bury(member: Member): void {
		if (!this.has(member) || member.expiresAt > this.clock.monotonicMs()) return;
		this.#remove(member);
		this.#happened(`${member.name} counts as dead`);
	}

	#remove(member: Member): void {
		this.#members.delete(member.name);
		for (const shard of this.#shards) if (shard.owner === member) shard.owner = null;
		for (const [duty, owner] of this.#duties) if (owner === member) this.#duties.set(duty, null);
		member.tenure.removed(member);
	}

	/** These shards of the member have no owner from now on. */
	free(member: Member, shards: readonly number[]): void {
		for (const number of shards) {
			const shard = this.#shards[number];
			if (shard?.owner === member) shard.owner = null;
		}
		if (shards.length > 0) this.#happened(`${member.name} gives up ${shards.length} shards`);
	}

	register(duty: Duty): void {
		if (!this.#duties.has(duty)) this.#duties.set(duty, null);
	}

	snapshot(): readonly SeenShard[] {
		return this.#shards.map(({ owner, epoch }) => ({ owner, epoch }));
	}

	/** Gives a member those free shards that are its share. Returns them with their new epochs. */
	takeFree(member: Member): { readonly shard: number; readonly epoch: number }[] {
		const missing = this.#shareOf(member) - member.tenure.heldCount;
		if (missing <= 0) return [];
		const free = this.#shards.filter(({ owner }) => owner === null);
		const isOthers = ({ wantedBy }: Shard) =>
			wantedBy !== null && wantedBy !== member.tenure && this.members.some(({ tenure }) => tenure === wantedBy);
		const mine = free.filter(({ wantedBy }) => wantedBy === member.tenure);
		const others = free.filter((shard) => shard.wantedBy !== member.tenure && !isOthers(shard));
		return [...mine, ...others].slice(0, missing).map((shard) => {
			shard.owner = member;
			shard.epoch++;
			shard.wantedBy = null;
			return { shard: shard.number, epoch: shard.epoch };
		});
	}

	/** Swaps some shards between two members, as planned moves. Does nothing if there are no two that can. */
	swap(count: number): void {
		const able = this.#workers().filter(({ tenure }) => tenure.canGive);
		if (able.length < 2) return;
		const first = Math.floor(this.random() * able.length);
		const second = (first + 1 + Math.floor(this.random() * (able.length - 1))) % able.length;
		const [one, other] = [able[first], able[second]];
		if (one === undefined || other === undefined) return;
		this.#exchange(one, this.#some(one.tenure.held, count), other, this.#some(other.tenure.held, count));
	}

	/** Moves a shard to another member, as planned, and one of that member's to its owner. Does nothing if there are no two that can. */
	move(number: number): void {
		const owner = this.#shards[number]?.owner ?? null;
		if (owner?.tenure.canGive !== true || !owner.tenure.held.includes(number)) return;
		const others = this.#workers().filter((member) => member !== owner && member.tenure.canGive);
		const other = others[Math.floor(this.random() * others.length)];
		if (other !== undefined) this.#exchange(owner, [number], other, this.#some(other.tenure.held, 1));
	}

	#exchange(one: Member, ofOne: readonly number[], other: Member, ofOther: readonly number[]): void {
		for (const number of ofOne) this.#want(number, other.tenure);
		for (const number of ofOther) this.#want(number, one.tenure);
		this.#happened(`${one.name} and ${other.name} swap ${Math.max(ofOne.length, ofOther.length)} shards`);
		one.tenure.give(ofOne);
		other.tenure.give(ofOther);
	}

	#want(number: number, by: MemberTenure): void {
		const shard = this.#shards[number];
		if (shard !== undefined) shard.wantedBy = by;
	}

	#some(list: readonly number[], count: number): number[] {
		return list
			.map((item) => ({ item, at: this.random() }))
			.sort((a, b) => a.at - b.at)
			.slice(0, count)
			.map(({ item }) => item);
	}

	/** Soon, members give and take what they have too much of or too little. */
	plan(): void {
		if (this.#isPlanned) return;
		this.#isPlanned = true;
		this.clock.after(this.upTo(BEAT_MS), () => {
			this.#isPlanned = false;
			this.#giveAndTake();
		});
	}

	#giveAndTake(): void {
		const able = this.#workers().filter(({ tenure }) => tenure.canGive);
		for (const member of able) {
			const excess = member.tenure.heldCount - this.#shareOf(member);
			if (excess > 0) member.tenure.give(this.#some(member.tenure.held, excess));
		}
		for (const member of able) {
			const taken = this.takeFree(member);
			if (taken.length === 0) continue;
			this.#happened(`${member.name} takes ${taken.length} shards`);
			member.tenure.take(taken);
		}
		// Who wanted these has enough: anybody takes them.
		const left = this.#shards.filter(({ owner }) => owner === null);
		for (const shard of left) shard.wantedBy = null;
		if (left.length > 0 && able.length > 0) this.plan();
		for (const member of able) this.#giveDuties(member);
		for (const [duty, owner] of this.#duties) if (owner === null) this.#assign(duty, able);
	}

	/** Takes duties from a member that has more than its share. */
	#giveDuties(member: Member): void {
		const share = Math.ceil(this.#duties.size / Math.max(1, this.#workers().length));
		const owned = [...this.#duties].flatMap(([duty, owner]) => (owner === member ? [duty] : []));
		for (const duty of owned.slice(share)) if (member.tenure.giveDuty(duty)) this.#duties.set(duty, null);
	}

	#assign(duty: Duty, able: readonly Member[]): void {
		const candidates = able.filter(({ tenure }) => tenure.canTake(duty));
		const countOf = (member: Member) => [...this.#duties.values()].filter((owner) => owner === member).length;
		const [chosen] = candidates.toSorted((a, b) => countOf(a) - countOf(b));
		if (chosen === undefined) return;
		this.#duties.set(duty, chosen);
		chosen.tenure.takeDuty(duty);
	}

	#shareOf(member: Member): number {
		const workers = this.#workers();
		const rank = workers.indexOf(member);
		if (rank < 0) return 0;
		return Math.floor(SHARDS / workers.length) + (rank < SHARDS % workers.length ? 1 : 0);
	}

	#workers(): Member[] {
		return this.members.filter(({ isLeaving }) => !isLeaving);
	}

	#happened(text: string): void {
		this.#trace(text);
		this.#disturbed();
		for (const { tenure } of this.members) tenure.seeSoon();
		this.plan();
	}
}
