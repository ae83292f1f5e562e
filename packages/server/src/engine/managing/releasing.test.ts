// The release of webhooks that a restore has paused: those, and no others.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { customerScope } from "../../core/access/principal.ts";
import { createIdMaker } from "../../core/ids.ts";
import { openTestEngine, type TestEngine } from "../test/test-engine.ts";

/** Pauses all webhooks as a restore does, and has the engine read that. */
async function hold(test: TestEngine): Promise<void> {
	const at = test.clock.now();
	const id = createIdMaker(systemChance).make("aud", at);
	const by = {
		keyId: null,
		sessionId: null,
		customerId: null,
		portalSessionId: null,
		actor: null,
		projectId: null,
		requestId: null,
	};
	await test.store.holdWebhooks(at, { id, at, ...by, action: "workspace.restore", objectId: "test", fields: [] });
	await test.send();
}

const get = (test: TestEngine, { id }: { readonly id: string }) => test.engine.webhooks.get(test.scope, id);
const statuses = (test: TestEngine, webhooks: readonly { readonly id: string }[]) =>
	Promise.all(webhooks.map(async (webhook) => (await get(test, webhook)).status));
const HELD = { status: "Paused", pausedReason: "restored" };
const ENABLED = { status: "Enabled", pausedReason: null };

it("sends what was held, new sends included, only after the release", async () => {
	await using receiver = await startReceiver();
	await using test = await openTestEngine();
	const webhook = await test.createWebhook(receiver.url);
	await hold(test);
	expect(await get(test, webhook)).toMatchObject(HELD);
	const sent = await test.send();
	await test.delivery(sent, { status: "Held", reason: "the webhook is paused: restored", attemptCount: 0 });
	expect(receiver.requests).toHaveLength(0);

	expect(await test.engine.webhooks.release(test.change, webhook.id)).toMatchObject(ENABLED);
	test.clock.advance(20);
	await test.delivery(sent, { status: "Succeeded" });
});

it("of one webhook changes no other, and nothing of one that a restore has not paused", async () => {
	await using test = await openTestEngine();
	const [first, second, mine] = [
		await test.createWebhook("http://127.0.0.1:9/"),
		await test.createWebhook("http://127.0.0.1:9/"),
		await test.createWebhook("http://127.0.0.1:9/"),
	];
	await test.engine.webhooks.pause(test.change, mine.id);
	await hold(test);
	await test.engine.webhooks.release(test.change, first.id);
	const { revision } = await get(test, mine);
	expect(await test.engine.webhooks.release(test.change, mine.id)).toMatchObject({ status: "Paused", revision });
	expect(await statuses(test, [first, second, mine])).toEqual(["Enabled", "Paused", "Paused"]);
});

describe("of many", () => {
	it("resumes those that the restore has paused, of the project or of all, and counts them", async () => {
		await using test = await openTestEngine();
		const other = await test.engine.projects.create("Other", null);
		const [mine, paused, person] = [
			await test.createWebhook("http://127.0.0.1:9/"),
			await test.createWebhook("http://127.0.0.1:9/"),
			await test.createWebhook("http://127.0.0.1:9/"),
		];
		await test.engine.webhooks.pause(test.change, paused.id);
		await hold(test);
		// A person who pauses what the restore has paused wants it paused after the release, too.
		expect(await test.engine.webhooks.pause(test.change, person.id)).toMatchObject({
			status: "Paused",
			pausedReason: null,
		});

		const foreign = { ...test.change, scope: { kind: "project", projectId: other.id } as const };
		expect(await test.engine.webhooks.releaseMany(foreign)).toEqual({ released: 0, complete: true });
		expect(await test.engine.webhooks.releaseMany(test.change)).toEqual({ released: 1, complete: true });
		expect(await statuses(test, [mine, paused, person])).toEqual(["Enabled", "Paused", "Paused"]);
		await hold(test);
		expect(await test.engine.webhooks.releaseAll(null)).toEqual({ released: 1, complete: true });
		expect(await test.engine.webhooks.releaseAll(null)).toEqual({ released: 0, complete: true });
	});

	it("ends a call after 500, and goes on with the next", async () => {
		await using test = await openTestEngine({ store: await openSqliteStore({ path: ":memory:" }) });
		for (let count = 0; count < 501; count++) await test.createWebhook("http://127.0.0.1:9/");
		await hold(test);
		expect(await test.engine.webhooks.releaseAll(null)).toEqual({ released: 500, complete: false });
		expect(await test.engine.webhooks.releaseAll(null)).toEqual({ released: 1, complete: true });
	});
});

it("of many is not for customers, whose scope is a part of the project", async () => {
	await using test = await openTestEngine();
	const webhook = await test.createWebhook("http://127.0.0.1:9/");
	await hold(test);
	const change = { ...test.change, scope: customerScope(test.projectId, "acme") };
	await expect(test.engine.webhooks.releaseMany(change)).rejects.toMatchObject({ code: "insufficient_scope" });
	expect(await get(test, webhook)).toMatchObject(HELD);
});

it("resumes like a release if a person resumes a single webhook", async () => {
	await using test = await openTestEngine();
	const webhook = await test.createWebhook("http://127.0.0.1:9/");
	await hold(test);
	expect(await test.engine.webhooks.resume(test.change, webhook.id)).toMatchObject(ENABLED);
});
