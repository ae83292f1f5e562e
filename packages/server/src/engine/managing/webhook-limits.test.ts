// The limits of webhooks and projects: codes, concurrent changes, and stores that have more than the limits.
import { describe, expect, it } from "vitest";

import { ANY_WEBHOOK } from "../../ports/contract/store/records/webhooks.ts";
import { codeOf, NOBODY, openDelivering, openPair } from "../test/arrangements.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const codes = async (calls: readonly Promise<unknown>[]) =>
	(await Promise.all(calls.map(codeOf))).filter((code) => code !== null);

describe("a project", () => {
	it("gets no more webhooks than the limit from two processes at once, and room again by a deletion", async () => {
		const { one, other } = await openPair({ limits: { maxWebhooks: 10 } });
		const create = (test: TestEngine) => test.createWebhook(NOBODY);
		const calls = Array.from({ length: 16 }, (_, index) => create(index % 2 === 0 ? one : other));
		expect(await codes(calls)).toEqual(Array.from({ length: 6 }, () => "too_many_webhooks"));
		const { rows } = await one.engine.webhooks.list(one.scope, ANY_WEBHOOK, { limit: 100, cursor: null });
		expect(rows).toHaveLength(10);
		await one.engine.webhooks.delete(one.change, rows[0]!.id);
		await create(other);
		expect(await codeOf(create(one))).toBe("too_many_webhooks");
	});

	it("gets no larger webhooks than the limit from two processes at once, by new ones and by changes", async () => {
		const { one, other } = await openPair({ limits: { maxWebhookBytes: 20_000 } });
		const first = await one.createWebhook(NOBODY);
		await other.send();
		const metadata = { note: "x".repeat(500) };
		const calls = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? one : other).createWebhook(NOBODY, { metadata }));
		const refused = await codes(calls);
		expect(new Set(refused)).toEqual(new Set(["webhooks_too_large"]));
		const over = await one.store.projectsOverLimits({ maxWebhooks: 1, maxWebhookBytes: 20_000 }, 1);
		expect(over.projects[0]).toMatchObject({ webhooks: 41 - refused.length });
		expect(over.projects[0]?.webhookBytes).toBeLessThanOrEqual(20_000);
		expect(await codeOf(one.engine.webhooks.update(one.change, first.id, { metadata }))).toBe("webhooks_too_large");
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
	const limits = { maxKeys: 3 };
	await using test = await openTestEngine({ limits });
	const { keys } = test.engine;
	const create = (projectId: string | null) => keys.create({ name: "k", scope: "read", projectId }, null);
	// The first start has made one.
	expect(await codes([create(null), create(test.projectId), create(null)])).toEqual(["too_many_keys"]);
	await expect(create(test.projectId)).rejects.toThrow(/^A workspace has at most 3 keys\. /);
	const { rows } = keys.list({ limit: 10, cursor: null });
	expect(rows).toHaveLength(3);
	await keys.delete(rows[0]!.id, null);
	await create(null);
	await test.stop();
	const adminKey = `sk_${"A".repeat(43)}`;
	await using restarted = await openTestEngine({ store: test.store, adminKey, limits });
	expect(restarted.engine.keys.authenticate(adminKey)?.key.scope).toBe("admin");
	expect(restarted.observer.notes).toContain("there are more keys than the limit: none can be added");
	await restarted.stop();
});

describe("a start on a store that has more than the limits", () => {
	it("says so, delivers to all, and lets webhooks be made smaller or deleted", async () => {
		const { receiver, test: first, webhook } = await openDelivering();
		const created = [webhook, await first.createWebhook(receiver.url)];
		await first.createWebhook(receiver.url, { description: "some text" });
		expect(first.observer.notes.filter((note) => note.includes("limit"))).toEqual([]);
		// Later than the first project, so that the next start lists it second.
		first.clock.advance(1);
		await first.engine.projects.create("Another", null);
		await first.stop();

		const limits = { maxWebhooks: 2, maxWebhookBytes: 100, maxProjects: 1 };
		await using second = await openTestEngine({ store: first.store, limits });
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
		await eventually("it is delivered", async () => {
			const deliveries = await second.deliveries({ eventId: sent, statuses: ["Succeeded"] });
			return deliveries.length === 3;
		});
		const update = (name: string) => second.engine.webhooks.update(second.change, webhook.id, { name });
		await expect(update("a longer name than before")).rejects.toMatchObject({ code: "webhooks_too_large" });
		await update("t");
		await second.engine.webhooks.pause(second.change, webhook.id);
		expect(await codeOf(second.createWebhook(receiver.url))).toBe("too_many_webhooks");
		expect(await codeOf(second.engine.projects.create("One more", null))).toBe("too_many_projects");
		for (const { id } of created) await second.engine.webhooks.delete(second.change, id);
		await second.stop();
	});
});
