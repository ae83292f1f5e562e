// What differs between a server on a data directory and one on a database: where the data is, and with whom the work is shared.
import type { Logger } from "pino";

import type { ClusterState } from "../adapters/telemetry/cluster-metrics.ts";
import type { EngineLimits } from "../engine/parts.ts";
import type { Warning } from "../engine/status-calls.ts";
import type { DatabaseFacts } from "../ports/database.ts";
import type { Membership } from "../ports/membership.ts";
import type { Observer } from "../ports/observer.ts";
import type { StoreError } from "../ports/store/errors.ts";
import type { ListReads } from "../ports/store/reads/list-reads.ts";
import type { Store } from "../ports/store/store.ts";
import type { Tenure } from "../ports/tenure.ts";
import type { Wire } from "../ports/wire.ts";

/** How far the move of rows of an earlier version is. */
export interface UpgradeProgress {
	readonly moved: number;
	/** Null while it is not known. */
	readonly total: number | null;
}

/** Where the profile says what happens, and what it says about this process to others. */
export interface Reports {
	readonly logger: Logger;
	readonly observer: Observer;
	/** The port that the process listens on; null if it listens on none. */
	readonly port: number | null;
}

/** A store that is ready, and what belongs to it. */
export interface OpenedStore {
	readonly store: Store;
	/** The lists of the store's log, for the API. */
	readonly lists: ListReads;
	/** Resolves with the reason if the store can't be used any more although nobody has closed it. */
	readonly storeDied: Promise<StoreError>;
	readonly masterKey: Uint8Array;
	readonly tenure: Tenure;
	readonly wire: Wire;
	/** Only of a process that shares a database. */
	readonly membership?: Membership;
	/** Limits of the engine that follow from the profile. */
	readonly limits: Partial<EngineLimits>;
	/** See `ApiDeps.isCurrent`. */
	readonly isCurrent: () => boolean;
}

/** Where a server keeps its data. `embedded.ts` and `cluster.ts` make one from the settings. */
export interface Profile {
	/** Null if the data is in a database. */
	readonly dataDir: string | null;
	/** Opens the store, and creates what does not exist yet. Calls `onProgress` while rows of an earlier version are moved. */
	open(reports: Reports, onProgress: (progress: UpgradeProgress) => void): Promise<OpenedStore>;
	/**
	 * Writes an admin key that a first start has generated into a file that only its owner can read, and returns its path. Throws if
	 * there is no place for it.
	 */
	keepAdminKey(secretKey: string): string;
	/** What an operator should know of the place. */
	warnings(): readonly Warning[];
	/** What the process is among others, once it is open; null for one that runs alone. */
	readonly cluster: (() => ClusterState) | null;
	/** What the database says of itself, once it is open; null for a data directory. However often it is called, few reads are made. */
	readonly database: (() => Promise<DatabaseFacts>) | null;
}
