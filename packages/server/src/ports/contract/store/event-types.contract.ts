// The contract of the directory slice: event types.
import { expect, it } from "vitest";

import type { EventType } from "../../../core/event-type.ts";
import type { Page } from "../../../core/page.ts";
import { FIRST_VERSION } from "../../../core/workspace.ts";
import { addType } from "./records/calls.ts";
import type { CurrentStore } from "./records/records.ts";
import { fillStore, NEWEST } from "./records/records.ts";

function names({ rows }: Page<EventType>): string[] {
	return rows.map(({ name }) => name);
}

export function describeEventTypes(current: CurrentStore): void {
	it("stores all fields of an event type, with its texts as they were written, and replaces all of them", async () => {
		const world = await fillStore(current());
		const { store, projectId, scope, addProject } = world;
		const full = await addType(world, "order.paid");
		const empty = { description: null, schemaJson: null, exampleJson: null, archived: true };
		const bare = await addType(world, "bare", empty);
		expect(await store.eventType(projectId, "order.paid")).toEqual(full);
		expect((await store.eventTypes(scope, null, NEWEST)).rows).toEqual([bare, full]);
		const several = await store.eventTypesByName(projectId, ["bare", "none", "order.paid", "bare"]);
		expect(several).toEqual([bare, null, full, bare]);
		expect(await store.eventTypesByName(projectId, [])).toEqual([]);
		for (const id of [(await addProject()).id, "no id"]) {
			expect(await store.eventTypesByName(id, ["bare", "order.paid"])).toEqual([null, null]);
		}
		const changes = { description: null, schemaJson: "{}", archived: true, createDate: 5, updateDate: 6 };
		const next = { ...full, ...changes, revision: bare.revision + 1 };
		const options = { expected: full.revision, limit: 2, entry: null };
		expect(await store.putEventType(next, options)).toBe(next.revision);
		expect((await store.eventTypes(scope, null, NEWEST)).rows).toEqual([bare, next]);
	});

	it("counts and deletes the event types of each project alone", async () => {
		const world = await fillStore(current());
		const { store, projectId, records, addProject } = world;
		const options = { expected: null, limit: 2, entry: null };
		await addType(world, "a");
		const { revision } = await addType(world, "b");
		expect(await store.putEventType(records.eventType(projectId, "c"), options)).toBe("full");
		const other = await addProject();
		expect(await store.putEventType(records.eventType(other.id, "a"), options)).toBe(FIRST_VERSION + 1);
		expect(await store.deleteEventType(projectId, "a", null)).toBe(revision + 1);
		expect(await store.deleteEventType(projectId, "a", null)).toBeNull();
		expect(await store.eventType(projectId, "a")).toBeNull();
		expect(await store.eventType(other.id, "a")).toMatchObject({ name: "a", projectId: other.id });
	});

	it("pages by name in both directions while rows are deleted, through archived types, others or both", async () => {
		const world = await fillStore(current());
		const { store, projectId, scope } = world;
		for (const name of ["d", "B", "a.b", "c", "a"]) await addType(world, name, { archived: name === "a.b" });
		const read = async (direction: "older" | "newer" | null, id = "", archived: boolean | null = null) => {
			const cursor = direction === null ? null : { direction, id };
			const page = await store.eventTypes(scope, archived, { limit: 2, cursor });
			return [names(page), page.hasNewer, page.hasOlder];
		};
		expect(await read(null)).toEqual([["B", "a"], false, true]);
		expect(await read("older", "a")).toEqual([["a.b", "c"], true, true]);
		await store.deleteEventType(projectId, "c", null);
		expect(await read("older", "c")).toEqual([["d"], true, false]);
		expect(await read("newer", "d")).toEqual([["a", "a.b"], true, true]);
		expect(await read("newer", "a")).toEqual([["B"], false, true]);
		expect(await read(null, "", true)).toEqual([["a.b"], false, false]);
		expect(await read("older", "a", false)).toEqual([["d"], true, false]);
	});

	it("ends a page early when its schemas become large, and skips no type", async () => {
		const world = await fillStore(current());
		const schemaJson = JSON.stringify({ $comment: "x".repeat(1_000_000) });
		for (let n = 10; n < 20; n++) await addType(world, `t${n}`, { schemaJson });
		const read = (after: string | undefined) => {
			const cursor = after === undefined ? null : ({ direction: "older", id: after } as const);
			return world.store.eventTypes(world.scope, null, { limit: 1_000, cursor });
		};
		const first = await read(undefined);
		expect(first.rows.length).toBeLessThan(10);
		expect(first.hasOlder).toBe(true);
		const second = await read(names(first).at(-1));
		const third = await read(names(second).at(-1));
		expect([first, second, third].flatMap(names)).toEqual(Array.from({ length: 10 }, (_, n) => `t${n + 10}`));
		expect(third.hasOlder).toBe(false);
	});
}
