// The contract of limits: of webhooks, keys, projects and customers, by their number and by their size.
import { expect, it } from "vitest";

import { customerScope } from "../../../core/access/principal.ts";
import { FIRST_VERSION } from "../../../core/workspace.ts";
import type { CustomerChanges } from "../../store/customers.ts";
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
import { allSummaries, changesSince } from "./records/webhooks.ts";

const NO_LIMIT = Number.MAX_SAFE_INTEGER;
/** What the webhooks of `plain` count as: `{}`, `[]`, the name and the endpoint. */
const PLAIN_BYTES = 4 + "name".length + "https://a.example/".length;
/** A count of customers is not older than this. */
const LATER_MS = 1_000;

export function describeLimits(current: CurrentStore): void {
	describeCount(current);
	describeBytes(current);
	describeProjects(current);
	describeCustomers(current);
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

async function entriesOf(store: Store) {
	return (await store.auditEntries(ANY_ENTRY, NEWEST)).rows;
}

function countFull<T>(results: readonly T[], refusal: T): number {
	return results.filter((result) => result === refusal).length;
}

function describeCount(current: CurrentStore): void {
	it("adds no more webhooks than the limit, also if many are added at once, and a refused one leaves nothing", async () => {
		const { store, records, projectId } = await fillStore(current(), 2);
		const limits = { maxWebhooks: 5, maxWebhookBytes: NO_LIMIT };
		const add = () => store.insertWebhook(records.webhook(projectId), records.entry({ projectId }), limits);
		const results = await Promise.all(Array.from({ length: 10 }, add));
		expect(countFull(results, "too_many_webhooks")).toBe(7);
		expect(await allSummaries(store)).toHaveLength(5);
		expect((await changesSince(store, projectId, 0)).version).toBe(FIRST_VERSION + 5);
		expect(await entriesOf(store)).toHaveLength(3);
	});

	it("counts webhooks that are not deleted, those of each project alone, and lets a project above its limit change", async () => {
		const { store, records, projectId, webhookId, addProject } = await fillStore(current(), 2);
		const other = await addProject();
		const limits = { maxWebhooks: 2, maxWebhookBytes: NO_LIMIT };
		const add = (project: string) => store.insertWebhook(records.webhook(project), null, limits);
		expect(await add(projectId)).toBe("too_many_webhooks");
		expect(await add(other.id)).toEqual(expect.any(Number));
		const [record] = await store.webhookRecords([webhookId]);
		const options = { expected: record!.revision, entry: null, limits: { ...limits, maxWebhooks: 1 } };
		const revision = await store.updateWebhook({ ...record!, status: "Paused" }, options);
		expect(revision).toEqual(expect.any(Number));
		const gone = { ...record!, deleteDate: records.now };
		expect(await store.updateWebhook(gone, { ...options, expected: Number(revision) })).toEqual(expect.any(Number));
		expect(await add(projectId)).toEqual(expect.any(Number));
		expect(await add(projectId)).toBe("too_many_webhooks");
		expect((await totals(store, projectId))[0]).toBe(2);
	});
}

function describeBytes(current: CurrentStore): void {
	it("counts what a webhook has at its creation, after a change, and not after its deletion", async () => {
		const { store, records, projectId } = await fillStore(current(), 0);
		const cases: readonly (readonly [Partial<WebhookRecord>, number])[] = [
			[{}, 0],
			// In UTF-8.
			[{ name: "näme✓" }, 4],
			[{ description: "12345" }, 5],
			[{ endpoint: "https://a.example/path" }, 4],
			[{ eventTypes: [] }, 2],
			[{ eventTypes: ["a", "b.*"] }, '["a","b.*"]'.length + 2 * 64],
			[{ metadata: { k: "v" } }, '{"k":"v"}'.length - 2],
			[{ headerNames: ["x"], sealedHeaders: Uint8Array.of(1, 2, 3) }, '["x"]'.length - 2 + 3],
			[{ retries: { maxRetries: 1, maxBackoffMs: 1, scheduleMs: [500] } }, "[500]".length],
			// They do not count.
			[{ secrets: [] }, 0],
		];
		for (const [changes, bytes] of cases) {
			const counted = [changes, [1, PLAIN_BYTES + bytes]];
			const first = await addWebhook(store, plain(records, projectId, changes));
			expect([changes, await totals(store, projectId)]).toEqual(counted);
			const changed = await changeWebhook(store, first, plain(records, projectId, { ...changes, id: first.id }));
			expect([changes, await totals(store, projectId)]).toEqual(counted);
			await changeWebhook(store, changed, { deleteDate: records.now });
			expect([changes, await totals(store, projectId)]).toEqual([changes, [0, 0]]);
		}
	});

	const growing = async (world: World, name: string, extra: number) => {
		const { store, webhookId } = world;
		const [record] = await store.webhookRecords([webhookId]);
		const [, bytes = 0] = await totals(store, world.projectId);
		const limits = { maxWebhooks: NO_LIMIT, maxWebhookBytes: bytes + extra };
		const entry = world.records.entry({ projectId: world.projectId });
		return store.updateWebhook({ ...record!, name }, { expected: record!.revision, entry, limits });
	};

	it("refuses a webhook, and a change, that would be larger than the room that is left, and makes a smaller one", async () => {
		const world = await fillStore(current(), 1);
		const { store, records, projectId, webhookId } = world;
		const [record] = await store.webhookRecords([webhookId]);
		const longer = `${record!.name}12345`;
		expect(await growing(world, longer, 4)).toBe("webhooks_too_large");
		expect(await store.webhookRecords([webhookId])).toEqual([record]);
		expect(await entriesOf(store)).toEqual([]);
		expect(await growing(world, longer, 5)).toBe(record!.revision + 1);
		const [count = 0, bytes = 0] = await totals(store, projectId);
		const add = (room: number) => {
			const limits = { maxWebhooks: NO_LIMIT, maxWebhookBytes: bytes + room };
			return store.insertWebhook(plain(records, projectId), null, limits);
		};
		expect(await add(PLAIN_BYTES - 1)).toBe("webhooks_too_large");
		expect(await totals(store, projectId)).toEqual([count, bytes]);
		expect(await add(PLAIN_BYTES)).toBe(record!.revision + 2);
		// Although the project has more than the limit.
		expect(await growing(world, longer.toUpperCase(), -10)).toEqual(expect.any(Number));
		expect(await growing(world, "x", -10)).toEqual(expect.any(Number));
		expect(await growing(world, "xy", -10)).toBe("webhooks_too_large");
	});
}

function describeProjects(current: CurrentStore): void {
	it("adds no more keys and projects than the limit, not counting deleted ones, and writes no entry for one too many", async () => {
		const { store, projectId, records } = await fillStore(current(), 0);
		const limit = (await store.keys()).length + 2;
		const addKey = (of: string | null) => store.insertKey(records.key("read", of), records.entry(), limit);
		expect(countFull(await Promise.all([null, projectId, projectId, null].map(addKey)), "full")).toBe(2);
		expect(await store.keys()).toHaveLength(limit);
		expect(await entriesOf(store)).toHaveLength(2);
		const [newest] = await store.keys();
		await store.deleteKey(newest!.id, null);
		expect(await addKey(null)).not.toBe("full");
		expect(await addKey(projectId)).toBe("full");
		// Without a limit, as for the operator's own key.
		expect(await store.insertKey(records.key("read"), null)).not.toBe("full");

		const add = () => store.insertProject(records.project(), records.entry(), 3);
		expect(countFull(await Promise.all([add(), add(), add(), add()]), "full")).toBe(2);
		expect(await store.projects()).toHaveLength(3);
		expect(await entriesOf(store)).toHaveLength(5);
		await store.deleteProject(projectId, records.now, null);
		expect(await add()).toEqual(expect.any(Number));
		expect(await add()).toBe("full");
	});

	it("names the projects whose webhooks exceed limits, and says how many there are", async () => {
		const { store, records, projectId, addProject } = await fillStore(current(), 3);
		const [small, deleted] = [await addProject(), await addProject()];
		for (const project of [small, deleted]) await store.insertWebhook(plain(records, project.id), null);
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

function describeCustomers(current: CurrentStore): void {
	/** Changes a customer of a project as if the limits were these; the refusal, or null. */
	const changing = (world: World, maxCustomers: number, maxCustomerBytes = 1_000_000, projectId = world.projectId) => {
		const limits = { maxCustomers, maxCustomerBytes };
		return async (customerId: string, changes: CustomerChanges): Promise<string | null> => {
			const options = { at: world.records.now, entry: null, limits };
			const result = await world.store.updateCustomer(customerScope(projectId, customerId), changes, options);
			return typeof result === "string" ? result : null;
		};
	};

	it("keeps a name or metadata for at most so many customers; those of whom nothing is kept do not count", async () => {
		const world = await fillStore(current(), 0);
		const { store, records, projectId, scope } = world;
		await addWebhook(store, records.webhook(projectId, { customerId: "nameless" }));
		const change = changing(world, 3);
		expect(await change("a", { name: "A" })).toBeNull();
		expect(await change("b", { metadata: { k: "v" } })).toBeNull();
		expect(await change("empty", { name: null, metadata: {} })).toBeNull();
		expect(await change("c", { name: "C" })).toBeNull();
		for (const id of ["d", "nameless", "empty"]) expect(await change(id, { name: "D" })).toBe("too_many_customers");
		const { rows } = await store.customers(scope, null, NEWEST);
		expect(rows.map(({ id, name }) => [id, name].join(" "))).toEqual(["a A", "b ", "c C", "empty ", "nameless "]);
		// A known one changes, and one of which nothing is kept any more makes room.
		expect(await change("c", { name: "C2", metadata: { k: "v" } })).toBeNull();
		expect(await change("b", { metadata: {} })).toBeNull();
		expect(await change("d", { name: "D" })).toBeNull();
		expect(await change("b", { name: "B" })).toBe("too_many_customers");
		// Another project has room of its own, and a project that has too many may still have less.
		expect(await changing(world, 1, 100, (await world.addProject()).id)("a", { name: "A" })).toBeNull();
		const tight = changing(world, 1, 1);
		expect(await tight("a", { name: "B" })).toBeNull();
		expect(await tight("a", { name: null })).toBeNull();
		expect(await tight("a", { name: "A" })).toBe("too_many_customers");
		// A deleted one makes room.
		const deleted = customerScope(projectId, "c");
		await store.beginCustomerDeletion(deleted, { at: records.now, draft: null, entry: null });
		await store.endCustomerDeletion(deleted, null);
		records.now += LATER_MS;
		expect(await changing(world, 2)("e", { name: "e" })).toBeNull();
		expect(await changing(world, 2)("c", { name: "c" })).toBe("too_many_customers");
	});

	it("keeps names and metadata of at most so many bytes, which each change counts exactly", async () => {
		const world = await fillStore(current(), 0);
		const sizes = { a: { name: "ä".repeat(10), metadata: {} }, b: { metadata: { key: "x".repeat(100) } } };
		// In UTF-8, with the braces, quotes and colon of the metadata.
		const bytes = 20 + 2 + (100 + 11 - 1);
		const change = changing(world, 10, bytes + 5);
		for (const [id, changes] of Object.entries(sizes)) expect(await change(id, changes)).toBeNull();
		expect(await change("c", { name: "1234" })).toBe("customers_too_large");
		expect(await change("c", { name: "123" })).toBeNull();
		expect(await change("c", { name: "1234" })).toBe("customers_too_large");
		expect(await change("b", { metadata: { key: "x".repeat(99) } })).toBeNull();
		expect(await change("c", { name: "1234" })).toBeNull();
		expect((await world.store.customer(customerScope(world.projectId, "c")))?.name).toBe("1234");
		// After a second, what is counted anew is the same.
		world.records.now += LATER_MS;
		expect(await change("c", { name: "12345" })).toBe("customers_too_large");
		expect(await change("a", { name: "ä".repeat(9) })).toBeNull();
		expect(await change("c", { name: "123456" })).toBeNull();
	});
}
