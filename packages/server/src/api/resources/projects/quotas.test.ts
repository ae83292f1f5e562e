// Quotas over HTTP: who may change them, how they are shown, and what a refused sender gets.
import { describe, expect, it } from "vitest";

import { caller } from "../../test/caller.ts";

const event = (data: unknown, idempotencyKey?: string) => ({
	type: "a.b",
	data,
	...(idempotencyKey !== undefined && { idempotencyKey }),
});

describe("a project's quotas", () => {
	it("are set by an admin key of the workspace only, and shown only if set", async () => {
		const { call, keys, project } = await caller();
		const path = `/projects/${project.id}`;
		const quotas = { maxEventsPerSecond: 5, maxStoredBytes: 1_000_000 };
		expect(Object.keys((await call("GET", path)).json)).not.toEqual(expect.arrayContaining(Object.keys(quotas)));
		for (const key of [keys.project, keys.write, keys.read]) {
			expect((await call("PATCH", path, quotas, { "secret-key": key })).status).toBe(403);
		}
		expect((await call("PATCH", path, quotas)).json).toMatchObject(quotas);
		expect((await call("GET", path, undefined, { "secret-key": keys.projectRead })).json).toMatchObject(quotas);
		const { json } = await call("PATCH", path, { maxStoredBytes: null });
		expect(json).toMatchObject({ maxEventsPerSecond: 5 });
		expect(json).not.toHaveProperty("maxStoredBytes");
		expect(await call("PATCH", path, { maxEventsPerSecond: 0 })).toMatchObject({ json: { maxEventsPerSecond: 0 } });
	});

	it("have beside them the limits of each customer, which are shown, kept and set to null in the same way", async () => {
		const { call, keys, project } = await caller();
		const path = `/projects/${project.id}`;
		const limits = {
			maxWebhooksPerCustomer: 7,
			maxReplaysPerCustomer: 3,
			maxStreamsPerCustomer: 9,
			maxTestsPerCustomer: 1,
		};
		const names = Object.keys(limits);
		expect((await call("PATCH", path, limits, { "secret-key": keys.project })).status).toBe(403);
		expect((await call("PATCH", path, limits)).json).toMatchObject(limits);
		expect((await call("PATCH", path, { name: "New" })).json).toMatchObject({ ...limits, name: "New" });
		for (const name of names) {
			const high =
				{ maxWebhooksPerCustomer: 10_001, maxReplaysPerCustomer: 101, maxStreamsPerCustomer: 101 }[name] ?? 65;
			for (const bad of [0, -1, 1.5, "2", true, [1], high]) {
				const refused = await call("PATCH", path, { [name]: bad });
				expect(refused).toMatchObject({ status: 400, json: { issues: [{ path: name }] } });
			}
		}
		const cleared = await call("PATCH", path, Object.fromEntries(names.map((name) => [name, null])));
		for (const name of names) expect(cleared.json).not.toHaveProperty(name);
	});

	it.each([-1, 0.5, "5", 1_000_001, [1], {}, true])("refuse %j", async (maxEventsPerSecond) => {
		const { call, project } = await caller();
		const { status, json } = await call("PATCH", `/projects/${project.id}`, { maxEventsPerSecond });
		expect([status, json["code"]]).toEqual([400, "invalid_request"]);
	});

	it("answer a send that is too much with 429, the quota's name and Retry-After, and a repeat with its event", async () => {
		const { call, project } = await caller();
		await call("PATCH", `/projects/${project.id}`, { maxEventsPerSecond: 1 });
		const first = await call("POST", "./events", event(1, "k"));
		for (let sent = 0; sent < 4; sent++) expect((await call("POST", "./events", event(sent))).status).toBe(202);
		const refused = await call("POST", "./events", event(6));
		expect(refused).toMatchObject({ status: 429, json: { code: "event_rate_exceeded" } });
		expect(refused.json["message"]).toMatch(/quota of 1 event per second \(maxEventsPerSecond\)/);
		expect(refused.headers.get("retry-after")).toBe("1");
		const batch = await call("POST", "./events:batch", { events: [event(1, "k"), event(7)] });
		expect(batch).toMatchObject({ status: 429, json: { code: "event_rate_exceeded" } });
		expect(batch.headers.get("retry-after")).toBe("1");
		const repeat = await call("POST", "./events", event(1, "k"));
		expect(repeat).toMatchObject({ status: 202, json: { id: first.json["id"] } });
	});

	it("answer a change that is too much with a customer's token with 429 and Retry-After, but no change with a key", async () => {
		const { call, tokenOf } = await caller();
		const created = await call("POST", "./batch/webhooks", {
			name: "Acme",
			spec: { endpoint: "https://example.com/" },
			customerId: "acme",
		});
		const path = `./batch/webhooks/${String(created.json["id"])}`;
		const token = { authorization: `Bearer ${await tokenOf("acme")}`, "secret-key": "" };
		const rename = (name: number, headers = {}) => call("PATCH", path, { name: `Name ${name}` }, headers);
		let refused = await rename(0, token);
		for (let name = 1; refused.status === 200; name++) refused = await rename(name, token);
		expect(refused).toMatchObject({ status: 429, json: { code: "change_rate_exceeded" } });
		expect(refused.json["message"]).toMatch(/quota of 30 changes per minute \(maxChangesPerMinutePerCustomer\)/);
		expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
		expect((await call("POST", `${path}:pause`, undefined, token)).status).toBe(200);
		expect((await rename(1_000)).status).toBe(200);
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
		const refused = await call("POST", "./events", event("x".repeat(2_000)));
		expect(refused).toMatchObject({ status: 429, json: { code: "stored_bytes_exceeded" } });
		expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(1);
		await call("PATCH", `/projects/${project.id}`, { maxStoredBytes: 1 });
		const retries = await call("POST", "./deliveries:retry", { status: ["Failed"] });
		expect(retries).toMatchObject({ status: 429, json: { code: "stored_bytes_exceeded" } });
		expect(Number(retries.headers.get("retry-after"))).toBeGreaterThan(1);
		expect((await call("GET", "./usage", undefined, { "secret-key": keys.other })).status).toBe(404);
	});
});
