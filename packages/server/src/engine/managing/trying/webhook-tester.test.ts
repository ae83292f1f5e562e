// Tests of webhooks: how many attempts one makes, and that the tests of one project leave room for the others.
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type ReceivedRequest } from "@fanfare/testkit/receiver";
import { describe, expect, it, vi } from "vitest";

import { sign, signingKey } from "../../../core/crypto/signing.ts";
import { codeOf, draft, NOBODY, openDelivering } from "../../test/arrangements.ts";
import { changeIn, membershipOf, openTestEngine, type TestEngine } from "../../test/test-engine.ts";
import { openTwo } from "../../test/two-engines.ts";
import type { WebhookTest } from "../../webhook-test.ts";

const ONCE = { retries: { maxRetries: 0, maxBackoffMs: 0 } };

/** Starts a test that hangs. Returns the error code if it was refused. */
async function begin(test: TestEngine, projectId: string, webhookId: string): Promise<string> {
	const under = new Promise<string>((resolve) => setImmediate(resolve, "under way"));
	const result = codeOf(test.engine.webhooks.test(changeIn(projectId), webhookId, null));
	return (await Promise.race([result, under])) ?? "ended";
}

it("leaves some tests to other projects, however many one project starts", async () => {
	const { receiver, test, webhook: crowd } = await openDelivering();
	receiver.script(() => ({ kind: "hang" }));
	const begun = await Promise.all(Array.from({ length: 40 }, () => begin(test, test.projectId, crowd.id)));
	expect(begun.filter((result) => result === "under way")).toHaveLength(32);
	expect(begun.filter((result) => result === "overloaded")).toHaveLength(8);

	const other = await test.engine.projects.create("Other", null);
	const webhook = await test.createWebhook(receiver.url, {}, other.id);
	expect(await begin(test, other.id, webhook.id)).toBe("under way");
});

it("allows new tests once others have ended", async () => {
	const { test, id } = await openDelivering();
	for (let round = 0; round < 3; round++) {
		const tests = Array.from({ length: 32 }, () => test.engine.webhooks.test(test.change, id, null));
		expect((await Promise.all(tests)).map(({ status }) => status)).toEqual(Array(32).fill("Ok"));
	}
});

it("ends at a stop of the engine, without another attempt", async () => {
	const { receiver, test, id } = await openDelivering();
	receiver.script(() => ({ kind: "hang" }));
	const testing = test.engine.webhooks.test(test.change, id, null);
	await receiver.waitFor(1);
	await test.engine.stop();
	expect(await testing).toMatchObject({ status: "Failed", responseCode: 0, attemptCount: 1 });
	expect(receiver.requests).toHaveLength(1);
});

it.each([
	[0, 1],
	[2, 3],
	[3, 4],
	[20, 4],
])("with a policy of %i retries makes %i attempts within seconds", async (maxRetries, attemptCount) => {
	const { receiver, test, id } = await openDelivering({ retries: { maxRetries, maxBackoffMs: 28_800_000 } });
	receiver.script(() => ({ status: 503 }));
	const timers = vi.spyOn(test.clock, "after");
	const testing = test.engine.webhooks.test(test.change, id, null);
	for (let attempt = 1; attempt < attemptCount; attempt++) {
		await receiver.waitFor(attempt);
		// Time passes only between the attempts, however long they take. Nothing else sets a timer of this length here.
		await eventually("the test waits for its next attempt", () => {
			return timers.mock.calls.filter(([delayMs]) => delayMs === 1_000).length === attempt;
		});
		test.clock.advance(1_000);
	}
	expect(await testing).toMatchObject({ status: "Failed", responseCode: 503, attemptCount });
	expect(receiver.requests).toHaveLength(attemptCount);
});

it.each(["shortage", "queued", "aborted"] as const)(
	"says that Fanfare failed, and not the receiver: %s",
	async (error) => {
		const reason = "no free file descriptor";
		const nothing = { detail: null, cause: null, firstByteMs: null, connection: null, response: null };
		const beforeSend = () => ({ responseCode: 0, error, reason, durationMs: 1, ...nothing });
		await using test = await openTestEngine({ beforeSend });
		const { id } = await test.createWebhook(NOBODY, ONCE);
		expect(await test.engine.webhooks.test(test.change, id, null)).toMatchObject({
			status: "Failed",
			failedBy: "fanfare",
			reason: `Fanfare could not make the attempt, which says nothing about the receiver: ${reason}`,
		});
	},
);

it("blames the receiver for its own failures alone", async () => {
	const { receiver, test, id } = await openDelivering(ONCE);
	receiver.respond([{ status: 500 }, { status: 410 }, { status: 204 }]);
	const results = [];
	for (let n = 0; n < 3; n++) results.push((await test.engine.webhooks.test(test.change, id, null)).failedBy);
	expect(results).toEqual(["receiver", "receiver", null]);
});

describe("a test that goes on while its webhook is changed", () => {
	/** Begins a test whose first attempt fails, makes a change, and lets the test end. */
	async function testDuring(change: (test: TestEngine, id: string) => Promise<unknown>) {
		const { receiver, test, id } = await openDelivering();
		receiver.script((_, index) => ({ status: index === 0 ? 500 : 204 }));
		let result: WebhookTest | null = null;
		const testing = test.engine.webhooks.test(test.change, id, null).then((ended) => (result = ended));
		await receiver.waitFor(1);
		await change(test, id);
		await eventually("the test has ended", () => {
			test.clock.advance(100);
			return result !== null;
		});
		return { result: await testing, requests: receiver.requests };
	}

	const secret = Buffer.alloc(32, 7);
	const isSignedWith = (key: Buffer, { headers, rawBody }: ReceivedRequest) => {
		const [eventId, timestamp] = [String(headers["webhook-id"]), Number(headers["webhook-timestamp"])];
		return headers["webhook-signature"] === sign([signingKey(key)], eventId, timestamp, rawBody);
	};

	it("signs the next attempt with the new secret alone", async () => {
		const { result, requests } = await testDuring((test, id) =>
			test.engine.webhooks.updateSecret(test.change, id, secret, 0),
		);
		expect(result).toMatchObject({ status: "Ok", attemptCount: 2 });
		expect(requests.map((request) => isSignedWith(secret, request))).toEqual([false, true]);
	});

	it("signs with the newest secret, also if another process has changed it again while the webhook was read", async () => {
		await using receiver = await startReceiver();
		receiver.script((_, index) => ({ status: index === 0 ? 500 : 204 }));
		const { low, high, clock } = await openTwo(receiver);
		const [id = ""] = low.webhookIds;
		const changeSecret = (key: Buffer) => high.test.engine.webhooks.updateSecret(high.test.change, id, key, 0);
		const testing = low.test.engine.webhooks.test(low.test.change, id, null);
		await receiver.waitFor(1);
		await changeSecret(Buffer.alloc(32, 8));
		const [reading, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		low.test.engineStore.webhookRecords = async (ids) => {
			low.test.engineStore.webhookRecords = (again) => low.test.store.webhookRecords(again);
			const records = await low.test.store.webhookRecords(ids);
			reading.resolve();
			await answered.promise;
			return records;
		};
		let isReading = false;
		void reading.promise.then(() => (isReading = true));
		await eventually("the webhook is read for the second attempt", () => {
			clock.advance(100);
			return isReading;
		});
		await changeSecret(secret);
		answered.resolve();
		expect(await testing).toMatchObject({ status: "Ok", attemptCount: 2 });
		expect(receiver.requests.map((request) => isSignedWith(secret, request))).toEqual([false, true]);
	});

	it("sends nothing more once it is deleted", async () => {
		const { result, requests } = await testDuring((test, id) => test.engine.webhooks.delete(test.change, id));
		expect(result).toMatchObject({ status: "Failed", responseCode: 500, attemptCount: 1 });
		expect(requests).toHaveLength(1);
	});

	it("sends nothing at all if it is deleted before the first attempt", async () => {
		const { receiver, test, id } = await openDelivering();
		const [writing, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		test.engineStore.insertAuditEntry = async (entry) => {
			await test.store.insertAuditEntry(entry);
			writing.resolve();
			await written.promise;
		};
		const testing = test.engine.webhooks.test({ ...test.change, audit: draft("webhook.test") }, id, null);
		await writing.promise;
		await test.engine.webhooks.delete(test.change, id);
		written.resolve();
		await expect(testing).rejects.toMatchObject({ code: "webhook_not_found" });
		expect(receiver.requests).toHaveLength(0);
	});
});

it.each([0, 1])(
	"sends nothing more after %i attempts if its process may not know of changes any more",
	async (made) => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		const member = { isMember: true };
		await using test = await openTestEngine({ membership: membershipOf(member) });
		const { id } = await test.createWebhook(receiver.url);
		if (made === 0) member.isMember = false;
		let ended: string | null = null;
		void codeOf(test.engine.webhooks.test(test.change, id, null)).then((code) => (ended = code));
		await receiver.waitFor(made);
		member.isMember = false;
		await eventually("the test has ended", () => {
			test.clock.advance(100);
			return ended !== null;
		});
		expect(ended).toBe("store_unavailable");
		expect(receiver.requests).toHaveLength(made);
	},
);
