// The slice for quotas: how much of the store projects take, and how much room is left.

export interface StoreUsage {
	/**
	 * Bytes of the projects that were asked for, in the same order; 0 for an unknown one. What counts is said in
	 * core/policies/quota.ts. Exact with each commit, and right after a crash.
	 */
	readonly projects: readonly number[];
	/** Bytes of all projects, and of deleted ones whose events are not purged yet. */
	readonly total: number;
	/** The project with the most bytes; null if nothing is stored. */
	readonly largest: { readonly projectId: string; readonly bytes: number } | null;
	/** What the files of the store take; null if it has none, or does not know it. */
	readonly fileBytes: number | null;
	/**
	 * What is stored in the files, of whatever kind and whoever's, without room that is free for new rows and without the write-ahead log.
	 * More than `total`, which leaves out names, settings, entries of the audit log and more. Null like `fileBytes`.
	 */
	readonly heldBytes: number | null;
	/** The part of `fileBytes` that is the write-ahead log; null if the store has none of its own, or does not know it. */
	readonly walBytes: number | null;
	/** The volume that the store is on; null if it has none, or does not know it. */
	readonly volume: Volume | null;
}

export interface Volume {
	readonly sizeBytes: number;
	readonly freeBytes: number;
}

export interface UsageStore {
	/** Reads the usage. Costs the same however much is stored. */
	usage(projectIds: readonly string[]): Promise<StoreUsage>;
}
