// The release of webhooks that a restore has paused: those, and no others.
import { describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { customerScope } from "../../core/access/principal.ts";
import { createIdMaker } from "../../core/ids.ts";
import { codeOf, draft, NOBODY, openDelivering } from "../test/arrangements.ts";
import { openTestEngine, type TestEngine } from "../test/test-engine.ts";

/** Pauses all webhooks as a restore does, and has the engine read that. */
async function hold(test: TestEngine): Promise<void> {
	const at = test.clock.now();
	const id = createIdMaker(systemChance).make("aud", at);
	const entry = { ...draft("workspace.restore"), id, at, projectId: null, objectId: "test" };
	await test.store.holdWebhooks(at, entry);
	await test.send();
}

const get = (test: TestEngine, { id }: { readonly id: string }) => test.engine.webhooks.get(test.scope, id);
const statuses = (test: TestEngine, webhooks: readonly { readonly id: string }[]) =>
	Promise.all(webhooks.map(async (webhook) => (await get(test, webhook)).status));
const HELD = { status: "Paused", pausedReason: "restored" };
const ENABLED = { status: "Enabled", pausedReason: null };

it("sends what was held, new sends included, only after the release", async () => {
	const { receiver, test, webhook } = await openDelivering();
	await hold(test);
	expect(await get(test, webhook)).toMatchObject(HELD);
	const sent = await test.send();
	await test.delivery(sent, { status: "Held", reason: "the webhook is paused: restored", attemptCount: 0 });
	expect(receiver.requests).toHaveLength(0);

	expect(await test.engine.webhooks.release(test.change, webhook.id)).toMatchObject(ENABLED);
	test.clock.advance(20);
	await test.delivery(sent, { status: "Succeeded" });
});

it("of one webhook changes no other, and nothing of one that a restore has not paused; a person's resume does the same", async () => {
	await using test = await openTestEngine();
	const create = () => test.createWebhook(NOBODY);
	const [first, second, mine] = [await create(), await create(), await create()];
	await test.engine.webhooks.pause(test.change, mine.id);
	await hold(test);
	await test.engine.webhooks.release(test.change, first.id);
	const { revision } = await get(test, mine);
	expect(await test.engine.webhooks.release(test.change, mine.id)).toMatchObject({ status: "Paused", revision });
	expect(await statuses(test, [first, second, mine])).toEqual(["Enabled", "Paused", "Paused"]);
	expect(await test.engine.webhooks.resume(test.change, second.id)).toMatchObject(ENABLED);
});

describe("of many", () => {
	it("resumes those that the restore has paused, of the project or of all, and counts them", async () => {
		await using test = await openTestEngine();
		const other = await test.engine.projects.create("Other", null);
		const create = () => test.createWebhook(NOBODY);
		const [mine, paused, person] = [await create(), await create(), await create()];
		await test.engine.webhooks.pause(test.change, paused.id);
		await hold(test);
		// A person who pauses what the restore has paused wants it paused after the release, too.
		const byPerson = await test.engine.webhooks.pause(test.change, person.id);
		expect(byPerson).toMatchObject({ status: "Paused", pausedReason: null });
		// Customers have only a part of the project.
		const change = { ...test.change, scope: customerScope(test.projectId, "acme") };
		expect(await codeOf(test.engine.webhooks.releaseMany(change))).toBe("insufficient_scope");

		const foreign = { ...test.change, scope: { kind: "project", projectId: other.id } as const };
		expect(await test.engine.webhooks.releaseMany(foreign)).toEqual({ released: 0, complete: true });
		expect(await test.engine.webhooks.releaseMany(test.change)).toEqual({ released: 1, complete: true });
		expect(await statuses(test, [mine, paused, person])).toEqual(["Enabled", "Paused", "Paused"]);
		await hold(test);
		expect(await test.engine.webhooks.releaseAll(null)).toEqual({ released: 1, complete: true });
		expect(await test.engine.webhooks.releaseAll(null)).toEqual({ released: 0, complete: true });
	});

	it("ends a call after 500, and goes on with the next", async () => {
		await using test = await openTestEngine();
		for (let count = 0; count < 501; count++) await test.createWebhook(NOBODY);
		await hold(test);
		expect(await test.engine.webhooks.releaseAll(null)).toEqual({ released: 500, complete: false });
		expect(await test.engine.webhooks.releaseAll(null)).toEqual({ released: 1, complete: true });
	});
});
