// The engine's public call for the status of the workspace.
import type { Member } from "../ports/membership.ts";
import type { Volume } from "../ports/store/usage.ts";
import type { CommitTimes } from "./committing/commit-durations.ts";

/** What an operator should know. The codes of the API's document are these. */
export const WARNING_CODES = [
	"store_failing",
	"delivery_stalled",
	"nobody_delivers",
	"volume_low",
	"project_crowding",
	"clock_set_back",
	"limit_reached",
	"descriptors_low",
	"data_dir_shared",
	"standby_missing",
	"nats_away",
	"http_allowed",
	"networks_allowed",
	"hosts_allowed",
	"customers_allowed",
] as const;

export interface Warning {
	readonly code: (typeof WARNING_CODES)[number];
	/** A sentence that says what was found and what to do. */
	readonly message: string;
	/** The project that it is about; null if it is about the whole server. */
	readonly projectId: string | null;
}

/** How much of a limit of the whole server is used. */
export interface UsedLimit {
	/** The setting, such as `maxProjects`. */
	readonly name: string;
	readonly used: number;
	readonly allowed: number;
}

/** What the server is doing and how much room it has. */
export interface WorkspaceStatus {
	/** When the engine was opened. */
	readonly startDate: number;
	/** The time of the server. */
	readonly date: number;
	readonly store: {
		/** What all projects have stored, as their quotas count it; null while the store can't be read. */
		readonly storedBytes: number | null;
		/** What the store's files take; null if it has none, or can't be read. */
		readonly fileBytes: number | null;
		/** Where the files are; null if the store has none, or can't be read. */
		readonly volume: Volume | null;
	};
	readonly backlog: {
		/** Deliveries that wait, over all projects; null while the store can't be read. */
		readonly pending: number | null;
		readonly held: number | null;
		/** Pending deliveries that are ready in memory; below, those under way. */
		readonly readyDeliveries: number;
		readonly inFlightAttempts: number;
		/** Sends that wait for their commit. */
		readonly waitingSends: number;
		/** For how long the oldest due delivery has waited for its attempt; 0 if none is due. */
		readonly oldestDueMs: number;
	};
	readonly commits: CommitTimes;
	readonly limits: readonly UsedLimit[];
	/** The processes that share the database, the oldest first; empty if this process runs alone, null while they can't be read. */
	readonly members: readonly Member[] | null;
	readonly warnings: readonly Warning[];
}
