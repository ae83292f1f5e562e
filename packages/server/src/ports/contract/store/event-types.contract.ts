// The contract of the directory slice: event types, and the project's policy on them.
import { expect, it } from "vitest";

import type { EventType } from "../../../core/event-type.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import { FIRST_VERSION } from "../../../core/workspace.ts";
import type { CurrentStore } from "./records/records.ts";
import { fillStore, type World } from "./records/records.ts";

const ALL: PageRequest = { limit: 1_000, cursor: null };
const LIMIT = 1_000;

/** Adds a type. Returns it as it is stored. */
async function add(
	{ store, records, projectId }: World,
	name: string,
	changes: Partial<EventType> = {},
): Promise<EventType> {
	const type = records.eventType(projectId, name, changes);
	const revision = await store.putEventType(type, { expected: null, limit: LIMIT, entry: null });
	if (typeof revision === "string") throw new Error(`the type ${name} was not added: ${revision}`);
	return { ...type, revision };
}

function names({ rows }: Page<EventType>): string[] {
	return rows.map(({ name }) => name);
}

export function describeEventTypes(current: CurrentStore): void {
	it("stores a project's policy on event types", async () => {
		const { store, records } = await fillStore(current());
		const catalogued = { ...records.project(), eventTypes: "catalogued" } as const;
		await store.insertProject(catalogued, null);
		expect(await store.projects()).toContainEqual(catalogued);
		const open = { ...catalogued, eventTypes: "open" } as const;
		const revision = await store.updateProject(open, { expected: catalogued.revision, entry: null });
		expect(await store.projects()).toContainEqual({ ...open, revision });
	});

	it("stores all fields of an event type, with its texts exactly as they were written", async () => {
		const world = await fillStore(current());
		const { store, projectId, scope } = world;
		const full = await add(world, "order.paid");
		const bare = await add(world, "bare", { description: null, schemaJson: null, exampleJson: null, archived: true });
		expect(await store.eventType(projectId, "order.paid")).toEqual(full);
		expect((await store.eventTypes(scope, null, ALL)).rows).toEqual([bare, full]);
	});

	it("finds event types by several names at once, in their order, and none of another project", async () => {
		const world = await fillStore(current());
		const { store, records, projectId } = world;
		const [a, b] = [await add(world, "a"), await add(world, "b")];
		const other = records.project();
		await store.insertProject(other, null);
		expect(await store.eventTypesByName(projectId, ["b", "none", "a", "b"])).toEqual([b, null, a, b]);
		expect(await store.eventTypesByName(projectId, [])).toEqual([]);
		for (const id of [other.id, "no id"]) expect(await store.eventTypesByName(id, ["a", "b"])).toEqual([null, null]);
	});

	it("replaces all fields of an event type of the same name", async () => {
		const world = await fillStore(current());
		const { store, scope } = world;
		const { revision: expected, ...first } = await add(world, "a");
		const changes = { description: null, schemaJson: "{}", archived: true, createDate: 5, updateDate: 6 };
		const next = { ...first, ...changes, revision: expected + 1 };
		expect(await store.putEventType(next, { expected, limit: LIMIT, entry: null })).toBe(next.revision);
		expect((await store.eventTypes(scope, null, ALL)).rows).toEqual([next]);
	});

	it("adds no type beyond the project's limit, but still replaces types", async () => {
		const world = await fillStore(current());
		const { store, projectId, scope, records } = world;
		const [a, b] = [await add(world, "a"), await add(world, "b")];
		const options = { expected: null, limit: 2, entry: null };
		expect(await store.putEventType(records.eventType(projectId, "c"), options)).toBe("full");
		expect(await store.putEventType(a, { ...options, expected: a.revision })).toBe(b.revision + 1);
		const other = records.project();
		await store.insertProject(other, null);
		expect(await store.putEventType(records.eventType(other.id, "c"), options)).toBe(FIRST_VERSION + 1);
		expect(names(await store.eventTypes(scope, null, ALL))).toEqual(["a", "b"]);
	});

	it("deletes an event type of one project and not of another", async () => {
		const world = await fillStore(current());
		const { store, projectId, records } = world;
		const other = records.project();
		await store.insertProject(other, null);
		const { revision } = await add(world, "a");
		const kept = await add({ ...world, projectId: other.id }, "a");
		expect(await store.deleteEventType(projectId, "a", null)).toBe(revision + 1);
		expect(await store.deleteEventType(projectId, "a", null)).toBeNull();
		expect(await store.eventType(projectId, "a")).toBeNull();
		expect(await store.eventType(other.id, "a")).toEqual(kept);
	});

	it("deletes the event types of a deleted project", async () => {
		const world = await fillStore(current());
		const { store, projectId, records } = world;
		await add(world, "a");
		await store.deleteProject(projectId, records.now, null);
		expect(await store.eventType(projectId, "a")).toBeNull();
	});

	describePaging(current);
}

function describePaging(current: CurrentStore): void {
	it("pages by name in both directions while rows are deleted", async () => {
		const world = await fillStore(current());
		const { store, projectId, scope } = world;
		for (const name of ["d", "B", "a.b", "c", "a"]) await add(world, name);
		const page = (direction: "older" | "newer", id: string, limit = 2) =>
			store.eventTypes(scope, null, { limit, cursor: { direction, id } });
		const first = await store.eventTypes(scope, null, { limit: 2, cursor: null });
		expect([names(first), first.hasNewer, first.hasOlder]).toEqual([["B", "a"], false, true]);
		const second = await page("older", "a");
		expect([names(second), second.hasNewer, second.hasOlder]).toEqual([["a.b", "c"], true, true]);
		await store.deleteEventType(projectId, "c", null);
		const last = await page("older", "c");
		expect([names(last), last.hasNewer, last.hasOlder]).toEqual([["d"], true, false]);
		const back = await page("newer", "d");
		expect([names(back), back.hasNewer, back.hasOlder]).toEqual([["a", "a.b"], true, true]);
		const start = await page("newer", "a");
		expect([names(start), start.hasNewer, start.hasOlder]).toEqual([["B"], false, true]);
	});

	it("lists archived types, other types, or both", async () => {
		const world = await fillStore(current());
		const { store, scope } = world;
		for (const name of ["a", "b", "c"]) await add(world, name, { archived: name === "b" });
		expect(names(await store.eventTypes(scope, true, ALL))).toEqual(["b"]);
		const page = await store.eventTypes(scope, false, { limit: 1, cursor: { direction: "older", id: "a" } });
		expect([names(page), page.hasNewer, page.hasOlder]).toEqual([["c"], true, false]);
	});

	it("ends a page early when its schemas become large, and skips no type", async () => {
		const world = await fillStore(current());
		const { store, scope } = world;
		const schemaJson = JSON.stringify({ $comment: "x".repeat(1_000_000) });
		for (let n = 10; n < 20; n++) await add(world, `t${n}`, { schemaJson });
		const first = await store.eventTypes(scope, null, ALL);
		expect(first.rows.length).toBeLessThan(10);
		expect(first.hasOlder).toBe(true);
		const last = first.rows.at(-1)!.name;
		const second = await store.eventTypes(scope, null, { limit: 1_000, cursor: { direction: "older", id: last } });
		const third = await store.eventTypes(scope, null, {
			limit: 9,
			cursor: { direction: "older", id: names(second).at(-1)! },
		});
		expect([first, second, third].flatMap(names)).toEqual(Array.from({ length: 10 }, (_, n) => `t${n + 10}`));
		expect(third.hasOlder).toBe(false);
	});
}
