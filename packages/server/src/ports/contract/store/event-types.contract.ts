// The contract of the directory slice: event types, and the project's policy on them.
import { expect, it } from "vitest";

import type { EventType } from "../../../core/event-type.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import type { CurrentStore } from "./records/records.ts";
import { fillStore } from "./records/records.ts";

const ALL: PageRequest = { limit: 1_000, cursor: null };
const LIMIT = 1_000;

function eventType(projectId: string, name: string, changes: Partial<EventType> = {}): EventType {
	return {
		projectId,
		name,
		description: "What “it” is — ünïcode",
		schemaJson: '{ "type": "object" }',
		exampleJson: '{"n": 1.0}',
		archived: false,
		createDate: 1_800_000_000_000,
		updateDate: 1_800_000_000_001,
		...changes,
	};
}

function names({ rows }: Page<EventType>): string[] {
	return rows.map(({ name }) => name);
}

export function describeEventTypes(current: CurrentStore): void {
	it("stores a project's policy on event types", async () => {
		const { store, records } = await fillStore(current());
		const catalogued = { ...records.project(), eventTypes: "catalogued" } as const;
		await store.insertProject(catalogued);
		expect(await store.projects()).toContainEqual(catalogued);
		await store.updateProject({ ...catalogued, eventTypes: "open" });
		expect(await store.projects()).toContainEqual({ ...catalogued, eventTypes: "open" });
	});

	it("stores all fields of an event type, with its texts exactly as they were written", async () => {
		const { store, projectId } = await fillStore(current());
		const full = eventType(projectId, "order.paid");
		const bare = eventType(projectId, "bare", {
			description: null,
			schemaJson: null,
			exampleJson: null,
			archived: true,
		});
		expect(await store.putEventType(full, LIMIT)).toBe("added");
		expect(await store.putEventType(bare, LIMIT)).toBe("added");
		expect(await store.eventType(projectId, "order.paid")).toEqual(full);
		expect((await store.eventTypes(projectId, null, ALL)).rows).toEqual([bare, full]);
	});

	it("replaces all fields of an event type of the same name", async () => {
		const { store, projectId } = await fillStore(current());
		await store.putEventType(eventType(projectId, "a"), LIMIT);
		const next = eventType(projectId, "a", {
			description: null,
			schemaJson: "{}",
			archived: true,
			createDate: 5,
			updateDate: 6,
		});
		expect(await store.putEventType(next, LIMIT)).toBe("replaced");
		expect((await store.eventTypes(projectId, null, ALL)).rows).toEqual([next]);
	});

	it("adds no type beyond the project's limit, but still replaces types", async () => {
		const { store, projectId, records } = await fillStore(current());
		for (const name of ["a", "b"]) await store.putEventType(eventType(projectId, name), 2);
		expect(await store.putEventType(eventType(projectId, "c"), 2)).toBe("full");
		expect(await store.putEventType(eventType(projectId, "a"), 2)).toBe("replaced");
		expect(await store.putEventType(eventType(records.project().id, "c"), 2)).toBe("added");
		expect(names(await store.eventTypes(projectId, null, ALL))).toEqual(["a", "b"]);
	});

	it("deletes an event type of one project and not of another", async () => {
		const { store, projectId, records } = await fillStore(current());
		const other = records.project().id;
		for (const id of [projectId, other]) await store.putEventType(eventType(id, "a"), LIMIT);
		expect(await store.deleteEventType(projectId, "a")).toBe(true);
		expect(await store.deleteEventType(projectId, "a")).toBe(false);
		expect(await store.eventType(projectId, "a")).toBeNull();
		expect(await store.eventType(other, "a")).toEqual(eventType(other, "a"));
	});

	it("deletes the event types of a deleted project", async () => {
		const { store, projectId, records } = await fillStore(current());
		await store.putEventType(eventType(projectId, "a"), LIMIT);
		await store.deleteProject(projectId, records.now);
		expect(await store.eventType(projectId, "a")).toBeNull();
	});

	describePaging(current);
}

function describePaging(current: CurrentStore): void {
	it("pages by name in both directions while rows are deleted", async () => {
		const { store, projectId } = await fillStore(current());
		for (const name of ["d", "B", "a.b", "c", "a"]) await store.putEventType(eventType(projectId, name), LIMIT);
		const page = (direction: "older" | "newer", id: string, limit = 2) =>
			store.eventTypes(projectId, null, { limit, cursor: { direction, id } });
		const first = await store.eventTypes(projectId, null, { limit: 2, cursor: null });
		expect([names(first), first.hasNewer, first.hasOlder]).toEqual([["B", "a"], false, true]);
		const second = await page("older", "a");
		expect([names(second), second.hasNewer, second.hasOlder]).toEqual([["a.b", "c"], true, true]);
		await store.deleteEventType(projectId, "c");
		const last = await page("older", "c");
		expect([names(last), last.hasNewer, last.hasOlder]).toEqual([["d"], true, false]);
		const back = await page("newer", "d");
		expect([names(back), back.hasNewer, back.hasOlder]).toEqual([["a", "a.b"], true, true]);
		const start = await page("newer", "a");
		expect([names(start), start.hasNewer, start.hasOlder]).toEqual([["B"], false, true]);
	});

	it("lists archived types, other types, or both", async () => {
		const { store, projectId } = await fillStore(current());
		for (const name of ["a", "b", "c"]) {
			await store.putEventType(eventType(projectId, name, { archived: name === "b" }), LIMIT);
		}
		expect(names(await store.eventTypes(projectId, true, ALL))).toEqual(["b"]);
		const page = await store.eventTypes(projectId, false, { limit: 1, cursor: { direction: "older", id: "a" } });
		expect([names(page), page.hasNewer, page.hasOlder]).toEqual([["c"], true, false]);
	});

	it("ends a page early when its schemas become large, and skips no type", async () => {
		const { store, projectId } = await fillStore(current());
		const schemaJson = JSON.stringify({ $comment: "x".repeat(1_000_000) });
		for (let n = 10; n < 20; n++) await store.putEventType(eventType(projectId, `t${n}`, { schemaJson }), LIMIT);
		const first = await store.eventTypes(projectId, null, ALL);
		expect(first.rows.length).toBeLessThan(10);
		expect(first.hasOlder).toBe(true);
		const last = first.rows.at(-1)!.name;
		const second = await store.eventTypes(projectId, null, { limit: 1_000, cursor: { direction: "older", id: last } });
		const third = await store.eventTypes(projectId, null, {
			limit: 9,
			cursor: { direction: "older", id: names(second).at(-1)! },
		});
		expect([first, second, third].flatMap(names)).toEqual(Array.from({ length: 10 }, (_, n) => `t${n + 10}`));
		expect(third.hasOlder).toBe(false);
	});
}
