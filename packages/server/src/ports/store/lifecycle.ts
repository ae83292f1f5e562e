// What a start, a change of the master key and a stop need of the store.
import type { ApiKey } from "../../core/crypto/key.ts";
import type { Project, Workspace } from "../../core/workspace.ts";
import type { WebhookRecord } from "./directory.ts";

/** The key check: what the master key's fingerprint was when the store was made. */
export interface StoreIdentity {
	readonly workspace: Workspace;
	readonly masterKeyFingerprint: string;
}

export interface LifecycleStore {
	/** What the store was made with; null for a new one, which `initialize` fills. */
	identity(): Promise<StoreIdentity | null>;
	/** Makes the workspace, its first project and its first key, all or nothing. */
	initialize(identity: StoreIdentity, project: Project, key: ApiKey): Promise<void>;
	/** Replaces each record, and the fingerprint, in one transaction: a change of the master key. */
	reseal(records: readonly WebhookRecord[], masterKeyFingerprint: string): Promise<void>;
	/** Writes a row and syncs it: proof that the store can be written. */
	probe(at: number): Promise<void>;
	/** Releases everything. May be called twice. */
	close(): Promise<void>;
}
