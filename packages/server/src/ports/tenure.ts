// The port for sharing the work among processes: which webhooks this process delivers, and which single duties it has.
//
// Webhooks are grouped into shards (core/cluster/shard.ts). Each shard has one owner at a time, the process that delivers its
// webhooks, and each duty has one holder at a time. A process that runs alone has all of them.

/** A process as the owner of one shard. The epoch rises with each change of the shard's owner. */
export interface Place {
	/** The name of the process, which no other process has had before. */
	readonly member: string;
	readonly epoch: number;
}

/** Work that one process at a time does for all. */
export type Duty = "retention" | "stats" | "housekeeping" | "health" | "erasures" | "customer deletions" | "relays";

/** The work of a duty. A crash may cut it short, so the next holder must be able to go on with it. */
export interface DutyWork {
	/** Begins to work. Does nothing if it works already. */
	start(): void;
	/** Resolves when the step under way has ended; no other step follows. Never rejects. May be called twice. */
	stop(): Promise<void>;
}

/** Told when this process gains and loses shards. Its methods return quickly; `gained` may take as long as the store. */
export interface TenureHolder {
	/**
	 * This process owns these shards from now on (null: all of them). Their earlier owners are gone or have given them
	 * up, so that their leases can be ended. If it rejects, the shards are not taken: the tenure gives them up or tries
	 * again.
	 */
	gained(shards: readonly number[] | null): Promise<void>;
	/** This process does not own these shards any more. `holds` already returns false for their webhooks. */
	lost(shards: readonly number[]): void;
	/** `stalled` was true and is false again. */
	resumed(): void;
	/** How many attempts to webhooks in these shards are under way. A planned move of shards waits until it is 0. */
	inFlightOf(shards: readonly number[]): number;
}

/**
 * What this process has to do. The answers can change between two turns of the event loop: a process that can't renew
 * its tenure loses everything when the tenure ends. `lost` follows soon.
 *
 * Two processes never hold the same webhook at the same time, provided that their clocks run equally fast. Only the
 * begin of an attempt needs the tenure: the outcome of an attempt is written whatever happened since.
 */
export interface Tenure {
	/**
	 * Whether this process delivers this webhook now. Called for each delivery, so it must not take longer than a look-up
	 * in a map.
	 */
	holds(webhookId: string): boolean;
	/** The shards whose webhooks `holds` accepts; null if these are all. */
	shards(): readonly number[] | null;
	/**
	 * Whether this process should begin no attempt at the moment. It may be about to lose its shards, since it has not reached the store
	 * for a while; or it can't read what others have changed, who wait for it for some seconds only. `TenureHolder.resumed` is called when
	 * that is over.
	 */
	stalled(): boolean;
	/**
	 * Who delivers this webhook now. Null if no owner is known, or if the owner can't be reached at the moment: then the
	 * delivery should stay in the store without a lease.
	 */
	placeOf(webhookId: string): Place | null;
	/**
	 * How many processes accept sends at the moment, this one included whatever it accepts; at least 1. Each of them allows its share of
	 * what a project may send in a second. Called for each send of a project with such a quota.
	 */
	liveMembers(): number;
	/** Registers who is told about shards. Called once, before `start`. */
	attach(holder: TenureHolder): void;
	/** Registers the work of a duty. Starts it when this process gets the duty, and stops it when it loses the duty. */
	duty(duty: Duty, work: DutyWork): void;
	/**
	 * Begins to take shards and duties. Resolves when this process knows who owns what, and has gained the shards that are
	 * free for it. Rejects if that fails, also if `gained` rejects.
	 */
	start(): Promise<void>;
	/**
	 * Gives up all shards and duties, each shard as soon as none of its attempts is under way, and all of them after
	 * `graceMs` at the latest. Resolves when they are given up and the work of each duty has stopped; a process that runs
	 * alone keeps its shards, since nobody can take them. `lost` is not called. May be called without `start`. Never
	 * rejects. There is no way back.
	 */
	leave(graceMs: number): Promise<void>;
}
