// The contract of a store: one suite for each slice of the port. The test of an adapter is a few lines that run it.
import { afterEach, beforeEach, describe } from "vitest";

import type { Store } from "../store/store.ts";
import { describeAccept } from "./store/accept.contract.ts";
import { describeAudit } from "./store/audit.contract.ts";
import { describeChanges } from "./store/changes.contract.ts";
import { describeDirectory } from "./store/directory.contract.ts";
import { describeLifecycle } from "./store/lifecycle.contract.ts";
import { describeLog } from "./store/log.contract.ts";
import { describePages } from "./store/pages.contract.ts";
import { describeQueue } from "./store/queue.contract.ts";
import type { CurrentStore, Reopen } from "./store/records/records.ts";
import { describeReplays } from "./store/replays.contract.ts";
import { describeRetention } from "./store/retention.contract.ts";
import { describeStats } from "./store/stats.contract.ts";
import { describeVersions } from "./store/versions.contract.ts";

export interface StoreContractOptions {
	/** Names the adapter in the titles of the tests. */
	readonly name: string;
	/** Opens a new, empty store. */
	readonly open: () => Promise<Store>;
	/**
	 * Closes the store and opens its data again. Omit it if the data ends with the store: the tests about it are skipped.
	 */
	readonly reopen?: (store: Store) => Promise<Store>;
}

/**
 * Runs the suite. Each test gets a new store.
 *
 * @example
 * storeContract({ name: "sqlite", open: () => openSqliteStore({ path: ":memory:" }) });
 */
export function storeContract({ name, open, reopen }: StoreContractOptions): void {
	describe(`the ${name} store`, () => {
		let store: Store;
		beforeEach(async () => {
			store = await open();
		});
		afterEach(() => store.close());
		const current: CurrentStore = () => store;
		const reopenCurrent: Reopen = async () => {
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
		describe("pages", () => {
			describePages(current, open);
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
		describe("replays", () => {
			describeReplays(current);
		});
		describe("retention", () => {
			describeRetention(current);
		});
		describe("stats", () => {
			describeStats(current, reopenCurrent);
		});
		describe("audit", () => {
			describeAudit(current);
		});
		describe("lifecycle", () => {
			describeLifecycle(current, reopen === undefined ? null : reopenCurrent);
		});
	});
}
