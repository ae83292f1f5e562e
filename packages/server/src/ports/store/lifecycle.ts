// The slice for starting and stopping the server, for health checks, and for changing the master key.
import type { ApiKey } from "../../core/access/key.ts";
import type { Project, Workspace } from "../../core/workspace.ts";
import type { WebhookRecord } from "./directory.ts";

/** Whose data the store has, and the master key that it is sealed under. */
export interface StoreIdentity {
	readonly workspace: Workspace;
	/** `Sealer.fingerprint` of the master key. */
	readonly masterKeyFingerprint: string;
}

export interface LifecycleStore {
	/** Null if the store is new; `initialize` gives it an identity. */
	identity(): Promise<StoreIdentity | null>;
	/**
	 * Writes the identity, the first project and the first key in one transaction. Rejects with `store_conflict` if the
	 * store already has an identity.
	 */
	initialize(identity: StoreIdentity, project: Project, key: ApiKey): Promise<void>;
	/**
	 * Replaces each of the records and the fingerprint in one transaction: a change of the master key. Rejects with
	 * `store_conflict` if there is no webhook for one of the records.
	 */
	reseal(records: readonly WebhookRecord[], masterKeyFingerprint: string): Promise<void>;
	/** Writes one row and syncs it. Proves that the store can be written; rejects if it can't. */
	probe(at: number): Promise<void>;
	/** Finishes the calls under way and releases all resources. May be called twice. */
	close(): Promise<void>;
}
