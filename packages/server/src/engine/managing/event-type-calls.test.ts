// Event types with the real store and the real validator: their management, and the checks of catalogued projects.
import { describe, expect, it } from "vitest";

import { projectScope } from "../../core/access/principal.ts";
import type { EventType } from "../../core/event-type.ts";
import { NEWEST } from "../../ports/contract/store/records/records.ts";
import type { EventTypeSettings } from "../calls.ts";
import { EventTypeCache } from "../directory/event-type-cache.ts";
import { codeOf, NO_SETTINGS, NOBODY, openDelivering } from "../test/arrangements.ts";
import { eventInput, openTestEngine, type TestEngine } from "../test/test-engine.ts";
import type { EventTypeCalls } from "./event-type-calls.ts";

const SCHEMA = JSON.stringify({
	type: "object",
	required: ["user"],
	properties: { user: { type: "object", properties: { email: { type: "string" } } } },
});
const FITTING = '{"user": {"email": "a@example.com"}, "n": 1.50}';

const create = (test: TestEngine, name: string, settings: Partial<EventTypeSettings> = {}) =>
	test.engine.eventTypes.create(test.change, name, { ...NO_SETTINGS, ...settings });
const setPolicy = (test: TestEngine, eventTypes: "open" | "catalogued") =>
	test.engine.projects.update(test.change, { eventTypes });
const refusal = (path: string, message: RegExp) => ({
	code: "invalid_request",
	issues: [{ path, message: expect.stringMatching(message) }],
});

describe("a catalogued project", () => {
	it("accepts events of its types with valid data, and refuses all others with the path of the error", async () => {
		await using test = await openTestEngine();
		await create(test, "user.created", { schemaJson: SCHEMA });
		await create(test, "anything");
		await setPolicy(test, "catalogued");
		await test.send({ type: "user.created", dataJson: FITTING });
		await test.send({ type: "anything", dataJson: "17" });
		await expect(test.send({ type: "user.deleted" })).rejects.toMatchObject(
			refusal("type", /not one of this project's event types/),
		);
		const broken = test.send({ type: "user.created", dataJson: '{"user":{"email":7}}' });
		await expect(broken).rejects.toMatchObject(refusal("data.user.email", /must be string/));
		await expect(test.send({ type: "user.created" })).rejects.toMatchObject(refusal("data.user", /is required/));
		const { rows } = await test.store.events(test.scope, { types: null, after: null, before: null }, NEWEST);
		expect(rows).toHaveLength(2);
		expect(test.observer.refusals).toEqual(["invalid_request", "invalid_request", "invalid_request"]);
		// Each event of a batch on its own, with the results in order.
		const inputs = ["{}", FITTING, "3", FITTING].map((dataJson) => eventInput({ type: "user.created", dataJson }));
		const results = await test.engine.intake.sendBatch(test.scope, inputs);
		expect(results).toMatchObject([
			refusal("data.user", /required/),
			{ duplicate: false },
			refusal("data", /object/),
			{ duplicate: false },
		]);
	});

	it("applies each change of its event types at once", async () => {
		await using test = await openTestEngine();
		const { eventTypes } = test.engine;
		await setPolicy(test, "catalogued");
		const send = () =>
			test.send({ type: "a", dataJson: "1" }).then(
				() => "taken",
				(error) => error.issues[0].message,
			);
		expect(await send()).toMatch(/not one of this project's event types/);
		await create(test, "a");
		expect(await send()).toBe("taken");
		await eventTypes.update(test.change, "a", { schemaJson: '{"type":"string"}' });
		expect(await send()).toBe("must be string");
		await eventTypes.put(test.change, "a", { ...NO_SETTINGS, archived: true });
		expect(await send()).toMatch(/is an archived event type/);
		await eventTypes.delete(test.change, "a");
		expect(await send()).toMatch(/not one of this project's event types/);
		await setPolicy(test, "open");
		expect(await send()).toBe("taken");
	});

	it("accepts Fanfare's own event types, lets nobody create one, and refuses a send whose check is under way at a stop", async () => {
		await using test = await openTestEngine();
		await create(test, "a", { schemaJson: '{"type":"string"}' });
		await setPolicy(test, "catalogued");
		const { eventTypes } = test.engine as unknown as { eventTypes: EventTypeCalls };
		expect(await eventTypes.check(test.projectId, { type: "fanfare.webhook.disabled", dataJson: "{}" })).toEqual([]);
		await expect(create(test, "fanfare.mine")).rejects.toMatchObject(refusal("name", /fanfare/));
		const checked = test.send({ type: "a", dataJson: '"text"' });
		const [sent] = await Promise.allSettled([checked, test.engine.stop(0)]);
		expect(sent).toMatchObject({ status: "rejected", reason: { code: "shutting_down" } });
		// It stays catalogued, with its event types, after a restart.
		await using after = await openTestEngine({ store: test.store });
		await after.send({ type: "a", dataJson: '"text"' });
		await expect(after.send({ type: "a", dataJson: "1" })).rejects.toMatchObject(refusal("data", /string/));
	});

	it("refuses sends beyond the share of a project in the limit of waiting checks as overloaded", async () => {
		await using test = await openTestEngine({ limits: { maxWaitingSends: 4 } });
		await create(test, "a", { schemaJson: "{}" });
		await setPolicy(test, "catalogued");
		const sends = await Promise.allSettled(Array.from({ length: 5 }, () => test.send({ type: "a" })));
		expect(sends.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
		expect(sends.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "overloaded" } });
	});
});

describe("event types", () => {
	it("keep their schema and example as written, and the dates of their changes", async () => {
		await using test = await openTestEngine();
		const made = await create(test, "a.b", { description: "d", schemaJson: `  ${SCHEMA}`, exampleJson: FITTING });
		test.clock.advance(5);
		const changed = await test.engine.eventTypes.update(test.change, "a.b", { archived: true });
		expect(changed).toEqual({ ...made, archived: true, updateDate: made.createDate + 5, revision: made.revision + 1 });
		expect(await test.engine.eventTypes.get(test.scope, "a.b")).toEqual(changed);
		expect(changed.exampleJson).toBe(FITTING);
	});

	it("are refused with an invalid schema or an example that does not fit, with the path of the error", async () => {
		await using test = await openTestEngine();
		const bad = create(test, "a", { schemaJson: '{"properties":{"n":{"type":"strin"}}}' });
		await expect(bad).rejects.toMatchObject(refusal("schema.properties.n.type", /one of/));
		const unfit = create(test, "a", { schemaJson: SCHEMA, exampleJson: '{"user":{"email":1}}' });
		await expect(unfit).rejects.toMatchObject(refusal("example.user.email", /string/));
		await create(test, "a", { schemaJson: SCHEMA, exampleJson: FITTING });
		const stricter = test.engine.eventTypes.update(test.change, "a", { schemaJson: '{"required":["id"]}' });
		await expect(stricter).rejects.toMatchObject(refusal("example.id", /required/));
		expect((await test.engine.eventTypes.get(test.scope, "a")).schemaJson).toBe(SCHEMA);
		// One whose schema has turned out to be too slow can be archived.
		await create(test, "slow", { schemaJson: '{"pattern":"^(?=a)(a+)+$"}' });
		await setPolicy(test, "catalogued");
		const slow = test.send({ type: "slow", dataJson: JSON.stringify(`${"a".repeat(60)}!`) });
		await expect(slow).rejects.toMatchObject(refusal("data", /takes longer/));
		await test.engine.eventTypes.update(test.change, "slow", { archived: true });
	});

	it("can't be created twice, and are not found if they don't exist", async () => {
		await using test = await openTestEngine();
		const { eventTypes } = test.engine;
		await create(test, "a");
		expect(await codeOf(create(test, "a"))).toBe("event_type_exists");
		for (const call of [
			eventTypes.get(test.scope, "b"),
			eventTypes.update(test.change, "b", {}),
			eventTypes.delete(test.change, "b"),
		]) {
			expect(await codeOf(call)).toBe("event_type_not_found");
		}
		expect(await codeOf(eventTypes.get(projectScope("proj_x"), "a"))).toBe("project_not_found");
	});

	it("are created once by two calls at the same time, and lose none of several changes at the same time", async () => {
		await using test = await openTestEngine();
		const both = await Promise.allSettled([create(test, "a"), create(test, "a")]);
		expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
		const { eventTypes } = test.engine;
		await Promise.all([
			eventTypes.update(test.change, "a", { description: "d" }),
			eventTypes.update(test.change, "a", { schemaJson: "{}" }),
			eventTypes.update(test.change, "a", { archived: true }),
		]);
		const all = { description: "d", schemaJson: "{}", archived: true };
		expect(await eventTypes.get(test.scope, "a")).toMatchObject(all);
		await Promise.all([setPolicy(test, "catalogued"), test.engine.projects.update(test.change, { name: "n" })]);
		expect(await test.store.projects()).toMatchObject([{ eventTypes: "catalogued", name: "n" }]);
	});

	it("are limited to 1,000 in a project", async () => {
		await using test = await openTestEngine();
		for (let n = 0; n < 1_000; n++) await create(test, `t${n}`);
		await expect(create(test, "one.more")).rejects.toMatchObject({ code: "too_many_event_types" });
		await test.engine.eventTypes.put(test.change, "t5", NO_SETTINGS);
	});
});

describe("a test of a webhook", () => {
	it("sends the example of a type, byte for byte", async () => {
		const { receiver, test, webhook } = await openDelivering();
		await create(test, "user.created", { schemaJson: SCHEMA, exampleJson: FITTING });
		await test.engine.webhooks.test(test.change, webhook.id, { eventType: "user.created", dataJson: null });
		await test.engine.webhooks.test(test.change, webhook.id, null);
		const [withType, without] = receiver.requests.map(({ rawBody }) => rawBody.toString());
		expect(withType).toBe(`{"type":"user.created","timestamp":"2026-11-24T12:00:00.000Z","data":${FITTING}}`);
		expect(without).toContain('"type":"fanfare.test"');
	});

	it("is refused for a type that has no example, or that does not exist", async () => {
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(NOBODY);
		await create(test, "bare");
		const testWith = (eventType: string) => test.engine.webhooks.test(test.change, id, { eventType, dataJson: null });
		await expect(testWith("bare")).rejects.toMatchObject(refusal("eventType", /no example/));
		await expect(testWith("none")).rejects.toMatchObject(refusal("eventType", /not one of this project's event types/));
	});
});

describe("the event type cache", () => {
	const eventType = (name: string, schemaJson: string | null = null): EventType => {
		const dates = { revision: 1, createDate: 0, updateDate: 0 };
		return { ...NO_SETTINGS, projectId: "p", name, schemaJson, visibility: "public", ...dates };
	};

	it("reads each event type once, also one that does not exist, and again after a failure", async () => {
		const reads: string[] = [];
		const cache = new EventTypeCache(async (_project, name) => {
			reads.push(name);
			if (reads.length === 1) throw new Error("busy");
			return name === "a" ? eventType(name) : null;
		});
		await expect(cache.get("p", "a")).rejects.toThrow("busy");
		for (let n = 0; n < 3; n++) await Promise.all([cache.get("p", "a"), cache.get("p", "none")]);
		expect(reads).toEqual(["a", "a", "none"]);
	});

	it("does not keep an event type that has changed while it was read", async () => {
		const readers: ((found: EventType | null) => void)[] = [];
		const cache = new EventTypeCache(() => new Promise((resolve) => readers.push(resolve)));
		const before = cache.get("p", "a");
		cache.forget("p", "a");
		const after = cache.get("p", "a");
		readers[0]?.(null);
		readers[1]?.(eventType("a"));
		expect([await before, await after, await cache.get("p", "a")]).toEqual([null, eventType("a"), eventType("a")]);
		expect(readers).toHaveLength(2);
	});

	it("keeps the types of a project while another one asks for very many, or very large ones", async () => {
		for (const schema of [null, "x".repeat(1_024 * 1_024)]) {
			const reads: string[] = [];
			const cache = new EventTypeCache(async (project, name) => {
				reads.push(`${project} ${name}`);
				return eventType(name, project === "greedy" ? schema : "{}");
			});
			for (let n = 0; n < 50; n++) await cache.get(`p${n}`, "a");
			for (let n = 0; n < 20_000; n++) await cache.get("greedy", `t${n}`);
			reads.length = 0;
			for (let n = 0; n < 50; n++) await cache.get(`p${n}`, "a");
			await cache.get("greedy", "t19999");
			expect(reads).toEqual([]);
			await cache.get("greedy", "t0");
			expect(reads).toEqual(["greedy t0"]);
		}
	});
});
