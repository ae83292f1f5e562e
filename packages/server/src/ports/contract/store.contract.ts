// What every store promises. An adapter's test is a few lines that run this.
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Store } from "../store/store.ts";
import { describeCommit } from "./store/accept.contract.ts";
import { describeAudit } from "./store/audit.contract.ts";
import { describeManagement } from "./store/directory.contract.ts";
import { describeCatalogue } from "./store/event-types.contract.ts";
import { describeHealth } from "./store/health.contract.ts";
import { describeLog } from "./store/log.contract.ts";
import { describePages } from "./store/pages.contract.ts";
import { describeQueue } from "./store/queue.contract.ts";
import { fillStore, stateOf, type CurrentStore } from "./store/records/records.ts";
import { describeReplays } from "./store/replays.contract.ts";
import { describeRetention } from "./store/retention.contract.ts";
import { describeStats } from "./store/stats.contract.ts";

export interface StoreContractOptions {
	readonly name: string;
	/** A new, empty store. */
	readonly open: () => Promise<Store>;
	/** Closes the store and opens its data again; left out where data ends with the store. */
	readonly reopen?: (store: Store) => Promise<Store>;
}

/**
 * The suite.
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
		const again = async (): Promise<void> => {
			store = (await reopen?.(store)) ?? store;
		};

		describe("commit", () => {
			describeCommit(current);
		});
		describe("the queue", () => {
			describeQueue(current);
		});
		describe("the log", () => {
			describeLog(current);
		});
		describe("pages", () => {
			describePages(current, open);
		});
		describe("management", () => {
			describeManagement(current);
		});
		describe("the catalogue", () => {
			describeCatalogue(current);
		});
		describe("replays", () => {
			describeReplays(current);
		});
		describe("retention", () => {
			describeRetention(current);
		});
		describe("the audit log", () => {
			describeAudit(current);
		});
		describe("statistics", () => {
			describeStats(current, again);
		});
		describe("health", () => {
			describeHealth(current, again);
		});
		describe("lifecycle", () => {
			describeLifecycle(current);
		});
		describe.skipIf(reopen === undefined)("reopening", () => {
			it("has everything that was committed", async () => {
				const { projectId, accept, update, records } = await fillStore(store);
				const [settled = "", waiting = ""] = [...(await accept()), ...(await accept())];
				await update(records.outcome(settled, 1));
				const before = await Promise.all([settled, waiting].map((id) => store.delivery(projectId, id)));
				const identity = await store.identity();
				store = (await reopen?.(store)) ?? store;
				expect(await Promise.all([settled, waiting].map((id) => store.delivery(projectId, id)))).toEqual(before);
				expect(await store.attempts(settled)).toHaveLength(1);
				expect(await store.identity()).toEqual(identity);
				expect(await store.countOpen()).toEqual({ Pending: 1, Held: 0 });
				expect(before.map((delivery) => delivery && stateOf(delivery).status)).toEqual(["Succeeded", "Pending"]);
			});
		});
	});
}

function describeLifecycle(current: CurrentStore): void {
	it("can be probed", async () => {
		await current().probe(1);
		await current().probe(2);
	});

	it("may be closed twice, and then rejects calls as unavailable", async () => {
		await current().close();
		await current().close();
		await expect(current().probe(1)).rejects.toMatchObject({ name: "StoreError", code: "store_unavailable" });
		await expect(current().projects()).rejects.toMatchObject({ code: "store_unavailable" });
	});
}
