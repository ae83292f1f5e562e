// What an attempt needs of a webhook is read from the store when it is made, unless it is in memory. That must neither break the
// order of attempts nor make an attempt that an earlier change forbids.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { SHARDS } from "../../core/cluster/shard.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { ScriptedCluster, type ScriptedMember } from "../test/scripted-cluster.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const ALL_SHARDS = Array.from({ length: SHARDS }, (_, shard) => shard);

/** Holds back the results of reads of webhooks, until the test lets them arrive. */
function holdReads({ engineStore, store }: TestEngine) {
	const read = store.webhookRecords.bind(store);
	const calls: (readonly string[])[] = [];
	const arrive: (() => void)[] = [];
	engineStore.webhookRecords = async (ids) => {
		calls.push(ids);
		const records = await read(ids);
		await new Promise<void>((resolve) => arrive.push(resolve));
		return records;
	};
	return {
		calls,
		/** Lets what was read so far arrive. */
		arrive: () => {
			for (const resolve of arrive.splice(0)) resolve();
		},
		/** Reads are as usual again. */
		end: () => {
			engineStore.webhookRecords = read;
		},
	};
}

describe("attempts to a webhook that is not in memory", () => {
	it("begin in the order of the deliveries, also those that come while others wait", async () => {
		const urls: string[] = [];
		await using receiver = await startReceiver();
		await using test = await openTestEngine({
			beforeSend: ({ headers }) => {
				urls.push(headers["webhook-id"] ?? "");
				return null;
			},
		});
		const { id } = await test.createWebhook(receiver.url);
		const reads = holdReads(test);
		const sent = [await test.send(), await test.send(), await test.send()];
		await eventually("the webhook is read", () => reads.calls.length === 1);
		reads.arrive();
		// These are in line before the read has arrived everywhere.
		sent.push(await test.send(), await test.send());
		for (const eventId of sent) await test.delivery(eventId, { status: "Succeeded" });
		expect(urls).toEqual(sent);
		expect(reads.calls).toEqual([[id]]);
	});

	it("read all webhooks of a wide event in few calls", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const ids: string[] = [];
		for (let count = 0; count < 150; count++) ids.push((await test.createWebhook(receiver.url)).id);
		const reads = holdReads(test);
		await test.send();
		await eventually("the webhooks are read", () => reads.calls.flat().length === ids.length);
		expect(reads.calls.map((call) => call.length)).toEqual([100, 50]);
		reads.arrive();
		await eventually("all are attempted", () => receiver.requests.length === ids.length);
	});

	it.each(["cancelled", "erased"])("are not made if the delivery was %s during the read", async (how) => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const reads = holdReads(test);
		const eventId = await test.send();
		const { id } = await test.delivery(eventId, { status: "Pending" });
		await eventually("the webhook is read", () => reads.calls.length === 1);
		if (how === "cancelled") await test.engine.deliveries.cancel(test.change, id);
		else await test.engine.events.erasePayload(test.change, eventId);
		reads.end();
		reads.arrive();
		await eventually("nothing is in flight", () => test.engine.gauges().inFlightAttempts === 0);
		expect(receiver.requests).toEqual([]);
		expect(await test.attempts(id)).toEqual([]);
		await test.delivery(eventId, { status: "Cancelled" });
	});

	it("are given to the endpoint and signed by the secret of a change that was made during the read", async () => {
		await using before = await startReceiver();
		await using after = await startReceiver();
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(before.url);
		const reads = holdReads(test);
		const eventId = await test.send();
		await eventually("the webhook is read", () => reads.calls.length === 1);
		reads.end();
		await test.engine.webhooks.update(test.change, id, { endpoint: after.url, headers: { "x-new": "yes" } });
		reads.arrive();
		await test.delivery(eventId, { status: "Succeeded" });
		expect(before.requests).toEqual([]);
		expect(after.requests.map(({ headers }) => headers["x-new"])).toEqual(["yes"]);
	});

	it.each([
		["paused", "Held", (test: TestEngine, id: string) => test.engine.webhooks.pause(test.change, id)],
		["deleted", "Cancelled", (test: TestEngine, id: string) => test.engine.webhooks.delete(test.change, id)],
	] as const)("are not made if the webhook is %s during the read", async (_, status, change) => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url);
		const reads = holdReads(test);
		const eventId = await test.send();
		await eventually("the webhook is read", () => reads.calls.length === 1);
		reads.end();
		await change(test, id);
		reads.arrive();
		await test.delivery(eventId, { status });
		await eventually("nothing is in flight", () => test.engine.gauges().inFlightAttempts === 0);
		expect(receiver.requests).toEqual([]);
	});

	it("are made once if the delivery is cancelled and retried during the read", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const reads = holdReads(test);
		const eventId = await test.send();
		await eventually("the webhook is read", () => reads.calls.length === 1);
		const [{ id } = { id: "" }] = await test.deliveries();
		await test.engine.deliveries.cancel(test.change, id);
		await test.engine.deliveries.retry(test.change, id);
		reads.arrive();
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		const next = await test.send();
		await test.delivery(next, { status: "Succeeded" });
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([eventId, next]);
	});

	it("are not made if the server is stopped during the read: the next start makes them", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const reads = holdReads(test);
		const eventId = await test.send();
		await eventually("the webhook is read", () => reads.calls.length === 1);
		const stopped = test.engine.stop();
		reads.arrive();
		await stopped;
		expect(receiver.requests).toEqual([]);
		expect(await test.deliveries()).toMatchObject([{ status: "Pending", leaseUntil: null, attemptCount: 0 }]);
		await using next = await openTestEngine({ store: test.store });
		await next.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
	});

	it.each([
		["has lost the webhook", (cluster: ScriptedCluster) => cluster.expire(ALL_SHARDS)],
		["is stalled", (_: ScriptedCluster, member: ScriptedMember) => (member.stalled = true)],
	] as const)("are not made if the process %s during the read", async (_, happens) => {
		await using receiver = await startReceiver();
		const cluster = new ScriptedCluster();
		const member = cluster.join("a", ALL_SHARDS);
		await using test = await openTestEngine({ tenure: member.tenure, wire: member.wire });
		await test.createWebhook(receiver.url);
		const reads = holdReads(test);
		await test.send();
		await eventually("the webhook is read", () => reads.calls.length === 1);
		reads.end();
		happens(cluster, member);
		reads.arrive();
		await eventually("nothing is in flight", () => test.engine.gauges().inFlightAttempts === 0);
		expect(receiver.requests).toEqual([]);
		expect((await test.deliveries())[0]).toMatchObject({ status: "Pending", attemptCount: 0 });
	});

	it("keep to the rate limit when a slow read ends", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url, { rateLimit: { perSecond: 2 } });
		test.clock.advance(10_000);
		const reads = holdReads(test);
		for (let count = 0; count < 10; count++) await test.send();
		await eventually("the webhook is read", () => reads.calls.length === 1);
		for (let second = 0; second < 5; second++) test.clock.advance(1_000);
		expect(test.engine.gauges().inFlightAttempts).toBe(0);
		reads.arrive();
		await eventually("the burst is attempted", () => receiver.requests.length === 2);
		await eventually("nothing is in flight", () => test.engine.gauges().inFlightAttempts === 0);
		expect(receiver.requests).toHaveLength(2);
		test.clock.advance(1_000);
		await eventually("two more are attempted", () => receiver.requests.length === 4);
		expect(reads.calls).toEqual([[id]]);
	});

	it("are made a second later if there is a rate limit and the store can't be read", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url, { rateLimit: { perSecond: 2 } });
		test.clock.advance(10_000);
		const read = test.store.webhookRecords.bind(test.store);
		test.engineStore.webhookRecords = () => Promise.reject(new StoreError("store_unavailable", "it hangs"));
		const eventId = await test.send();
		await eventually("the failure is reported", () => test.observer.problems.length > 0);
		test.engineStore.webhookRecords = read;
		test.clock.advance(999);
		expect(test.engine.gauges()).toMatchObject({ inFlightAttempts: 0, readyDeliveries: 1 });
		test.clock.advance(1);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		expect(test.observer.problems).toHaveLength(1);
	});

	it("are made after the lease if the store can't be read", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const read = test.store.webhookRecords.bind(test.store);
		test.engineStore.webhookRecords = () => Promise.reject(new StoreError("store_unavailable", "it hangs"));
		const eventId = await test.send();
		await eventually("the failure is reported", () => test.observer.problems.length > 0);
		expect(test.observer.problems[0]).toMatchObject({ error: { code: "store_unavailable" } });
		test.engineStore.webhookRecords = read;
		await eventually("the lease has ended", async () => {
			test.clock.advance(10_000);
			return (await test.deliveries({ eventId }))[0]?.status === "Succeeded";
		});
		expect(receiver.requests).toHaveLength(1);
	});
});

describe("the outcome of an attempt during which the webhook was changed", () => {
	it("counts by the new retry policy, also if that must be read", async () => {
		const changed = Promise.withResolvers<void>();
		let requests = 0;
		const receiver = createServer((_request, response) => {
			requests++;
			void changed.promise.then(() => response.writeHead(500).end());
		});
		receiver.listen(0, "127.0.0.1");
		await once(receiver, "listening");
		await using test = await openTestEngine();
		const { port } = receiver.address() as AddressInfo;
		const { id } = await test.createWebhook(`http://127.0.0.1:${port}/`, { eventTypes: ["test.event"] });
		const eventId = await test.send();
		await eventually("the attempt is under way", () => requests === 1);
		// As another process does it: memory learns of it with the next send, and only that there is a newer revision.
		const [record] = await test.store.webhookRecords([id]);
		const next = { ...record!, retries: { maxRetries: 0, maxBackoffMs: 0 } };
		await test.store.updateWebhook(next, { expected: record!.revision, entry: null });
		await test.send({ type: "nobody.wants.this" });
		changed.resolve();
		await test.delivery(eventId, { status: "Failed", attemptCount: 1 });
		receiver.close();
	});
});
