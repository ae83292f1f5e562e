// Tests of webhooks: how many attempts one makes, and that the tests of one project leave room for the others.
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it, vi } from "vitest";

import { sign, signingKey } from "../../../core/crypto/signing.ts";
import { changeIn, openTestEngine, type TestEngine } from "../../test/test-engine.ts";
import type { WebhookTest } from "../../webhook-test.ts";

/** Starts a test that hangs. Returns the error code if it was refused. */
async function begin(test: TestEngine, projectId: string, webhookId: string): Promise<string> {
	const under = new Promise<string>((resolve) => setImmediate(resolve, "under way"));
	const result = test.engine.webhooks.test(changeIn(projectId), webhookId, null).then(
		() => "ended",
		(error: { code: string }) => error.code,
	);
	return Promise.race([result, under]);
}

it("leaves some tests to other projects, however many one project starts", async () => {
	await using receiver = await startReceiver();
	receiver.script(() => ({ kind: "hang" }));
	await using test = await openTestEngine();
	const crowd = await test.createWebhook(receiver.url);
	const begun = await Promise.all(Array.from({ length: 40 }, () => begin(test, test.projectId, crowd.id)));
	expect(begun.filter((result) => result === "under way")).toHaveLength(32);
	expect(begun.filter((result) => result === "overloaded")).toHaveLength(8);

	const other = await test.engine.projects.create("Other", null);
	const webhook = await test.createWebhook(receiver.url, {}, other.id);
	expect(await begin(test, other.id, webhook.id)).toBe("under way");
});

it("allows new tests once others have ended", async () => {
	await using receiver = await startReceiver();
	await using test = await openTestEngine();
	const { id } = await test.createWebhook(receiver.url);
	for (let round = 0; round < 3; round++) {
		const tests = Array.from({ length: 32 }, () => test.engine.webhooks.test(test.change, id, null));
		expect((await Promise.all(tests)).map(({ status }) => status)).toEqual(Array(32).fill("Ok"));
	}
});

it("ends at a stop of the engine, without another attempt", async () => {
	await using receiver = await startReceiver();
	receiver.script(() => ({ kind: "hang" }));
	await using test = await openTestEngine();
	const { id } = await test.createWebhook(receiver.url);
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
	await using receiver = await startReceiver();
	receiver.script(() => ({ status: 503 }));
	await using test = await openTestEngine();
	const { id } = await test.createWebhook(receiver.url, { retries: { maxRetries, maxBackoffMs: 28_800_000 } });
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
		const failure = {
			responseCode: 0,
			error,
			reason: "no free file descriptor",
			detail: null,
			cause: null,
			durationMs: 1,
			firstByteMs: null,
			connection: null,
			response: null,
		};
		await using test = await openTestEngine({ beforeSend: () => failure });
		const { id } = await test.createWebhook("http://127.0.0.1:9/", { retries: { maxRetries: 0, maxBackoffMs: 0 } });
		expect(await test.engine.webhooks.test(test.change, id, null)).toMatchObject({
			status: "Failed",
			failedBy: "fanfare",
			reason: "Fanfare could not make the attempt, which says nothing about the receiver: no free file descriptor",
		});
	},
);

it("blames the receiver for its own failures alone", async () => {
	await using receiver = await startReceiver();
	receiver.respond([{ status: 500 }, { status: 410 }, { status: 204 }]);
	await using test = await openTestEngine();
	const { id } = await test.createWebhook(receiver.url, { retries: { maxRetries: 0, maxBackoffMs: 0 } });
	const results = [];
	for (let n = 0; n < 3; n++) results.push((await test.engine.webhooks.test(test.change, id, null)).failedBy);
	expect(results).toEqual(["receiver", "receiver", null]);
});

describe("a test that goes on while its webhook is changed", () => {
	/** Begins a test whose first attempt fails, makes a change, and lets the test end. */
	async function testDuring(change: (test: TestEngine, id: string) => Promise<unknown>) {
		await using receiver = await startReceiver();
		receiver.script((_, index) => ({ status: index === 0 ? 500 : 204 }));
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url);
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

	it("signs the next attempt with the new secret alone", async () => {
		const secret = Buffer.alloc(32, 7);
		const { result, requests } = await testDuring((test, id) =>
			test.engine.webhooks.updateSecret(test.change, id, secret, 0),
		);
		expect(result).toMatchObject({ status: "Ok", attemptCount: 2 });
		const { headers, rawBody } = requests[1] ?? {};
		const [eventId, timestamp] = [String(headers?.["webhook-id"]), Number(headers?.["webhook-timestamp"])];
		const expected = sign([signingKey(secret)], eventId, timestamp, rawBody ?? Buffer.alloc(0));
		expect(headers?.["webhook-signature"]).toBe(expected);
	});

	it("sends nothing more once it is deleted", async () => {
		const { result, requests } = await testDuring((test, id) => test.engine.webhooks.delete(test.change, id));
		expect(result).toMatchObject({ status: "Failed", responseCode: 500, attemptCount: 1 });
		expect(requests).toHaveLength(1);
	});
});
