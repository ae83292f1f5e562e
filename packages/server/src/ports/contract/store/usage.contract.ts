// The contract of the usage slice: what projects have in the store.
import { expect, it } from "vitest";

import { STORED_DELIVERY_BYTES, storedEventBytes } from "../../../core/policies/quota.ts";
import { addWebhook, attemptsOf, fillStore, type CurrentStore, type Reopen, type World } from "./records/records.ts";
import { openReplayWorld } from "./records/replays.ts";
import { KEEP_ALL } from "./records/stats.ts";

const body = Buffer.alloc(1_000, "x");

async function bytesOf({ store, projectId }: World): Promise<number> {
	const [bytes = NaN] = (await store.usage([projectId])).projects;
	return bytes;
}

export function describeUsage(current: CurrentStore, reopen: Reopen): void {
	it("counts bodies, a number for each event and delivery, and attempts as long as their records are", async () => {
		const world = await fillStore(current(), 3);
		expect(await bytesOf(world)).toBe(0);
		const [id = ""] = await world.accept({ body, webhookIds: world.webhookIds });
		expect(await bytesOf(world)).toBe(storedEventBytes(1_000, 3));
		const response = { headers: {}, body: "ü".repeat(500), bodyTruncated: false };
		const outcome = world.records.failure(id, 1);
		await world.update({ ...outcome, attempt: world.records.attempt(1, { response }) });
		const withAttempt = await bytesOf(world);
		expect(withAttempt - storedEventBytes(1_000, 3)).toBeGreaterThan(1_000);
		expect(withAttempt - storedEventBytes(1_000, 3)).toBeLessThan(1_600);
		await world.update(world.records.outcome(id, 2));
		expect(await bytesOf(world)).toBeGreaterThan(withAttempt);
		expect(await attemptsOf(world, id)).toHaveLength(2);
		const before = await bytesOf(world);
		// Tags are stored twice.
		const tags = ["order:4711", "b"];
		await world.accept({ body, tags });
		expect(await bytesOf(world)).toBe(before + storedEventBytes(1_000, 1) + 2 * JSON.stringify(tags).length);
	});

	it("counts idempotency keys and customers, until their events are purged", async () => {
		const world = await fillStore(current());
		const names = ["one", "two"].map((name) => name.padEnd(120, "."));
		const [first = ""] = names;
		let before = 0;
		for (const [options, least] of [
			[{ key: "k".repeat(256) }, 2 * 256],
			[{ key: "é".repeat(256) }, 4 * 256],
			[{ customers: first }, 2 * 120],
			[{ customers: names }, 2 * 3 * 120],
			[{ key: "both", customers: names }, 2 * 3 * 120],
			[{ customers: "*" }, 0],
		] as const) {
			const [id = ""] = await world.accept({ body, ...options });
			const bytes = await bytesOf(world);
			const labels = bytes - before - storedEventBytes(1_000, 1);
			expect(labels).toBeGreaterThanOrEqual(least);
			expect(labels).toBeLessThan(least * 1.8 + 1);
			before = bytes;
			await world.update(world.records.failure(id, 1), world.records.outcome(id, 2));
			before = await bytesOf(world);
		}
		await world.purge("purgePayloads", world.records.now + 1);
		await world.purge("purgeEvents", world.records.now + 1);
		expect(await bytesOf(world)).toBe(0);
	});

	it("counts nothing for a duplicate, a stale event and a commit that fails", async () => {
		const world = await fillStore(current());
		const { store, records, projectId } = world;
		await world.accept({ body, key: "k", customers: ["a", "b"] });
		const before = await bytesOf(world);
		await store.commit({ events: [records.event(projectId, { body, key: "k", projectVersion: 99 })], updates: [] });
		await store.commit({ events: [records.event(projectId, { body, projectVersion: 99 })], updates: [] });
		const unknown = records.event(projectId, { body, webhookIds: ["webhook_00000000-0000-4000-8000-000000000000"] });
		const failing = store.commit({ events: [records.event(projectId, { body }), unknown], updates: [] });
		await expect(failing).rejects.toMatchObject({ code: "store_conflict" });
		expect(await bytesOf(world)).toBe(before);
	});

	it.each([2, 100])("is 0 again when everything was purged, in steps of %d rows", async (limit) => {
		const world = await fillStore(current(), 5);
		const { records } = world;
		for (let event = 0; event < 4; event++) {
			const ids = await world.accept({ body, webhookIds: world.webhookIds, tags: ["a", `n:${event}`] });
			await world.update(
				...ids.flatMap((id) => [records.failure(id, 1), records.failure(id, 1), records.outcome(id, 3)]),
			);
		}
		const full = await bytesOf(world);
		await world.purge("purgePayloads", records.now + 1, limit);
		const withoutPayloads = await bytesOf(world);
		expect(withoutPayloads).toBeLessThan(full - 4_000);
		await world.purge("purgeEvents", records.now + 1, limit);
		expect(await bytesOf(world)).toBe(0);
		expect(await world.store.usage([])).toMatchObject({ projects: [], total: 0, largest: null });
	});

	it("falls by the payload and the responses that are erased, and rises by the deliveries of a replay", async () => {
		const world = await openReplayWorld(current);
		const { store, scope, records } = world;
		const event = records.event(world.projectId, { body, webhookIds: [world.webhookId] });
		await store.commit({ events: [event], updates: [] });
		const response = { headers: {}, body: "y".repeat(700), bodyTruncated: false };
		const outcome = records.outcome(event.deliveries[0]?.id ?? "", 1);
		await world.update({ ...outcome, attempt: records.attempt(1, { response }) });
		const before = await bytesOf(world);
		await world.step(await world.begin());
		expect(await bytesOf(world)).toBe(before + STORED_DELIVERY_BYTES);
		await store.erasePayload(scope, event.event.id, { reason: "erased", at: records.now, limit: 1_000, entry: null });
		// The mark of a truncated response is a 1 where a 0 was.
		expect(await bytesOf(world)).toBe(before + STORED_DELIVERY_BYTES - 1_000 - 700);
	});

	it("names the largest project, is the same after a roll-up and after opening again, and forgets a purged project", async () => {
		const world = await fillStore(current());
		const { records } = world;
		const other = await world.addProject();
		const { id: webhookId } = await addWebhook(world.store, records.webhook(other.id));
		await world.accept({ body });
		for (let event = 0; event < 3; event++) {
			const sent = records.event(other.id, { body, webhookIds: [webhookId] });
			await world.store.commit({ events: [sent], updates: [records.outcome(sent.deliveries[0]?.id ?? "", 1)] });
		}
		const ids = [other.id, world.projectId, "proj_x"];
		const { volume: _, fileBytes: __, walBytes: ___, heldBytes: ____, ...usage } = await world.store.usage(ids);
		const [largest = 0, smaller = 0] = usage.projects;
		expect(smaller).toBe(storedEventBytes(1_000, 1));
		expect(usage).toEqual({
			projects: [largest, smaller, 0],
			total: largest + smaller,
			largest: { projectId: other.id, bytes: largest },
		});
		for (const limit of [1, 1_000]) {
			await reopen();
			expect(await current().usage(ids)).toMatchObject(usage);
			await current().rollUpStats({ ...KEEP_ALL, limit });
			expect(await current().usage(ids)).toMatchObject(usage);
		}
		await current().deleteProject(other.id, records.now, null);
		for (let done = false; !done;) ({ done } = await current().purgeDeletedProjects(null, 10));
		while ((await current().rollUpStats({ ...KEEP_ALL, limit: 100 })) > 0);
		for (let done = false; !done;) ({ done } = await current().purgeDeletedProjects(null, 10));
		await reopen();
		expect(await current().usage(ids)).toMatchObject({ projects: [0, smaller, 0], total: smaller });
	});
}
