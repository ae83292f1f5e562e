// The status of the server, and the addresses that it calls from: what `client.getStatus` and `client.getEgressAddresses` return.

/** The addresses that attempts come from. */
export interface EgressAddresses {
	/** Always `"egressAddresses"`. */
	readonly object: "egressAddresses";
	/** Addresses and networks, such as `203.0.113.7` or `2001:db8:1::/64`. */
	readonly addresses: readonly string[];
}

/** How much of a limit of the whole server is used. */
export interface UsedLimit {
	/** The limit, such as `maxProjects`. Most are settings of the server. */
	readonly name: string;
	/** How much of it is used. */
	readonly used: number;
	/** The limit. */
	readonly allowed: number;
}

/** A warning for the operator. */
export interface StatusWarning {
	/** Stays the same between versions. Later versions may have more. */
	readonly code:
		| "store_failing"
		| "delivery_stalled"
		| "nobody_delivers"
		| "volume_low"
		| "project_crowding"
		| "clock_set_back"
		| "limit_reached"
		| "descriptors_low"
		| "data_dir_shared"
		| "standby_missing"
		| "nats_away"
		| "http_allowed"
		| "networks_allowed"
		| "hosts_allowed"
		| "customers_allowed";
	/** What was found, and what to do. */
	readonly message: string;
	/** The project that it is about; null for the whole server. */
	readonly projectId: string | null;
}

/** A standby that follows the database. Null is what Fanfare's role may not see. */
export interface StatusStandby {
	/** Its `application_name`. */
	readonly name: string;
	/** PostgreSQL's word, such as `streaming` or `catchup`. */
	readonly state: string | null;
	/** `sync` and `quorum`: commits wait for it. `potential`: they will if another one goes. `async`: they don't. */
	readonly sync: "sync" | "quorum" | "potential" | "async" | null;
	/** How long it took it to apply what was written, as last measured; null also while nothing is written. */
	readonly lagMs: number | null;
	/** How much of what the primary has written it has not applied. */
	readonly lagBytes: number | null;
}

/** The database of a server. */
export interface StatusDatabase {
	/** Whether it has answered. If not, all others are null. */
	readonly reachable: boolean;
	/** The version of its server, such as `17.2`. */
	readonly version: string | null;
	/** The address of the server, as the server says it; null for a socket of the same machine. */
	readonly address: string | null;
	/** Its port; null like `address`. */
	readonly port: number | null;
	/** What a commit waits for: a synchronous standby, or only the disk of this server. */
	readonly commitsWaitFor: "standby" | "disk" | null;
	/** The servers that follow it, 20 at most; null if Fanfare's role may not see them. */
	readonly standbys: readonly StatusStandby[] | null;
	/** Connections to it; null if Fanfare's role may not see them. */
	readonly connections: {
		/** Those of everybody. */
		readonly used: number;
		/** How many there may be, by the limit of the server, the database or the role of which least is left. */
		readonly allowed: number;
	} | null;
}

/** Messages between processes, by kind. */
export interface StatusMessageCounts {
	/** Deliveries for their owner, in hints. */
	readonly deliveries: number;
	/** Messages with deliveries. */
	readonly hints: number;
	/** Signals that the database has something new. */
	readonly looks: number;
	/** Signals that somebody has acted upon that. */
	readonly answers: number;
	/** Messages that say that the sender is there. */
	readonly beats: number;
}

/** How a process learns of what others have accepted and changed. */
export interface StatusMessages {
	/** How often it looks into the database for deliveries that others have accepted. */
	readonly pollMs: number;
	/** What NATS has carried, when the process was seen last; null for a process without NATS. */
	readonly nats: {
		/** Whether messages come through, its own included. */
		readonly up: boolean;
		/** The server that it is connected to; null while there is none. */
		readonly server: string | null;
		/** What it has sent since its start. */
		readonly sent: StatusMessageCounts;
		/** What it has got from others since its start. */
		readonly received: StatusMessageCounts;
		/** Hints that came too late or twice, and were dropped. */
		readonly late: number;
		/** Messages of another installation or version, which were dropped. */
		readonly refused: number;
		/** Messages that it could not send, since there was no connection. */
		readonly unsent: number;
		/** How often messages to it were perhaps lost, so that it has looked into the database. */
		readonly missed: number;
	} | null;
}

/** A process that shares the database with others. */
export interface StatusMember {
	/** A process that loses touch with its database comes back under a new id. */
	readonly id: string;
	/** The name of its machine. */
	readonly name: string;
	/** Where its connection to the database comes from; null if that is a socket. */
	readonly address: string | null;
	/** The port that it listens on; null if it listens on none. */
	readonly port: number | null;
	/** The version of the program. */
	readonly version: string;
	/** `api` answers calls and delivers nothing, `worker` delivers and answers no calls, `all` does both. */
	readonly role: "all" | "api" | "worker";
	/**
	 * `leaving`: it hands over its shards, and ends. `lost`: it has not been seen for three seconds, so others have its shards, or take
	 * them. It is in the list for ten minutes.
	 */
	readonly state: "live" | "leaving" | "lost";
	/** Whether it is the process that responds. */
	readonly self: boolean;
	/** When it has joined, by the database's clock. */
	readonly joinDate: number;
	/** When it was seen last, by the database's clock. */
	readonly seenDate: number;
	/** How long ago that was, in milliseconds. */
	readonly seenAgoMs: number;
	/** How many of the 256 groups of webhooks it delivers. */
	readonly shards: number;
	/** The work that it does for all, such as `retention`. Later versions may have more. */
	readonly duties: readonly string[];
	/** Deliveries that are ready in its memory, when it was seen last. */
	readonly readyDeliveries: number;
	/** Attempts under way, when it was seen last. */
	readonly inFlightAttempts: number;
	/** For how long its oldest due delivery that nothing works on had waited, when it was seen last; 0 if there is none. */
	readonly lagMs: number;
	/** How it learns of what others have accepted and changed; null if it has not said so, or is lost. */
	readonly messages: StatusMessages | null;
}

/** The state of a server: what it is doing, and how much room it has. */
export interface WorkspaceStatus {
	/** Always `"workspaceStatus"`. */
	readonly object: "workspaceStatus";
	/** The version of the server. */
	readonly version: string;
	/** When the server was started, in milliseconds since the epoch. */
	readonly startDate: number;
	/** The server's time, in milliseconds since the epoch. */
	readonly date: number;
	/** The room on the disk. Null where the store can't be read, or has no files. */
	readonly store: {
		/** The bytes that all projects have stored, as `maxStoredBytes` counts them. */
		readonly storedBytes: number | null;
		/** The bytes of the store's files. */
		readonly fileBytes: number | null;
		/** The size of the volume with these files. */
		readonly volumeBytes: number | null;
		/** How much of the volume is free. */
		readonly freeBytes: number | null;
	};
	/** Deliveries and sends that wait. */
	readonly backlog: {
		/** Deliveries that are Pending, of all projects; null while the store can't be read. */
		readonly pending: number | null;
		/** Deliveries that are Held, of all projects; null while the store can't be read. */
		readonly held: number | null;
		/** Deliveries that are ready in memory. */
		readonly readyDeliveries: number;
		/** Attempts under way. */
		readonly inFlightAttempts: number;
		/** Sends that wait for their commit. */
		readonly waitingSends: number;
		/** For how long the oldest due delivery that nothing works on has waited; 0 if there is none. */
		readonly oldestDueMs: number;
	};
	/** How long it takes to write to the disk. */
	readonly commits: {
		/** Commits in the last five minutes, 1,024 at most. */
		readonly count: number;
		/** The median of their durations; null if there were none. */
		readonly p50Ms: number | null;
		/** The 99th percentile; null if there were none. */
		readonly p99Ms: number | null;
	};
	/** Limits of the whole server. */
	readonly limits: readonly UsedLimit[];
	/** The database; null if the data is in a data directory. */
	readonly database: StatusDatabase | null;
	/**
	 * The processes that share the database, the oldest first. Empty if the data is in a data directory, since then there is one process;
	 * null while the database can't be read.
	 */
	readonly members: readonly StatusMember[] | null;
	/** Warnings for the operator; empty if all is well. */
	readonly warnings: readonly StatusWarning[];
}

/** The status as a server sends it. One of an earlier version leaves out what it does not know of. */
export interface SentStatus extends Omit<WorkspaceStatus, "database" | "members"> {
	readonly database?: StatusDatabase | null;
	readonly members?: readonly (Omit<StatusMember, "messages"> & Partial<Pick<StatusMember, "messages">>)[] | null;
}

/** What a server of an earlier version leaves out is as if it had none. */
export function completeStatus(status: SentStatus): WorkspaceStatus {
	const { database = null, members = [] } = status;
	const complete = members?.map((member) => ({ ...member, messages: member.messages ?? null })) ?? null;
	return { ...status, database, members: complete };
}
