// Tests of webhooks: how many attempts one makes, and that the tests of one project leave room for the others.
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import type { WebhookTest } from "../calls.ts";
import { changeIn, openTestEngine, type TestEngine } from "../test/test-engine.ts";

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
	const startedAt = test.clock.now();
	let result: WebhookTest | null = null;
	const testing = test.engine.webhooks.test(test.change, id, null).then((ended) => (result = ended));
	await eventually("the test has ended", () => {
		test.clock.advance(100);
		return result !== null;
	});
	await testing;
	expect(result).toMatchObject({ status: "Failed", responseCode: 503, attemptCount });
	expect(receiver.requests).toHaveLength(attemptCount);
	expect(test.clock.now() - startedAt).toBeLessThan(30_000);
});
