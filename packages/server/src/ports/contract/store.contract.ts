// The contract of a store: one suite for each slice of the port. The test of an adapter is a few lines that run it.
import { afterEach, beforeEach, describe } from "vitest";

import type { Store } from "../store/store.ts";
import { describeAccept } from "./store/accept.contract.ts";
import { describeAudit } from "./store/audit.contract.ts";
import { describeChanges } from "./store/changes.contract.ts";
import { describeCustomerDeletion } from "./store/customer-deletion.contract.ts";
import { describeCustomers } from "./store/customers.contract.ts";
import { describeDeleted } from "./store/deleted.contract.ts";
import { describeDetails } from "./store/details.contract.ts";
import { describeDirectory } from "./store/directory.contract.ts";
import { describeErasures } from "./store/erasures.contract.ts";
import { describeEvents } from "./store/events.contract.ts";
import { describeHorizon } from "./store/horizon.contract.ts";
import { describeIdsAhead } from "./store/ids-ahead.contract.ts";
import { describeLifecycle } from "./store/lifecycle.contract.ts";
import { describeLimits } from "./store/limits.contract.ts";
import { describeLog } from "./store/log.contract.ts";
import { describePages } from "./store/pages.contract.ts";
import { describePortalSessions } from "./store/portal-sessions.contract.ts";
import { describeQueue } from "./store/queue.contract.ts";
import { EMBEDDED, type StoreCapabilities } from "./store/records/capabilities.ts";
import type { CurrentStore, Flush, Reopen } from "./store/records/records.ts";
import { describeRelays } from "./store/relays.contract.ts";
import { describeReplays } from "./store/replays.contract.ts";
import { describeRetention } from "./store/retention.contract.ts";
import { describeSessions } from "./store/sessions.contract.ts";
import { describeStats } from "./store/stats.contract.ts";
import { describeUsage } from "./store/usage.contract.ts";
import { describeVersions } from "./store/versions.contract.ts";
import { describeWebhookList } from "./store/webhook-list.contract.ts";

export interface StoreContractOptions {
	/** Names the adapter in the titles of the tests. */
	readonly name: string;
	/** Opens a new, empty store. */
	readonly open: () => Promise<Store>;
	/**
	 * Ends the store of a test. Closes it if omitted; a store that takes long to open may be emptied by the next `open` instead.
	 */
	readonly end?: (store: Store) => Promise<void>;
	/**
	 * Whether a store keeps from one test to the next how far ids were ever ahead of dates. The tests of such ids are left out
	 * then, and must run on a store of their own. Defaults to false.
	 */
	readonly keepsLeads?: boolean;
	/**
	 * Closes the store and opens its data again. Omit it if the data ends with the store: the tests about it are skipped.
	 */
	readonly reopen?: (store: Store) => Promise<Store>;
	/**
	 * The share of the usual number of random histories that reopen the store again and again. For a store that takes long
	 * to open. Defaults to 1.
	 */
	readonly effort?: number;
	/** In which properties the store differs from an embedded one. */
	readonly capabilities?: Partial<StoreCapabilities>;
	/**
	 * Resolves when the store has done what it may do after its answer: when the steps that may resolve before they are
	 * synced are synced, and when all stats that can be rolled up are. Omit it if the store does nothing after its answer.
	 */
	readonly flush?: (store: Store) => Promise<void>;
}

/**
 * Runs the suite. Each test gets a new store.
 *
 * @example
 * storeContract({ name: "sqlite", open: () => openSqliteStore({ path: ":memory:" }) });
 */
export function storeContract({ name, open, reopen, flush, effort = 1, ...options }: StoreContractOptions): void {
	const capabilities: StoreCapabilities = { ...EMBEDDED, ...options.capabilities };
	const end = options.end ?? ((store: Store) => store.close());
	describe(`the ${name} store`, () => {
		let store: Store;
		beforeEach(async () => {
			store = await open();
		});
		afterEach(() => end(store));
		const current: CurrentStore = () => store;
		const flushCurrent: Flush = async () => flush?.(store);
		const reopenCurrent: Reopen = async () => {
			await flushCurrent();
			store = (await reopen?.(store)) ?? store;
		};

		describe("accept", () => {
			describeAccept(current);
		});
		describe("queue", () => {
			describeQueue(current);
		});
		describe("log", () => {
			describeLog(current);
		});
		describe("lists of events", () => {
			describeEvents(current);
		});
		describe("what the log keeps beside", () => {
			describeDetails(current, reopen === undefined ? null : reopenCurrent);
		});
		describe("pages", () => {
			describePages(current);
		});
		describe("horizon", () => {
			describeHorizon(current, capabilities);
		});
		describe.skipIf(options.keepsLeads === true)("ids that are ahead of dates", () => {
			describeIdsAhead(current);
		});
		describe("directory", () => {
			describeDirectory(current);
		});
		describe("changes", () => {
			describeChanges(current);
		});
		describe("versions", () => {
			describeVersions(current);
		});
		describe("limits", () => {
			describeLimits(current);
		});
		describe("relays", () => {
			describeRelays(current);
		});
		describe("list of webhooks", () => {
			describeWebhookList(current);
		});
		describe("replays", () => {
			describeReplays(current);
		});
		describe("retention", () => {
			describeRetention(current, capabilities);
			describeDeleted(current, flushCurrent, reopenCurrent);
		});
		describe("the deletion of a customer", () => {
			describeCustomerDeletion(current, reopen === undefined ? null : reopenCurrent);
		});
		describe("erasures in steps", () => {
			describeErasures(current, reopen === undefined ? null : reopenCurrent);
		});
		describe("stats", () => {
			describeStats(current, reopenCurrent, effort);
		});
		describe("usage", () => {
			describeUsage(current, reopenCurrent);
		});
		describe("audit", () => {
			describeAudit(current);
		});
		describe("customers", () => {
			describeCustomers(current);
		});
		describe("sessions", () => {
			describeSessions(current);
		});
		describe("portal sessions", () => {
			describePortalSessions(current, reopen === undefined ? null : reopenCurrent);
		});
		describe("lifecycle", () => {
			describeLifecycle(current);
		});
	});
}
