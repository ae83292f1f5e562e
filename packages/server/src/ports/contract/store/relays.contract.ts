// The contract of what is kept of relays.
import { expect, it } from "vitest";

import { customerScope, projectScope, type Scope } from "../../../core/access/principal.ts";
import { relayEndpoint, type Relay } from "../../../core/receivers/relay.ts";
import { addWebhook, fillStore, idsOf, NEWEST, type CurrentStore } from "./records/records.ts";
import { ANY_WEBHOOK } from "./records/webhooks.ts";

export function describeRelays(current: CurrentStore): void {
	async function open() {
		const { store, records, projectId } = await fillStore(current(), 0);
		const relay = (device: string, changes: Partial<Relay> = {}): Relay => ({
			webhookId: records.webhook(projectId, {}).id,
			projectId,
			customerId: null,
			device,
			mirrorOf: null,
			epoch: 0,
			seenDate: 1_000,
			...changes,
		});
		return { store, records, projectId, scope: projectScope(projectId), relay };
	}

	it("keeps a relay with all that belongs to it", async () => {
		const { store, records, projectId, scope, relay } = await open();
		const plain = relay("b");
		const full = relay("a", { customerId: "acme", mirrorOf: records.webhook(projectId, {}).id });
		for (const one of [plain, full]) await store.putRelay(one);
		for (const one of [plain, full]) expect(await store.relay(one.webhookId)).toEqual(one);
		expect(await store.relays(scope, 10)).toEqual([plain, full]);
		expect(await store.relays(scope, 1)).toEqual([plain]);
		expect(await store.relays(customerScope(projectId, "acme"), 10)).toEqual([full]);
		expect(await store.relays(customerScope(projectId, "globex"), 10)).toEqual([]);
	});

	it("has one relay of a device, for each customer and for the project", async () => {
		const { store, scope, relay } = await open();
		const first = relay("laptop");
		const second = relay("laptop");
		const ofCustomer = relay("laptop", { customerId: "acme" });
		for (const one of [first, ofCustomer, second]) await store.putRelay(one);
		expect(await store.relays(scope, 10)).toEqual([second, ofCustomer]);
		expect(await store.relay(first.webhookId)).toBeNull();
		await store.removeRelay(second.webhookId);
		await store.removeRelay(second.webhookId);
		expect(await store.relays(scope, 10)).toEqual([ofCustomer]);
	});

	it("raises the epoch with each client, and tells those who have lost the relay", async () => {
		const { store, relay } = await open();
		const [one, other] = [relay("one"), relay("other")];
		for (const each of [one, other]) await store.putRelay(each);
		expect(await store.holdRelay(one.webhookId, 5_000)).toBe(1);
		expect(await store.holdRelay(one.webhookId, 4_000)).toBe(2);
		expect(await store.relay(one.webhookId)).toEqual({ ...one, epoch: 2, seenDate: 5_000 });
		expect(await store.holdRelay(relay("unknown").webhookId, 5_000)).toBeNull();
		const held = [
			{ webhookId: one.webhookId, epoch: 1 },
			{ webhookId: other.webhookId, epoch: 0 },
		];
		expect(await store.relaysSeen(held, 9_000)).toEqual([one.webhookId]);
		expect(await store.relay(one.webhookId)).toMatchObject({ seenDate: 5_000 });
		expect(await store.relay(other.webhookId)).toMatchObject({ seenDate: 9_000 });
		expect(await store.relaysSeen([{ webhookId: one.webhookId, epoch: 2 }], 9_500)).toEqual([]);
	});

	it("leaves their webhooks out of the list of webhooks, unless it is asked for", async () => {
		const { store, records, projectId, scope } = await open();
		const before = await addWebhook(store, records.webhook(projectId, {}));
		const ofCustomer = await addWebhook(store, records.webhook(projectId, { customerId: "acme" }));
		const relays: string[] = [];
		for (const customerId of [null, "acme"]) {
			const record = records.webhook(projectId, { customerId });
			await addWebhook(store, { ...record, endpoint: relayEndpoint(record.id) });
			relays.unshift(record.id);
		}
		const page = async (of: Scope) => idsOf(await store.webhooks(of, ANY_WEBHOOK, NEWEST));
		expect(await page(scope)).toEqual([ofCustomer.id, before.id]);
		expect(await page(customerScope(projectId, "acme"))).toEqual([ofCustomer.id]);
		const all = idsOf(await store.webhooks(scope, { ...ANY_WEBHOOK, withRelays: true }, NEWEST));
		expect(all).toEqual([...relays, ofCustomer.id, before.id]);
	});

	it("finds those that were not seen since a time, the longest gone first", async () => {
		const { store, relay } = await open();
		const relays = [3_000, 1_000, 2_000].map((seenDate) => relay(`seen ${seenDate}`, { seenDate }));
		for (const each of relays) await store.putRelay(each);
		const goneBefore = async (before: number, limit = 10) =>
			(await store.goneRelays(before, limit)).map(({ seenDate }) => seenDate);
		expect(await goneBefore(3_000)).toEqual([1_000, 2_000]);
		expect(await goneBefore(3_001, 2)).toEqual([1_000, 2_000]);
		expect(await goneBefore(1_000)).toEqual([]);
	});
}
