// Rate limits of many who also share one: a token bucket of each, and one of all of them.
import type { TokenBuckets } from "./token-buckets.ts";

/** Whose tokens are taken: an owner's in these buckets, which get so many a second. */
export interface Share {
	readonly buckets: TokenBuckets;
	readonly owner: string;
	readonly perSecond: number;
}

/** Why no tokens were taken, and after how many milliseconds there will be enough if nobody else takes any. */
export interface ShareRefusal {
	readonly of: "member" | "group";
	readonly waitMs: number;
}

/** While a group has used less than this part of its tokens, each member has all of its own. */
const PART_FREE = 0.5;

/**
 * Takes tokens of a member, and as many of its group, or none at all. When the members together have used much of what is theirs, those that
 * have used most of their own are refused first, and those that have used little go on. Null as the group has no limit. Returns null if the
 * tokens were taken.
 */
export function takeShared(count: number, member: Share, group: Share | null): ShareRefusal | null {
	const refusal = lookShared(count, member, group);
	if (refusal !== null) return refusal;
	member.buckets.take(member.owner, count, member.perSecond);
	group?.buckets.take(group.owner, count, group.perSecond);
	return null;
}

/** The same without taking them. */
export function lookShared(count: number, member: Share, group: Share | null): ShareRefusal | null {
	const level = member.buckets.level(member.owner);
	const ownWaitMs = member.buckets.waitMs(member.owner, count, member.perSecond);
	if (ownWaitMs > 0) return { of: "member", waitMs: ownWaitMs };
	if (group === null) return null;
	// What a member has left of its own counts as much as what all have left. It has more after a while, and so have all.
	const lacking = 1 - group.buckets.level(group.owner) / PART_FREE - level;
	const isModest = lacking <= 0;
	const waitMs = isModest
		? group.buckets.waitMs(group.owner, count, group.perSecond)
		: Math.ceil((lacking * 1_000) / (1 / member.buckets.burstS + 1 / (PART_FREE * group.buckets.burstS)));
	return waitMs === 0 ? null : { of: "group", waitMs };
}
