// The limits of webhooks and projects: codes, concurrent changes, and stores that have more than the limits.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { ANY_WEBHOOK } from "../../ports/contract/store/records/webhooks.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const NOBODY = "http://127.0.0.1:9/";

async function codes(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
	const results = await Promise.allSettled(calls);
	return results.flatMap((result) => (result.status === "rejected" ? [(result.reason as { code: unknown }).code] : []));
}

/** Two engines on one store, each of which stands for a process. */
async function openPair(limits: Parameters<typeof openTestEngine>[0] = {}) {
	const store = await openSqliteStore({ path: ":memory:" });
	const one = await openTestEngine({ store, ...limits });
	const other = await openTestEngine({ store, ...limits });
	const close = async () => {
		await one[Symbol.asyncDispose]();
		await other[Symbol.asyncDispose]();
		await store.close();
	};
	return { store, one, other, [Symbol.asyncDispose]: close };
}

describe("a project", () => {
	it("gets no more webhooks than the limit from two processes at once, and room again by a deletion", async () => {
		await using pair = await openPair({ limits: { maxWebhooks: 10 } });
		const { one, other } = pair;
		const create = (test: TestEngine) => test.createWebhook(NOBODY);
		const calls = Array.from({ length: 16 }, (_, index) => create(index % 2 === 0 ? one : other));
		expect(await codes(calls)).toEqual(Array.from({ length: 6 }, () => "too_many_webhooks"));
		const { rows } = await one.engine.webhooks.list(one.scope, ANY_WEBHOOK, { limit: 100, cursor: null });
		expect(rows).toHaveLength(10);
		await one.engine.webhooks.delete(one.change, rows[0]!.id);
		await create(other);
		await expect(create(one)).rejects.toMatchObject({ code: "too_many_webhooks" });
	});

	it("gets no larger webhooks than the limit from two processes at once, by new ones and by changes", async () => {
		await using pair = await openPair({ limits: { maxWebhookBytes: 20_000 } });
		const { one, other } = pair;
		const first = await one.createWebhook(NOBODY);
		await other.send();
		const metadata = { note: "x".repeat(500) };
		const calls = Array.from({ length: 40 }, (_, index) =>
			(index % 2 === 0 ? one : other).createWebhook(NOBODY, { metadata: { ...metadata } }),
		);
		const refused = await codes(calls);
		expect(new Set(refused)).toEqual(new Set(["webhooks_too_large"]));
		const over = await pair.store.projectsOverLimits({ maxWebhooks: 1, maxWebhookBytes: 20_000 }, 1);
		expect(over.projects[0]).toMatchObject({ webhooks: 41 - refused.length });
		expect(over.projects[0]?.webhookBytes).toBeLessThanOrEqual(20_000);
		const grow = one.engine.webhooks.update(one.change, first.id, { metadata });
		await expect(grow).rejects.toMatchObject({ code: "webhooks_too_large" });
		expect(await one.engine.webhooks.get(one.scope, first.id)).toEqual(first);
		await one.engine.webhooks.update(one.change, first.id, { name: "n" });
	});
});

it("adds no more projects than the limit", async () => {
	await using test = await openTestEngine({ limits: { maxProjects: 3 } });
	const create = () => test.engine.projects.create("Another", null);
	expect(await codes([create(), create(), create()])).toEqual(["too_many_projects"]);
	await using one = await openTestEngine({ limits: { maxProjects: 1 } });
	await expect(one.engine.projects.create("Another", null)).rejects.toThrow(/^A workspace has at most 1 project\. /);
	expect(test.engine.projects.list()).toHaveLength(3);
	await test.engine.projects.delete(test.in(test.engine.projects.list()[1]!.id).change);
	await create();
});

it("adds no more keys than the limit, whoever they are for, and takes the operator's in any case", async () => {
	const store = await openSqliteStore({ path: ":memory:" });
	{
		await using test = await openTestEngine({ store, limits: { maxKeys: 3 } });
		const { keys } = test.engine;
		const create = (projectId: string | null) => keys.create({ name: "k", scope: "read", projectId }, null);
		// The first start has made one.
		expect(await codes([create(null), create(test.projectId), create(null)])).toEqual(["too_many_keys"]);
		await expect(create(test.projectId)).rejects.toMatchObject({
			code: "too_many_keys",
			message: expect.stringMatching(/^A workspace has at most 3 keys\. /),
		});
		const { rows } = keys.list({ limit: 10, cursor: null });
		expect(rows).toHaveLength(3);
		await keys.delete(rows[0]!.id, null);
		await create(null);
		await test.stop();
	}
	const adminKey = `sk_${"A".repeat(43)}`;
	await using restarted = await openTestEngine({ store, adminKey, limits: { maxKeys: 3 } });
	expect(restarted.engine.keys.authenticate(adminKey)?.key.scope).toBe("admin");
	expect(restarted.observer.notes).toContain("there are more keys than the limit: none can be added");
	await restarted.stop();
	await store.close();
});

describe("a start on a store that has more than the limits", () => {
	it("says so, delivers, and lets webhooks be made smaller or deleted", async () => {
		await using receiver = await startReceiver();
		const store = await openSqliteStore({ path: ":memory:" });
		await using first = await openTestEngine({ store });
		const created = [await first.createWebhook(receiver.url), await first.createWebhook(receiver.url)];
		await first.createWebhook(receiver.url, { description: "some text" });
		// Later than the first project, so that the next start lists it second.
		first.clock.advance(1);
		await first.engine.projects.create("Another", null);
		await first.stop();

		const limits = { maxWebhooks: 2, maxWebhookBytes: 100, maxProjects: 1 };
		await using second = await openTestEngine({ store, limits });
		expect(second.observer.notes).toEqual(
			expect.arrayContaining([
				"there are more projects than the limit: none can be added",
				"a project has more webhooks than its limits: none can be added or made larger",
			]),
		);
		expect(second.observer.facts).toContainEqual(
			expect.objectContaining({ projectId: second.projectId, webhooks: 3, maxWebhooks: 2, maxWebhookBytes: 100 }),
		);
		const sent = await second.send();
		for (const { id } of created)
			await eventually("it is delivered", async () => {
				const deliveries = await second.deliveries({ eventId: sent, webhookId: id });
				return deliveries[0]?.status === "Succeeded";
			});
		expect(await second.deliveries({ eventId: sent })).toHaveLength(3);
		const [webhook] = created;
		const update = (name: string) => second.engine.webhooks.update(second.change, webhook!.id, { name });
		await expect(update("a longer name than before")).rejects.toMatchObject({ code: "webhooks_too_large" });
		await update("t");
		await second.engine.webhooks.pause(second.change, webhook!.id);
		await expect(second.createWebhook(receiver.url)).rejects.toMatchObject({ code: "too_many_webhooks" });
		await expect(second.engine.projects.create("One more", null)).rejects.toMatchObject({ code: "too_many_projects" });
		for (const { id } of created) await second.engine.webhooks.delete(second.change, id);
		await second.stop();
		await store.close();
	});

	it("says nothing if nothing exceeds them", async () => {
		await using test = await openTestEngine();
		expect(test.observer.notes.filter((note) => note.includes("limit"))).toEqual([]);
	});
});
