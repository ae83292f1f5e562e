// The slice for starting and stopping the server, for health checks, and for changing the master key.
import type { AuditEntry } from "../../core/access/audit.ts";
import type { ApiKey } from "../../core/access/key.ts";
import type { Project, Workspace } from "../../core/workspace.ts";
import type { WebhookRecord } from "./directory.ts";

/** Whose data the store has, and the master key that it is sealed under. */
export interface StoreIdentity {
	readonly workspace: Workspace;
	/** `Sealer.fingerprint` of the master key. */
	readonly masterKeyFingerprint: string;
}

/** The sealed values of a webhook. */
export type SealedParts = Pick<WebhookRecord, "id" | "secrets" | "sealedHeaders">;

export interface LifecycleStore {
	/** Null if the store is new; `initialize` gives it an identity. */
	identity(): Promise<StoreIdentity | null>;
	/**
	 * Writes the identity, the first project and the first key in one transaction. Rejects with `store_conflict` if the
	 * store already has an identity.
	 */
	initialize(identity: StoreIdentity, project: Project, key: ApiKey): Promise<void>;
	/**
	 * Keeps sealed parts for `reseal`, beside those that are in force. An id that is kept already gets the newer parts.
	 * Rejects with `store_conflict` if there is no webhook for one of them.
	 */
	stageReseal(parts: readonly SealedParts[]): Promise<void>;
	/** Forgets what `stageReseal` has kept, such as that of a change that was interrupted. */
	clearReseal(): Promise<void>;
	/** Puts everything that `stageReseal` has kept into force, together with the fingerprint: a change of the master key. */
	reseal(masterKeyFingerprint: string): Promise<void>;
	/**
	 * Pauses every webhook that is Enabled, with the reason `restored`, and writes the audit entry, in one transaction. Deleted webhooks
	 * stay as they are. Returns the number of webhooks that were paused. For a store that no engine uses yet: see `fanfare restore`.
	 */
	holdWebhooks(at: number, entry: AuditEntry): Promise<number>;
	/**
	 * An id that is not below that of any event or delivery, or of one that was there when a running replay was made; null if there is none.
	 * A process makes ids that come after it, so that ids ascend across restarts even if the clock was set back.
	 */
	newestId(): Promise<string | null>;
	/**
	 * Writes one row and syncs it. Proves that the store can be written; rejects if it can't. With `bytes`, the row is that
	 * large, 8 MiB at most: a full disk often still has room for a small one. It does not stay.
	 */
	probe(at: number, bytes?: number): Promise<void>;
	/** Finishes the calls under way and releases all resources. May be called twice. */
	close(): Promise<void>;
}
