// The contract of webhooks in pages, and of the limits of webhooks and projects.
import { expect, it } from "vitest";

import { FIRST_VERSION } from "../../../core/workspace.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import type { Store } from "../../store/store.ts";
import {
	addWebhook,
	ANY_ENTRY,
	changeWebhook,
	fillStore,
	NEWEST,
	type CurrentStore,
	type Records,
	type World,
} from "./records/records.ts";
import { allSummaries, allWebhooks, changesSince, summaryOf } from "./records/webhooks.ts";

const NO_LIMIT = Number.MAX_SAFE_INTEGER;
/** What the webhooks of `plain` count as: `{}`, `[]`, the name and the endpoint. */
const PLAIN_BYTES = 4 + "name".length + "https://a.example/".length;

export function describeWebhookLimits(current: CurrentStore): void {
	describePages(current);
	describeCount(current);
	describeBytes(current);
	describeProjects(current);
}

/** A webhook without anything that is optional. */
function plain(records: Records, projectId: string, changes: Partial<WebhookRecord> = {}): WebhookRecord {
	return records.webhook(projectId, {
		name: "name",
		description: null,
		endpoint: "https://a.example/",
		eventTypes: null,
		metadata: {},
		headerNames: [],
		sealedHeaders: null,
		retries: { maxRetries: 0, maxBackoffMs: 0 },
		...changes,
	});
}

/** What the webhooks of a project count as. */
async function totals(store: Store, projectId: string) {
	const { projects } = await store.projectsOverLimits({ maxWebhooks: -1, maxWebhookBytes: -1 }, 100);
	const found = projects.find((project) => project.projectId === projectId);
	return [found?.webhooks, found?.webhookBytes];
}

function describePages(current: CurrentStore): void {
	it("reads the summaries of webhooks in pages, oldest first, and their records by their ids", async () => {
		const { store, records, projectId, webhookIds } = await fillStore(current(), 5);
		const all = (await store.webhookRecords(webhookIds)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
		expect(all.map(({ id }) => id)).toEqual(webhookIds);
		expect(await allSummaries(store)).toEqual(all.map(summaryOf));
		expect(await store.webhookSummaries(null, 2)).toEqual(all.slice(0, 2).map(summaryOf));
		expect(await store.webhookSummaries(webhookIds[1]!, 2)).toEqual(all.slice(2, 4).map(summaryOf));
		expect(await store.webhookSummaries(webhookIds[4]!, 2)).toEqual([]);
		const unknown = records.webhook(projectId).id;
		expect(await store.webhookRecords([unknown, webhookIds[2]!])).toEqual([all[2]]);
	});

	it("reads the record of a deleted webhook", async () => {
		const { store, records, webhookId } = await fillStore(current());
		const [record] = await store.webhookRecords([webhookId]);
		const deleted = await changeWebhook(store, record!, { deleteDate: records.now });
		expect(await store.webhookRecords([webhookId])).toEqual([deleted]);
	});

	it("reads changes in pages: what changes meanwhile is on a later one", async () => {
		const { store, projectId } = await fillStore(current(), 4);
		const [first, second, third, fourth] = await allWebhooks(store);
		const start = { revision: FIRST_VERSION, webhookId: null };
		const one = await store.projectChanges(projectId, start, 2);
		expect(one.webhooks).toEqual([first, second].map((record) => summaryOf(record!)));
		const renamed = await changeWebhook(store, first!, { name: "Renamed" });
		const moved = await changeWebhook(store, third!, { name: "Moved" });
		const two = await store.projectChanges(projectId, one.next!, 2);
		expect(two.webhooks).toEqual([summaryOf(fourth!), summaryOf(renamed)]);
		const three = await store.projectChanges(projectId, two.next!, 2);
		expect(three).toMatchObject({ version: one.version + 2, webhooks: [summaryOf(moved)], next: null });
		expect((await changesSince(store, projectId, one.version)).webhooks).toEqual([renamed, moved].map(summaryOf));
	});
}

function describeCount(current: CurrentStore): void {
	it("adds no more webhooks than the limit, also if many are added at once, and a refused one leaves nothing", async () => {
		const { store, records, projectId } = await fillStore(current(), 2);
		const limits = { maxWebhooks: 5, maxWebhookBytes: NO_LIMIT };
		const add = () => store.insertWebhook(records.webhook(projectId), records.entry({ projectId }), limits);
		const results = await Promise.all(Array.from({ length: 10 }, add));
		expect(results.filter((result) => result === "too_many_webhooks")).toHaveLength(7);
		expect(await allSummaries(store)).toHaveLength(5);
		expect((await changesSince(store, projectId, 0)).version).toBe(FIRST_VERSION + 5);
		expect((await store.auditEntries(ANY_ENTRY, NEWEST)).rows).toHaveLength(3);
	});

	it("counts only webhooks that are not deleted, and those of each project alone", async () => {
		const { store, records, projectId } = await fillStore(current(), 2);
		const other = records.project();
		await store.insertProject(other, null);
		const limits = { maxWebhooks: 2, maxWebhookBytes: NO_LIMIT };
		const add = (project: string) => store.insertWebhook(records.webhook(project), null, limits);
		expect(await add(projectId)).toBe("too_many_webhooks");
		expect(await add(other.id)).toEqual(expect.any(Number));
		const [first] = await allWebhooks(store);
		await changeWebhook(store, first!, { deleteDate: records.now });
		expect(await add(projectId)).toEqual(expect.any(Number));
		expect(await add(projectId)).toBe("too_many_webhooks");
		expect((await totals(store, projectId))[0]).toBe(2);
	});

	it("changes webhooks of a project that has more than the limit", async () => {
		const { store, records, webhookId } = await fillStore(current(), 2);
		const [record] = await store.webhookRecords([webhookId]);
		const options = { expected: record!.revision, entry: null, limits: { maxWebhooks: 1, maxWebhookBytes: NO_LIMIT } };
		const revision = await store.updateWebhook({ ...record!, status: "Paused" }, options);
		expect(revision).toEqual(expect.any(Number));
		const gone = { ...record!, deleteDate: records.now };
		expect(await store.updateWebhook(gone, { ...options, expected: Number(revision) })).toEqual(expect.any(Number));
	});
}

function describeBytes(current: CurrentStore): void {
	it.each<[string, Partial<WebhookRecord>, number]>([
		["nothing optional", {}, 0],
		["a name, in UTF-8", { name: "näme✓" }, 4],
		["a description", { description: "12345" }, 5],
		["an endpoint", { endpoint: "https://a.example/path" }, 4],
		["no event type, as a list", { eventTypes: [] }, 2],
		["two event types", { eventTypes: ["a", "b.*"] }, '["a","b.*"]'.length + 2 * 64],
		["metadata", { metadata: { k: "v" } }, '{"k":"v"}'.length - 2],
		["headers", { headerNames: ["x"], sealedHeaders: Uint8Array.of(1, 2, 3) }, '["x"]'.length - 2 + 3],
		["a schedule", { retries: { maxRetries: 1, maxBackoffMs: 1, scheduleMs: [500] } }, "[500]".length],
		["secrets, which do not count", { secrets: [] }, 0],
	])("counts %s", async (_, changes, bytes) => {
		const { store, records, projectId } = await fillStore(current(), 0);
		const first = await addWebhook(store, plain(records, projectId, changes));
		expect(await totals(store, projectId)).toEqual([1, PLAIN_BYTES + bytes]);
		const changed = await changeWebhook(store, first, plain(records, projectId, { ...changes, id: first.id }));
		expect(await totals(store, projectId)).toEqual([1, PLAIN_BYTES + bytes]);
		await changeWebhook(store, changed, { deleteDate: records.now });
		expect(await totals(store, projectId)).toEqual([0, 0]);
	});

	const growing = async (world: World, name: string, extra: number) => {
		const { store, webhookId } = world;
		const [record] = await store.webhookRecords([webhookId]);
		const [, bytes = 0] = await totals(store, world.projectId);
		const limits = { maxWebhooks: NO_LIMIT, maxWebhookBytes: bytes + extra };
		const entry = world.records.entry({ projectId: world.projectId });
		return store.updateWebhook({ ...record!, name }, { expected: record!.revision, entry, limits });
	};

	it("refuses a webhook, and a change, that would be larger than the room that is left", async () => {
		const world = await fillStore(current(), 1);
		const { store, records, projectId, webhookId } = world;
		const [record] = await store.webhookRecords([webhookId]);
		const longer = `${record!.name}12345`;
		expect(await growing(world, longer, 4)).toBe("webhooks_too_large");
		expect(await store.webhookRecords([webhookId])).toEqual([record]);
		expect((await store.auditEntries(ANY_ENTRY, NEWEST)).rows).toEqual([]);
		expect(await growing(world, longer, 5)).toBe(record!.revision + 1);
		const [count = 0, bytes = 0] = await totals(store, projectId);
		const add = (room: number) => {
			const limits = { maxWebhooks: NO_LIMIT, maxWebhookBytes: bytes + room };
			return store.insertWebhook(plain(records, projectId), null, limits);
		};
		expect(await add(PLAIN_BYTES - 1)).toBe("webhooks_too_large");
		expect(await totals(store, projectId)).toEqual([count, bytes]);
		expect(await add(PLAIN_BYTES)).toBe(record!.revision + 2);
	});

	it("makes a change that makes a webhook no larger, although the project has more than the limit", async () => {
		const world = await fillStore(current(), 1);
		const [record] = await world.store.webhookRecords([world.webhookId]);
		expect(await growing(world, record!.name.toUpperCase(), -10)).toEqual(expect.any(Number));
		expect(await growing(world, "x", -10)).toEqual(expect.any(Number));
		expect(await growing(world, "xy", -10)).toBe("webhooks_too_large");
	});
}

function describeProjects(current: CurrentStore): void {
	it("adds no more keys than the limit, whoever they are for, and writes no entry for one too many", async () => {
		const { store, projectId, records } = await fillStore(current());
		const limit = (await store.keys()).length + 2;
		const add = (of: string | null) => store.insertKey(records.key("read", of), records.entry(), limit);
		const results = await Promise.all([add(null), add(projectId), add(projectId), add(null)]);
		expect(results.filter((result) => result === "full")).toHaveLength(2);
		expect(await store.keys()).toHaveLength(limit);
		expect((await store.auditEntries(ANY_ENTRY, NEWEST)).rows).toHaveLength(2);
		const [newest] = await store.keys();
		await store.deleteKey(newest!.id, null);
		expect(await add(null)).not.toBe("full");
		expect(await add(projectId)).toBe("full");
		// Without a limit, as for the operator's own key.
		expect(await store.insertKey(records.key("read"), null)).not.toBe("full");
	});

	it("adds no more projects than the limit, not counting deleted ones", async () => {
		const { store, records, projectId } = await fillStore(current(), 0);
		const add = () => store.insertProject(records.project(), records.entry(), 3);
		const results = await Promise.all([add(), add(), add(), add()]);
		expect(results.filter((result) => result === "full")).toHaveLength(2);
		expect(await store.projects()).toHaveLength(3);
		expect((await store.auditEntries(ANY_ENTRY, NEWEST)).rows).toHaveLength(2);
		await store.deleteProject(projectId, records.now, null);
		expect(await add()).toEqual(expect.any(Number));
		expect(await add()).toBe("full");
	});

	it("names the projects whose webhooks exceed limits, and says how many there are", async () => {
		const { store, records, projectId } = await fillStore(current(), 3);
		const [small, deleted] = [records.project(), records.project()];
		for (const project of [small, deleted]) {
			await store.insertProject(project, null);
			await store.insertWebhook(plain(records, project.id), null);
		}
		await store.deleteProject(deleted.id, records.now, null);
		const over = (maxWebhooks: number, maxWebhookBytes: number, limit = 10) =>
			store.projectsOverLimits({ maxWebhooks, maxWebhookBytes }, limit);
		expect(await over(3, NO_LIMIT)).toEqual({ projects: [], count: 0 });
		expect(await over(2, NO_LIMIT)).toMatchObject({ projects: [{ projectId, webhooks: 3 }], count: 1 });
		expect(await over(NO_LIMIT, PLAIN_BYTES)).toMatchObject({ projects: [{ projectId }], count: 1 });
		const both = await over(NO_LIMIT, PLAIN_BYTES - 1);
		expect(both.projects).toContainEqual({ projectId: small.id, webhooks: 1, webhookBytes: PLAIN_BYTES });
		expect(await over(NO_LIMIT, PLAIN_BYTES - 1, 1)).toMatchObject({ projects: [{}], count: 2 });
	});
}
