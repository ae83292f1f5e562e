// The port for what a database says of itself, for the operator. A process on a data directory has no such part.

/** A standby that follows the database. What the role of this process may not see is null. */
export interface Standby {
	/** Its `application_name`. */
	readonly name: string;
	/** PostgreSQL's word: `streaming`, `catchup` or `startup`. */
	readonly state: string | null;
	/** `sync` and `quorum`: commits wait for it. `potential`: they will if another one goes. */
	readonly sync: "sync" | "quorum" | "potential" | "async" | null;
	/** How long ago it has applied what the primary has written, as last measured; null also while nothing is written. */
	readonly lagMs: number | null;
	/** How much of what the primary has written it has not applied. */
	readonly lagBytes: number | null;
}

/** Connections to the database. */
export interface Connections {
	readonly used: number;
	/** How many there may be: the server's limit without what it keeps for superusers, or that of the database or of the role if less is left of it. */
	readonly allowed: number;
}

/** What is not known is null. */
export interface DatabaseFacts {
	/** Whether it has answered. If not, all others are null. */
	readonly isReachable: boolean;
	/** The version of its server, such as `17.2`. */
	readonly version: string | null;
	/** Where the server is, as it says; null for a socket of the same machine. */
	readonly address: string | null;
	readonly port: number | null;
	/** What a commit waits for before it is acknowledged. */
	readonly commitsWaitFor: "standby" | "disk" | null;
	/** By name, 20 at most; null if the role may not see them. */
	readonly standbys: readonly Standby[] | null;
	readonly connections: Connections | null;
}

/** Of a database that does not answer. */
export const UNREACHABLE: DatabaseFacts = {
	isReachable: false,
	version: null,
	address: null,
	port: null,
	commitsWaitFor: null,
	standbys: null,
	connections: null,
};
