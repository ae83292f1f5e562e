// The store: everything that the domain keeps. One contract suite (../contract/store.contract.ts) says what each operation promises.
import type { AcceptStore } from "./accept.ts";
import type { AuditStore } from "./audit.ts";
import type { DirectoryStore } from "./directory.ts";
import type { LifecycleStore } from "./lifecycle.ts";
import type { LogStore } from "./log.ts";
import type { QueueStore } from "./queue.ts";
import type { ReplayStore } from "./replays.ts";
import type { RetentionStore } from "./retention.ts";
import type { StatsStore } from "./stats.ts";

/**
 * Durable storage. Every method that writes resolves only after the write is synced to disk, and rejects with a `StoreError`
 * if it was not done; then nothing of it was done.
 */
export type Store = AcceptStore &
	QueueStore &
	LogStore &
	DirectoryStore &
	ReplayStore &
	RetentionStore &
	StatsStore &
	AuditStore &
	LifecycleStore;
