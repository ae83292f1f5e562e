// Quotas over HTTP: who may change them, how they are shown, and what a refused sender gets.
import { describe, expect, it } from "vitest";

import { problem, refused } from "../../test/answers.ts";
import { caller } from "../../test/caller.ts";

const event = (data: unknown, idempotencyKey?: string) => ({
	type: "a.b",
	data,
	...(idempotencyKey !== undefined && { idempotencyKey }),
});

describe("a project's quotas", () => {
	it("and the limits of each customer are set by an admin key of the workspace only, shown only if set, and cleared by null", async () => {
		const { call, get, keys, project } = await caller();
		const path = `/projects/${project.id}`;
		const ofCustomers = { maxWebhooksPerCustomer: 7, maxReplaysPerCustomer: 3, maxStreamsPerCustomer: 9 };
		const quotas = { maxEventsPerSecond: 5, maxStoredBytes: 1_000_000, ...ofCustomers, maxTestsPerCustomer: 1 };
		const names = Object.keys(quotas);
		const shown = async () =>
			Object.keys((await get(path, keys.projectRead)).json).filter((name) => names.includes(name));
		expect(await shown()).toEqual([]);
		for (const key of [keys.project, keys.write, keys.read]) {
			expect((await call("PATCH", path, quotas, { "secret-key": key })).status).toBe(403);
		}
		expect((await call("PATCH", path, quotas)).json).toMatchObject(quotas);
		expect((await call("PATCH", path, { name: "New" })).json).toMatchObject({ ...quotas, name: "New" });
		expect((await get(path, keys.projectRead)).json).toMatchObject(quotas);
		for (const [name, high] of Object.entries({
			maxEventsPerSecond: 1_000_001,
			maxWebhooksPerCustomer: 10_001,
			maxReplaysPerCustomer: 101,
			maxStreamsPerCustomer: 101,
			maxTestsPerCustomer: 65,
		})) {
			// No events at all is a quota, no webhook is none.
			const least = name === "maxEventsPerSecond" ? [] : [0];
			for (const bad of [...least, -1, 1.5, "2", true, [1], {}, high])
				expect(await call("PATCH", path, { [name]: bad })).toMatchObject(refused(name));
		}
		expect((await call("PATCH", path, { maxEventsPerSecond: 0 })).json).toMatchObject({ maxEventsPerSecond: 0 });
		await call("PATCH", path, Object.fromEntries(names.map((name) => [name, null])));
		expect(await shown()).toEqual([]);
	});

	it("answer a send that is too much with 429, the quota's name and Retry-After, and a repeat with its event", async () => {
		const { call, project } = await caller();
		await call("PATCH", `/projects/${project.id}`, { maxEventsPerSecond: 1 });
		const first = await call("POST", "./events", event(1, "k"));
		for (let sent = 0; sent < 4; sent++) expect((await call("POST", "./events", event(sent))).status).toBe(202);
		const full = await call("POST", "./events", event(6));
		expect(full).toMatchObject(problem(429, "event_rate_exceeded"));
		expect(full.json["message"]).toMatch(/quota of 1 event per second \(maxEventsPerSecond\)/);
		expect(full.headers.get("retry-after")).toBe("1");
		const batch = await call("POST", "./events:batch", { events: [event(1, "k"), event(7)] });
		expect(batch).toMatchObject(problem(429, "event_rate_exceeded"));
		expect(batch.headers.get("retry-after")).toBe("1");
		const repeat = await call("POST", "./events", event(1, "k"));
		expect(repeat).toMatchObject({ status: 202, json: { id: first.json["id"] } });
	});

	it("are in the usage, with what is stored, for each key that may read the project", async () => {
		const { call, keys, project } = await caller();
		const ofChanges = { maxChangesPerMinute: 1_800, maxChangesPerMinutePerCustomer: 30 };
		const serverSettings = {
			retentionDays: 30,
			payloadRetentionDays: 0,
			maxEventsPerSecond: 0,
			maxStoredBytes: 0,
			maxWebhooksPerCustomer: 50,
			maxReplaysPerCustomer: 2,
			maxStreamsPerCustomer: 5,
			maxTestsPerCustomer: 2,
		};
		const quotas = { maxEventsPerSecond: 0, maxStoredBytes: 0, ...ofChanges, serverSettings };
		const usage = { object: "projectUsage", storedBytes: 0, ...quotas };
		expect((await call("GET", "./usage", undefined, { "secret-key": keys.projectRead })).json).toEqual(usage);
		await call("POST", "./events", event("x".repeat(10_000)));
		// What the server would apply stays beside what the project has set.
		await call("PATCH", `/projects/${project.id}`, { maxStoredBytes: 12_000, maxTestsPerCustomer: 1 });
		const { json } = await call("GET", "./usage");
		expect(json).toEqual({ ...usage, storedBytes: expect.any(Number), maxStoredBytes: 12_000 });
		expect(json["storedBytes"]).toBeGreaterThan(10_000);
		const full = await call("POST", "./events", event("x".repeat(2_000)));
		expect(full).toMatchObject(problem(429, "stored_bytes_exceeded"));
		expect(Number(full.headers.get("retry-after"))).toBeGreaterThan(1);
		await call("PATCH", `/projects/${project.id}`, { maxStoredBytes: 1 });
		const retries = await call("POST", "./deliveries:retry", { status: ["Failed"] });
		expect(retries).toMatchObject(problem(429, "stored_bytes_exceeded"));
		expect(Number(retries.headers.get("retry-after"))).toBeGreaterThan(1);
		expect((await call("GET", "./usage", undefined, { "secret-key": keys.other })).status).toBe(404);
	});
});
