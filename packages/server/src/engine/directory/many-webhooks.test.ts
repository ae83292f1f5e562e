// More webhooks than fit into one page: read at a start, and after another process has made them. And more than fit into the memory
// for what attempts need.
import { expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { createSealer } from "../../core/crypto/sealing.ts";
import type { WebhookRecord } from "../../ports/store/directory.ts";
import type { Store } from "../../ports/store/store.ts";
import { openTestEngine } from "../test/test-engine.ts";
import { ArmedWebhooks } from "./armed-webhooks.ts";
import { sealHeaders } from "./sealed-webhook.ts";

const MANY = 2_100;

/** Adds copies of a webhook. */
async function addCopies(store: Store, webhookId: string, count: number): Promise<void> {
	const [record] = await store.webhookRecords([webhookId]);
	const copy = (number: number) => record!.id.replace(/.{12}$/, String(number).padStart(12, "0"));
	for (let number = 0; number < count; number++) await store.insertWebhook({ ...record!, id: copy(number) }, null);
}

it("are all sent to after a start, and after another process has made them", async () => {
	const store = await openSqliteStore({ path: ":memory:" });
	await using one = await openTestEngine({ store });
	const { id } = await one.createWebhook("http://127.0.0.1:9/", { eventTypes: ["wide.*"] });
	await one.engine.webhooks.pause(one.change, id);
	await addCopies(store, id, MANY);
	const send = async (test: typeof one) => {
		const { event } = await test.engine.intake.send(test.scope, {
			type: "wide.event",
			dataJson: "{}",
			timestamp: null,
			idempotencyKey: null,
			webhookIds: null,
			traceparent: null,
			customers: null,
			tags: [],
		});
		return event.deliveryCount;
	};
	await using other = await openTestEngine({ store });
	expect(await send(other)).toBe(MANY + 1);
	expect(await send(one)).toBe(MANY + 1);
	await one.stop();
	await other.stop();
	await store.close();
});

it("lets nobody who comes later go on before those who wait for a read", async () => {
	const store = await openSqliteStore({ path: ":memory:" });
	await using test = await openTestEngine({ store });
	const webhook = await test.createWebhook("http://127.0.0.1:9/");
	const { id } = webhook;
	const [record] = await store.webhookRecords([id]);
	const read = Promise.withResolvers<readonly WebhookRecord[]>();
	const sealer = createSealer(Buffer.alloc(32), systemChance);
	const armed = new ArmedWebhooks({ sealer, store: { webhookRecords: () => read.promise } });
	const order: string[] = [];
	const wait = async (name: string) => {
		await armed.read(id);
		order.push(name);
	};
	// Looks again in every microtask, so that it meets each moment in which it could overtake the others.
	const look = async () => {
		while (armed.get(webhook) === undefined) await Promise.resolve();
		order.push("later");
	};
	const waiting = [wait("first"), wait("second")];
	read.resolve([{ ...record!, secrets: [] }]);
	await Promise.all([...waiting, look(), look()]);
	expect(order).toEqual(["first", "second", "later", "later"]);
	await test.stop();
	await store.close();
});

it("keeps those that were used last within its bound, in which the project that has most loses first, and reads the others again", async () => {
	const store = await openSqliteStore({ path: ":memory:" });
	await using test = await openTestEngine({ store });
	const { id } = await test.createWebhook("http://127.0.0.1:9/");
	const [record] = await store.webhookRecords([id]);
	const sealer = createSealer(Buffer.alloc(32), systemChance);
	const headers = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`x-${n}`, "v".repeat(1_024)]));
	// The store's own records, with the largest headers, sealed for this sealer.
	const large = (webhookId: string): WebhookRecord => ({
		...record!,
		id: webhookId,
		projectId: webhookId.startsWith("stranger") ? "stranger" : record!.projectId,
		secrets: [],
		sealedHeaders: sealHeaders(headers, webhookId, sealer),
	});
	let reads = 0;
	const armed = new ArmedWebhooks({
		sealer,
		store: {
			webhookRecords: (ids) => {
				reads += ids.length;
				return Promise.resolve(ids.map(large));
			},
		},
	});
	// A project that has few keeps them beside one that has many.
	await armed.read("stranger_1");
	const ids = Array.from({ length: 4_000 }, (_, n) => `webhook_${n}`);
	for (const webhookId of ids) await armed.read(webhookId);
	const get = (webhookId: string, revision = record!.revision) => armed.get({ ...record!, id: webhookId, revision });
	const kept = ids.filter((webhookId) => get(webhookId) !== undefined);
	// 64 MiB, of which each takes over 20 KB.
	expect(kept.length).toBeLessThan(3_200);
	expect(kept.length).toBeGreaterThan(2_000);
	expect(kept).toEqual(ids.slice(-kept.length));
	expect(armed.get({ id: "stranger_1", projectId: "stranger", revision: record!.revision })).toBeDefined();
	expect(reads).toBe(1 + ids.length);
	expect(await armed.read(ids[0]!)).toMatchObject({ id: ids[0], headers });
	expect(get(ids[0]!, record!.revision + 1)).toBeUndefined();
	await test.stop();
	await store.close();
});
