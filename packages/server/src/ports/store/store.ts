// The whole store: the union of this folder's slices. The suite in ../contract/store.contract.ts tests each promise.
import type { AcceptStore } from "./accept.ts";
import type { SessionStore } from "./access/sessions.ts";
import type { AuditStore } from "./audit.ts";
import type { CustomerStore } from "./customers.ts";
import type { DirectoryStore } from "./directory.ts";
import type { LifecycleStore } from "./lifecycle.ts";
import type { LogStore } from "./log.ts";
import type { PortalSessionStore } from "./portal-sessions.ts";
import type { QueueStore } from "./queue.ts";
import type { RelayStore } from "./relays/relays.ts";
import type { ReplayStore } from "./replays.ts";
import type { RetentionStore } from "./retention.ts";
import type { StatsStore } from "./stats.ts";
import type { UsageStore } from "./usage.ts";

/**
 * Durable storage. These rules hold for every method, unless its own comment says otherwise:
 *
 * - A write is one transaction. It resolves only after the transaction is synced to disk. If it rejects, nothing of it
 *   was done.
 * - A read sees every write that resolved before the read began. All rows of one result come from one snapshot.
 * - A failure is a `StoreError`, whose code says whether trying again can help. After `close` every call rejects with
 *   `store_unavailable`.
 * - An id that the store does not have finds nothing, and so does a text that is not an id at all (it may come from a
 *   URL). A lookup then returns null or an empty list; a change by id changes nothing. Neither is an error.
 * - All times are integer milliseconds since the epoch (UTC) and are passed in by the caller. The store never reads a
 *   clock.
 * - Ids of one kind ascend in the order in which one process has made them; "oldest first" and "newest first" mean the
 *   order of ids.
 *
 * Ids made by several processes do not ascend in the order of their commits: a row can become visible after rows with
 * higher ids. How much later is usually bounded by a property of the store. The *horizon* of a call is the time up to which
 * every row is visible that ever will be: the time of the call minus that bound. A scan by id that remembers its
 * position between calls never passes the horizon. In the embedded store, which one process writes, the bound is 0 and the
 * horizon is the time of the call. A process that stood still can exceed the bound, so nothing may depend on the horizon that
 * is not looked at again: retention begins from the oldest event each day, and a replay needs no horizon (see `ReplayStore`).
 */
export type Store = AcceptStore &
	QueueStore &
	LogStore &
	DirectoryStore &
	ReplayStore &
	RetentionStore &
	StatsStore &
	UsageStore &
	CustomerStore &
	RelayStore &
	SessionStore &
	PortalSessionStore &
	AuditStore &
	LifecycleStore;
