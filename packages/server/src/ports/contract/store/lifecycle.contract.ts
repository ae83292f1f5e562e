// The contract of the lifecycle slice: the identity of a store, its probe, closing, and reopening.
import { describe, expect, it } from "vitest";

import { fillStore, Records, stateOf, type CurrentStore, type Reopen } from "./records/records.ts";

/** Pass null for `reopen` if the data of the store ends with it. */
export function describeLifecycle(current: CurrentStore, reopen: Reopen | null): void {
	describeIdentity(current);
	describeReseal(current);

	it("can be probed", async () => {
		await current().probe(1);
		await current().probe(2);
	});

	it("may be closed twice, and then rejects calls with store_unavailable", async () => {
		await current().close();
		await current().close();
		await expect(current().probe(1)).rejects.toMatchObject({ name: "StoreError", code: "store_unavailable" });
		await expect(current().projects()).rejects.toMatchObject({ code: "store_unavailable" });
	});

	describe.skipIf(reopen === null)("after it was reopened", () => {
		it("still has everything that was committed", async () => {
			const { store, scope, accept, update, records } = await fillStore(current());
			const [succeeded = "", waiting = ""] = [...(await accept()), ...(await accept())];
			await update(records.outcome(succeeded, 1));
			const before = await Promise.all([succeeded, waiting].map((id) => store.delivery(scope, id)));
			const identity = await store.identity();
			await reopen?.();
			const reopened = current();
			expect(await Promise.all([succeeded, waiting].map((id) => reopened.delivery(scope, id)))).toEqual(before);
			expect(await reopened.attempts(succeeded)).toHaveLength(1);
			expect(await reopened.identity()).toEqual(identity);
			expect(await reopened.countOpen()).toEqual({ Pending: 1, Held: 0 });
			expect(before.map((delivery) => delivery && stateOf(delivery).status)).toEqual(["Succeeded", "Pending"]);
		});
	});
}

function describeIdentity(current: CurrentStore): void {
	it("has no identity until it is initialized", async () => {
		expect(await current().identity()).toBeNull();
		const records = new Records();
		const [identity, project, key] = [records.identity(), records.project(), records.key()];
		await current().initialize(identity, project, key);
		expect(await current().identity()).toEqual(identity);
		expect(await current().projects()).toEqual([project]);
		expect(await current().keys()).toEqual([{ ...key, digest: new Uint8Array(key.digest) }]);
	});

	it("refuses to be initialized twice, and then changes nothing", async () => {
		const { store, records } = await fillStore(current());
		const again = store.initialize(records.identity(), records.project("Second"), records.key());
		await expect(again).rejects.toMatchObject({ code: "store_conflict" });
		expect(await store.projects()).toHaveLength(1);
		expect(await store.keys()).toHaveLength(1);
	});
}

function describeReseal(current: CurrentStore): void {
	it("reseals all given records together with the fingerprint, or none of them", async () => {
		const { store, records } = await fillStore(current(), 2);
		const before = await store.webhookRecords();
		const sealed = before.map((record) => ({ ...record, sealedHeaders: Uint8Array.of(42) }));
		const unknown = records.webhook(before[0]?.projectId ?? "");
		await expect(store.reseal([...sealed, unknown], "ff00")).rejects.toMatchObject({ code: "store_conflict" });
		expect(await store.webhookRecords()).toEqual(before);
		expect((await store.identity())?.masterKeyFingerprint).toBe("00ff");
		await store.reseal(sealed, "ff00");
		expect(await store.webhookRecords()).toEqual(sealed);
		expect((await store.identity())?.masterKeyFingerprint).toBe("ff00");
	});
}
