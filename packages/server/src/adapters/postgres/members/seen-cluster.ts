// What the beats of a member have shown it of the others: who lives, who has died, and who owns which shard.
import { SHARDS } from "../../../core/cluster/shard.ts";
import type { Place } from "../../../ports/tenure.ts";
import type { ClusterView, SeenMember } from "./member-rows.ts";
import { MISSED_BEATS_MS, TENURE_MS, UNHEARD_MS } from "./timing.ts";

const NOBODY: ClusterView = { isMember: false, members: [], shards: [], freeDuties: [] };

type Owned = readonly [owner: number, epoch: number];

/** The last beat of a member. */
interface Heard {
	readonly beat: number;
	/** When this process has seen it first, in monotonic time. */
	readonly at: number;
	/** Its tenure had ended when this process saw the others for the first time, and it has not beaten since. */
	readonly isOfDead: boolean;
}

export class SeenCluster {
	#view = NOBODY;
	#byNumber = new Map<number, SeenMember>();
	/** By shard, but for those of this member. */
	#owners = new Map<number, Owned>();
	/** By member. */
	#heard = new Map<string, Heard>();

	/** A beat has been answered at this monotonic time. */
	update(view: ClusterView, at: number): void {
		const isFirst = this.#view === NOBODY;
		this.#view = view;
		this.#byNumber = new Map(view.members.map((member) => [member.number, member]));
		this.#owners = new Map(view.shards.map(([shard, owner, epoch]) => [shard, [owner, epoch]]));
		const heard = new Map<string, Heard>();
		for (const { id, beat, isExpired } of view.members) {
			const known = this.#heard.get(id);
			heard.set(id, known?.beat === beat ? known : { beat, at, isOfDead: isFirst && isExpired });
		}
		this.#heard = heard;
	}

	get freeDuties(): readonly string[] {
		return this.#view.freeDuties;
	}

	get hasFreeShards(): boolean {
		return this.#view.shards.some(([, owner]) => owner === 0);
	}

	/**
	 * Members whose tenure has ended by both clocks: the database's, and this process's, which has seen no new beat for a whole
	 * tenure. So the tenure of a live member does not end because the database's clock has stepped.
	 */
	dead(now: number): SeenMember[] {
		return this.#view.members.filter(
			({ id, isExpired }) => isExpired && now - (this.#heard.get(id)?.at ?? now) >= TENURE_MS,
		);
	}

	/**
	 * Whether nothing that this process has heard speaks against the end of a member's tenure, if the database says that it has ended. The
	 * database's clock may have stepped: then those are not silent who were heard within a tenure, or have joined since the last beat. Of those
	 * that seemed dead when this process joined, it waits for the next beats only: a change that it makes just after its start then does not
	 * wait for a tenure, and a live one is taken for dead only if the clock stepped while it could not beat.
	 */
	isSilent(id: string, now: number): boolean {
		const heard = this.#heard.get(id);
		return heard !== undefined && now - heard.at >= (heard.isOfDead ? MISSED_BEATS_MS : TENURE_MS);
	}

	#isOver({ id, isExpired }: SeenMember, now: number): boolean {
		return isExpired && this.isSilent(id, now);
	}

	/** How many there are, whatever they do. */
	get members(): number {
		return this.#view.members.length;
	}

	/** How many members share the shards and the duties. */
	get workers(): number {
		return this.#workers().length;
	}

	/**
	 * How many shards this member should own. The shares of all members are equal but for one shard, and together they are all
	 * shards.
	 */
	shareOf(id: string): number {
		const workers = this.#workers();
		const rank = workers.findIndex((member) => member.id === id);
		if (rank < 0) return 0;
		return Math.floor(SHARDS / workers.length) + (rank < SHARDS % workers.length ? 1 : 0);
	}

	/** The oldest first. */
	#workers(): SeenMember[] {
		const workers = this.#view.members.filter(({ role, isLeaving }) => role !== "api" && !isLeaving);
		return workers.toSorted((a, b) => a.number - b.number);
	}

	/** How many members deliver: those that share the shards, and are not known to have died. */
	deliverers(now: number): number {
		return this.#workers().filter((member) => !this.#isOver(member, now)).length;
	}

	/** How many members accept sends. */
	senders(now: number): number {
		const { members } = this.#view;
		return members.filter((each) => each.role !== "worker" && !each.isLeaving && !this.#isOver(each, now)).length;
	}

	/** Another member that owns a shard, if it has been heard of lately. */
	ownerOf(shard: number, now: number): Place | null {
		const [number, epoch] = this.#owners.get(shard) ?? [0, 0];
		const owner = this.#byNumber.get(number);
		if (owner === undefined || owner.isLeaving) return null;
		const heardAt = this.#heard.get(owner.id)?.at ?? -Infinity;
		return now - heardAt > UNHEARD_MS ? null : { member: owner.id, epoch };
	}
}
