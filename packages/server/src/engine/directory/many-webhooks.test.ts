// More webhooks than fit into one page: read at a start, and after another process has made them. And more than fit into the memory
// for what attempts need.
import { expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { createSealer } from "../../core/crypto/sealing.ts";
import type { WebhookRecord } from "../../ports/store/directory.ts";
import type { Store } from "../../ports/store/store.ts";
import { NOBODY } from "../test/arrangements.ts";
import { eventInput, openTestEngine } from "../test/test-engine.ts";
import { ArmedWebhooks } from "./armed-webhooks.ts";
import { sealHeaders } from "./sealed-webhook.ts";

const MANY = 2_100;

/** Adds copies of a webhook. */
async function addCopies(store: Store, webhookId: string, count: number): Promise<void> {
	const [original] = await store.webhookRecords([webhookId]);
	const copy = (number: number) => original!.id.replace(/.{12}$/, String(number).padStart(12, "0"));
	for (let number = 0; number < count; number++) await store.insertWebhook({ ...original!, id: copy(number) }, null);
}

it("are all sent to after a start, and after another process has made them", async () => {
	await using one = await openTestEngine();
	const { id } = await one.createWebhook(NOBODY, { eventTypes: ["wide.*"] });
	await one.engine.webhooks.pause(one.change, id);
	await addCopies(one.store, id, MANY);
	const deliveryCount = async (test: typeof one) =>
		(await test.engine.intake.send(test.scope, eventInput({ type: "wide.event" }))).event.deliveryCount;
	await using other = await openTestEngine({ store: one.store });
	expect([await deliveryCount(other), await deliveryCount(one)]).toEqual([MANY + 1, MANY + 1]);
});

/** A webhook, its record without secrets, and what attempts need in memory, which reads records as the test says. */
async function openArmed(read: (ids: readonly string[], record: WebhookRecord) => Promise<readonly WebhookRecord[]>) {
	await using test = await openTestEngine();
	const webhook = await test.createWebhook(NOBODY);
	const [stored] = await test.store.webhookRecords([webhook.id]);
	const record = { ...stored!, secrets: [] };
	const sealer = createSealer(Buffer.alloc(32), systemChance);
	const armed = new ArmedWebhooks({ sealer, store: { webhookRecords: (ids) => read(ids, record) } });
	return { webhook, record, sealer, armed };
}

it("lets nobody who comes later go on before those who wait for a read", async () => {
	const read = Promise.withResolvers<readonly WebhookRecord[]>();
	const { webhook, record, armed } = await openArmed(() => read.promise);
	const order: string[] = [];
	const wait = async (name: string) => {
		await armed.read(webhook.id);
		order.push(name);
	};
	// Looks again in every microtask, so that it meets each moment in which it could overtake the others.
	const look = async () => {
		while (armed.get(webhook) === undefined) await Promise.resolve();
		order.push("later");
	};
	const waiting = [wait("first"), wait("second")];
	read.resolve([record]);
	await Promise.all([...waiting, look(), look()]);
	expect(order).toEqual(["first", "second", "later", "later"]);
});

it("keeps nothing of a webhook that was forgotten while it was read", async () => {
	const found = Promise.withResolvers<readonly WebhookRecord[]>();
	const { webhook, record, armed } = await openArmed(() => found.promise);
	const reading = armed.read(webhook.id);
	await Promise.resolve();
	armed.forget(webhook);
	found.resolve([record]);
	expect(await reading).toMatchObject({ id: webhook.id });
	expect(armed.get(webhook)).toBeUndefined();
});

it("keeps those that were used last within its bound, in which the project that has most loses first, and reads the others again", async () => {
	const headers = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`x-${n}`, "v".repeat(1_024)]));
	let reads = 0;
	// The store's own records, with the largest headers.
	const { record, sealer, armed } = await openArmed((ids, stored) => {
		reads += ids.length;
		return Promise.resolve(ids.map((id) => large(id, stored)));
	});
	const large = (id: string, stored: WebhookRecord): WebhookRecord => {
		const projectId = id.startsWith("stranger") ? "stranger" : stored.projectId;
		return { ...stored, id, projectId, sealedHeaders: sealHeaders(headers, id, sealer) };
	};
	// A project that has few keeps them beside one that has many.
	await armed.read("stranger_1");
	const ids = Array.from({ length: 4_000 }, (_, n) => `webhook_${n}`);
	for (const webhookId of ids) await armed.read(webhookId);
	const get = (webhookId: string, revision = record.revision) => armed.get({ ...record, id: webhookId, revision });
	const kept = ids.filter((webhookId) => get(webhookId) !== undefined);
	// 64 MiB, of which each takes over 20 KB.
	expect(kept.length).toBeLessThan(3_200);
	expect(kept.length).toBeGreaterThan(2_000);
	expect(kept).toEqual(ids.slice(-kept.length));
	expect(armed.get({ id: "stranger_1", projectId: "stranger", revision: record.revision })).toBeDefined();
	expect(reads).toBe(1 + ids.length);
	expect(await armed.read(ids[0]!)).toMatchObject({ id: ids[0], headers });
	expect(get(ids[0]!, record.revision + 1)).toBeUndefined();
});
