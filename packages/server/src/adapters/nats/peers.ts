// What this member has heard of the members on NATS, itself included: their beats, and which hints it has sent and got.

/** A member whose last beat is older than this gets no hints. */
export const UNHEARD_MS = 1_500;
/** A member of which nothing has come for this long is forgotten. Hints that it has sent before are too late then. */
const FORGOTTEN_MS = 60_000;

interface Peer {
	/** When its last beat has come, in monotonic time. */
	heardAt: number;
	/** When its last beat or hint has come. */
	seenAt: number;
	/** The number of that beat. */
	beat: number;
	/** The number of the last hint to it, and of the last one from it that has come or was lost. */
	sent: number;
	got: number;
	/** Whether it was unheard at the last look. */
	isGone: boolean;
}

/** A beat: "I am here, and the last hint to each of you had this number." */
export interface Beat {
	readonly from: string;
	readonly number: number;
	readonly sent: Readonly<Record<string, number>>;
}

/** All of one membership: who becomes another member begins with new ones. */
export class Peers {
	readonly #self: string;
	readonly #all = new Map<string, Peer>();
	/** The highest number of a hint to a member that is forgotten: it may come back, and would take lower ones for late. */
	#forgottenSent = 0;

	constructor(self: string) {
		this.#self = self;
	}

	/** Whether a member was heard lately. */
	hears(member: string, now: number): boolean {
		const heardAt = this.#all.get(member)?.heardAt ?? -Infinity;
		return now - heardAt <= UNHEARD_MS;
	}

	/** The last beat of a member that was heard. */
	beatOf(member: string): number {
		return this.#all.get(member)?.beat ?? 0;
	}

	/** The number of the next hint to a member. */
	nextTo(member: string, now: number): number {
		return ++this.#peer(member, now).sent;
	}

	/** For a beat. */
	sent(): Record<string, number> {
		return Object.fromEntries([...this.#all].filter(([, { sent }]) => sent > 0).map(([id, { sent }]) => [id, sent]));
	}

	/** A beat has come. Returns whether hints from that member were lost. An older beat changes nothing. */
	heard({ from, number, sent }: Beat, now: number): boolean {
		const peer = this.#peer(from, now);
		if (number <= peer.beat) return false;
		peer.beat = number;
		peer.seenAt = now;
		peer.heardAt = now;
		peer.isGone = false;
		const ahead = sent[this.#self] ?? 0;
		if (ahead <= peer.got) return false;
		// Should they come yet, they are late.
		peer.got = ahead;
		return true;
	}

	/** A hint has come. Returns whether it is the next one; `late` was lost or has come before, and must be dropped. */
	got(from: string, number: number, now: number): "next" | "after a gap" | "late" {
		const peer = this.#peer(from, now);
		peer.seenAt = now;
		if (number <= peer.got) return "late";
		const isNext = number === peer.got + 1;
		peer.got = number;
		return isNext ? "next" : "after a gap";
	}

	/** Returns whether members are unheard that were heard at the last look. */
	look(now: number): boolean {
		let areGone = false;
		for (const [id, peer] of this.#all) {
			if (now - peer.seenAt > FORGOTTEN_MS) this.#forget(id, peer);
			else if (!peer.isGone && !this.hears(id, now)) peer.isGone = areGone = true;
		}
		return areGone;
	}

	#forget(member: string, { sent }: Peer): void {
		this.#all.delete(member);
		this.#forgottenSent = Math.max(this.#forgottenSent, sent);
	}

	#peer(member: string, now: number): Peer {
		let peer = this.#all.get(member);
		if (peer === undefined) {
			peer = { heardAt: -Infinity, seenAt: now, beat: 0, sent: this.#forgottenSent, got: 0, isGone: true };
			this.#all.set(member, peer);
		}
		return peer;
	}
}
