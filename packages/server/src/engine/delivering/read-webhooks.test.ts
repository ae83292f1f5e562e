// What an attempt needs of a webhook is read from the store when it is made, unless it is in memory. That must neither break the
// order of attempts nor make an attempt that an earlier change forbids.
import { describe, expect, it } from "vitest";

import { SHARDS } from "../../core/cluster/shard.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { holdFirst, openDelivering, openReceiver, received } from "../test/delivering.ts";
import { ScriptedCluster, type ScriptedMember } from "../test/scripted-cluster.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const ALL_SHARDS = Array.from({ length: SHARDS }, (_, shard) => shard);

/** Holds back the results of reads of webhooks, until the test lets them arrive. */
function holdReads({ engineStore, store }: TestEngine) {
	const read = store.webhookRecords.bind(store);
	const calls: (readonly string[])[] = [];
	const held: (() => void)[] = [];
	engineStore.webhookRecords = async (ids) => {
		calls.push(ids);
		const records = await read(ids);
		await new Promise<void>((resolve) => held.push(resolve));
		return records;
	};
	/** Lets what was read so far arrive. */
	const arrive = () => {
		for (const resolve of held.splice(0)) resolve();
	};
	/** Reads are as usual again. */
	const end = () => (engineStore.webhookRecords = read);
	return { calls, arrive, end };
}

/** An engine whose webhook is being read for the attempt of an event. */
async function openReading(options: Parameters<typeof openDelivering>[1] = {}) {
	const opened = await openDelivering(null, options);
	const { test, receiver } = opened;
	const reads = holdReads(test);
	const eventId = await test.send();
	const { id } = await test.delivery(eventId, { status: "Pending" });
	await eventually("the webhook is read", () => reads.calls.length === 1);
	/** Lets the read arrive, and expects that no attempt follows. */
	const expectNoAttempt = async (expected: Parameters<TestEngine["delivery"]>[1]) => {
		reads.end();
		reads.arrive();
		await test.delivery(eventId, { ...expected, attemptCount: 0 });
		await eventually("nothing is in flight", () => test.engine.gauges().inFlightAttempts === 0);
		expect(receiver.requests).toEqual([]);
	};
	return { ...opened, reads, eventId, id, expectNoAttempt };
}

describe("attempts to a webhook that is not in memory", () => {
	it("begin in the order of the deliveries, also those that come while others wait", async () => {
		const begun: string[] = [];
		const { test, webhook, reads, eventId } = await openReading({
			beforeSend: ({ headers }) => {
				begun.push(headers["webhook-id"] ?? "");
				return null;
			},
		});
		const sent = [eventId, await test.send(), await test.send()];
		reads.arrive();
		// These are in line before the read has arrived everywhere.
		sent.push(await test.send(), await test.send());
		for (const id of sent) await test.delivery(id, { status: "Succeeded" });
		expect(begun).toEqual(sent);
		expect(reads.calls).toEqual([[webhook.id]]);
	});

	it("read all webhooks of a wide event in few calls", async () => {
		const { test, receiver } = await openDelivering();
		for (let count = 1; count < 150; count++) await test.createWebhook(receiver.url);
		const reads = holdReads(test);
		await test.send();
		await eventually("the webhooks are read", () => reads.calls.flat().length === 150);
		expect(reads.calls.map((call) => call.length)).toEqual([100, 50]);
		reads.arrive();
		await eventually("all are attempted", () => receiver.requests.length === 150);
	});

	it.each<[string, string, (test: TestEngine, ids: { delivery: string; event: string; webhook: string }) => unknown]>([
		[
			"the delivery is cancelled",
			"Cancelled",
			({ engine, change }, ids) => engine.deliveries.cancel(change, ids.delivery),
		],
		["the payload is erased", "Cancelled", ({ engine, change }, ids) => engine.events.erasePayload(change, ids.event)],
		["the webhook is paused", "Held", ({ engine, change }, ids) => engine.webhooks.pause(change, ids.webhook)],
		["the webhook is deleted", "Cancelled", ({ engine, change }, ids) => engine.webhooks.delete(change, ids.webhook)],
	])("are not made if %s during the read", async (_, status, change) => {
		const { test, webhook, reads, eventId, id, expectNoAttempt } = await openReading();
		reads.end();
		await change(test, { delivery: id, event: eventId, webhook: webhook.id });
		await expectNoAttempt({ status: status as "Held" });
		expect(await test.attempts(id)).toEqual([]);
	});

	it.each([
		["has lost the webhook", (cluster: ScriptedCluster) => cluster.expire(ALL_SHARDS)],
		["is stalled", (_: ScriptedCluster, member: ScriptedMember) => (member.stalled = true)],
	] as const)("are not made if the process %s during the read", async (_, happens) => {
		const cluster = new ScriptedCluster();
		const member = cluster.join("a", ALL_SHARDS);
		const { expectNoAttempt } = await openReading({ tenure: member.tenure, wire: member.wire });
		happens(cluster, member);
		await expectNoAttempt({ status: "Pending" });
	});

	it("are given to the endpoint and signed by the secret of a change that was made during the read", async () => {
		const after = await openReceiver();
		const { test, receiver, webhook, reads, eventId } = await openReading();
		reads.end();
		await test.engine.webhooks.update(test.change, webhook.id, { endpoint: after.url, headers: { "x-new": "yes" } });
		reads.arrive();
		await test.delivery(eventId, { status: "Succeeded" });
		expect(receiver.requests).toEqual([]);
		expect(after.requests.map(({ headers }) => headers["x-new"])).toEqual(["yes"]);
	});

	it("are made once if the delivery is cancelled and retried during the read", async () => {
		const { test, receiver, reads, eventId, id } = await openReading();
		await test.engine.deliveries.cancel(test.change, id);
		await test.engine.deliveries.retry(test.change, id);
		reads.arrive();
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
		const next = await test.send();
		await test.delivery(next, { status: "Succeeded" });
		expect(received(receiver)).toEqual([eventId, next]);
	});

	it("are not made if the server is stopped during the read: the next start makes them", async () => {
		const { test, receiver, reads, eventId } = await openReading();
		const stopped = test.engine.stop();
		reads.arrive();
		await stopped;
		expect(receiver.requests).toEqual([]);
		expect(await test.deliveries()).toMatchObject([{ status: "Pending", leaseUntil: null, attemptCount: 0 }]);
		await using next = await openTestEngine({ store: test.store });
		await next.delivery(eventId, { status: "Succeeded", attemptCount: 1 });
	});

	it("keep to the rate limit when a slow read ends", async () => {
		const { test, receiver, webhook } = await openDelivering(null, { webhook: { rateLimit: { perSecond: 2 } } });
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
		expect(reads.calls).toEqual([[webhook.id]]);
	});

	it.each([true, false])(
		"are made later if the store can't be read, with a rate limit after a second: %s",
		async (isLimited) => {
			const { test, receiver } = await openDelivering(null, {
				webhook: { rateLimit: isLimited ? { perSecond: 2 } : null },
			});
			test.clock.advance(10_000);
			test.engineStore.webhookRecords = () => Promise.reject(new StoreError("store_unavailable", "it hangs"));
			const eventId = await test.send();
			await eventually("the failure is reported", () => test.observer.problems.length > 0);
			test.engineStore.webhookRecords = test.store.webhookRecords.bind(test.store);
			if (isLimited) {
				test.clock.advance(999);
				expect(test.engine.gauges()).toMatchObject({ inFlightAttempts: 0, readyDeliveries: 1 });
				test.clock.advance(1);
			}
			await eventually("it is made, if not otherwise after its lease", async () => {
				if (!isLimited) test.clock.advance(10_000);
				return (await test.deliveries({ eventId }))[0]?.status === "Succeeded";
			});
			expect(test.observer.problems).toMatchObject([{ error: { code: "store_unavailable" } }]);
			expect(receiver.requests).toHaveLength(1);
		},
	);
});

it("counts the outcome of an attempt by the retry policy that another process has set meanwhile", async () => {
	const { script, answer } = holdFirst();
	const { test, receiver, webhook } = await openDelivering(script, { webhook: { eventTypes: ["test.event"] } });
	const eventId = await test.send();
	await receiver.waitFor(1);
	// Memory learns of it with the next send, and only that there is a newer revision.
	const [record] = await test.store.webhookRecords([webhook.id]);
	const next = { ...record!, retries: { maxRetries: 0, maxBackoffMs: 0 } };
	await test.store.updateWebhook(next, { expected: record!.revision, entry: null });
	await test.send({ type: "nobody.wants.this" });
	answer({ status: 500 });
	await test.delivery(eventId, { status: "Failed", attemptCount: 1 });
});
