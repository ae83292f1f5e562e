// The port for what this process is among the members that share a database: for readiness, and for the operator. A process that runs alone
// has no such part.
import type { Duty } from "./tenure.ts";
import type { WireCounts } from "./wire.ts";

/** `api` answers calls and delivers nothing, `worker` delivers and answers no calls, `all` does both. */
export const ROLES = ["all", "api", "worker"] as const;
export type Role = (typeof ROLES)[number];

/** A process that shares the database, for the operator. All dates are by the database's clock. */
export interface Member {
	/** Unique among all members that there have ever been. A process that has lost its tenure comes back under a new id. */
	readonly id: string;
	/** For people: the name of its machine. */
	readonly name: string;
	/** Where its connection to the database comes from; null if that is a socket of the same machine. */
	readonly address: string | null;
	/** The port that it listens on; null if it listens on none. */
	readonly port: number | null;
	/** The version of the program. */
	readonly version: string;
	readonly role: Role;
	/** `leaving`: it hands over its shards, and ends. `lost`: it has not been seen for longer than its tenure, and others have its shards. */
	readonly state: "live" | "leaving" | "lost";
	/** Whether it is this process. */
	readonly isSelf: boolean;
	/** When it has joined and when it was seen last. */
	readonly joinDate: number;
	readonly seenDate: number;
	/** How long ago that was, in milliseconds. */
	readonly seenAgoMs: number;
	/** How many shards it owns. */
	readonly shards: number;
	readonly duties: readonly Duty[];
	/** As it has said when it was seen last. */
	readonly load: MemberLoad;
	/** The same; null if it has not said it, as members of an earlier version, and those that are lost. */
	readonly messages: MemberMessages | null;
}

/** What a member has to do. */
export interface MemberLoad {
	/** Deliveries that are ready in its memory. */
	readonly readyDeliveries: number;
	readonly inFlightAttempts: number;
	/** For how long the oldest due delivery of its shards has waited, in milliseconds; 0 if none is due. */
	readonly lagMs: number;
}

/** How a member learns from the others what concerns it. */
export interface MemberMessages {
	/** How often it looks into the store for deliveries that others have accepted, in milliseconds. */
	readonly pollMs: number;
	/** What NATS has carried since the start of its process; null for a process without NATS. */
	readonly nats: WireCounts | null;
}

export interface Membership {
	readonly role: Role;
	/**
	 * Whether this process is a member now that has read the changes of others lately. If not, what it knows of projects, webhooks and
	 * keys may be outdated.
	 */
	readonly isMember: () => boolean;
	/** How many members deliver, as far as this process has heard. */
	readonly deliverers: () => number;
	/**
	 * All members, the oldest first, this process included, and those that were lost in the last ten minutes. Rejects with a
	 * `StoreError` while the database can't be read.
	 */
	readonly members: () => Promise<readonly Member[]>;
	/** Registers what this process says of its load. Called once. */
	readonly report: (load: () => MemberLoad) => void;
}
