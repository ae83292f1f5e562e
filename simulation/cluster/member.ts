// A member as the cluster sees it, and what the cluster asks of its tenure.
import type { Duty } from "../../packages/server/src/ports/tenure.ts";
import type { RunScope } from "../world/run-scope.ts";

/** The tenure of a process, as the cluster and other processes use it. */
export interface MemberTenure {
	readonly run: RunScope;
	/** In ascending order. */
	readonly held: readonly number[];
	readonly heldCount: number;
	/** Whether it is a member that has all it should have, with nothing on its way. */
	readonly isSettled: boolean;
	/** Whether it can give and take now. */
	readonly canGive: boolean;
	canTake(duty: Duty): boolean;
	holds(webhookId: string): boolean;
	/** The cluster has removed this member. */
	removed(member: Member): void;
	/** The cluster has made this process the owner of these shards. */
	take(taken: readonly { readonly shard: number; readonly epoch: number }[]): void;
	/** Begins to give up these shards. */
	give(shards: readonly number[]): void;
	takeDuty(duty: Duty): void;
	/** Begins to end the work of a duty. Returns whether it has ended, so that another member can take it. */
	giveDuty(duty: Duty): boolean;
	/** Something has changed. */
	seeSoon(): void;
}

/** A process from its joining until it has left, or has lost its tenure. If it joins again, that is another member. */
export interface Member {
	readonly name: string;
	readonly tenure: MemberTenure;
	isLeaving: boolean;
	/** Since when it has not renewed its tenure, in monotonic time; null while it renews it. */
	awaySince: number | null;
	/** When others may take its shards, in monotonic time; Infinity while it renews its tenure. */
	expiresAt: number;
}

/** The owner of a shard at the time of a look. */
export interface SeenShard {
	readonly owner: Member | null;
	readonly epoch: number;
}

/** What a member holds a shard by: from its gain until it is given up or lost. Attempts begin under it. */
export interface Grip {
	readonly epoch: number;
	/** The tenure has ended, or was given up, with attempts under way. */
	isLost: boolean;
}

/** Sees each gain of shards: what it returns is called when the process has taken them over. */
export type GainWatcher = (shards: readonly number[]) => Promise<() => Promise<void>>;
