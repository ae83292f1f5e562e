// Keys over HTTP, and what a caller learns about itself.
import { describe, expect, it } from "vitest";

import { expectRefusals, refused, type Refusal } from "../../test/answers.ts";
import { caller, callerAlone } from "../../test/caller.ts";

const DAY_MS = 86_400_000;
const NOBODY = "key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";

describe("GET /workspace/key", () => {
	it("tells each key what it allows", async () => {
		const { call, keys, project, engine } = await caller();
		for (const [key, scope, projectId] of [
			[keys.admin, "admin", null],
			[keys.read, "read", null],
			[keys.projectRead, "read", project.id],
		] as const) {
			const { status, json, text } = await call("GET", "/workspace/key", undefined, { "secret-key": key });
			expect(status).toBe(200);
			expect(json).toEqual({
				object: "caller",
				kind: "key",
				id: engine.keys.authenticate(key)?.key.id,
				name: "test",
				scope,
				projectId,
				customerId: null,
				capabilities: null,
				sessionId: null,
				portalSession: null,
				expireDate: null,
			});
			expect(text).not.toContain(key.slice(3));
		}
	});
});

describe("a key", () => {
	it("has an end, if one was set, after which every call with it is a 401 that says so", async () => {
		const { call, test } = await callerAlone();
		const expireDate = test.clock.now() + 5_000;
		const made = await call("POST", "/workspace/keys", { name: "k", scope: "admin", expireDate });
		expect(made).toMatchObject({ status: 200, json: { expireDate, lastUsedDate: null, secretOverlapUntil: null } });
		const headers = { "secret-key": String(made.json["secretKey"]) };
		expect((await call("GET", "/workspace/key", undefined, headers)).json).toMatchObject({ expireDate });
		test.clock.advance(5_000);
		for (const [method, path] of [
			["GET", "/workspace/key"],
			["GET", "./stream"],
			["POST", "./events"],
			["DELETE", `/workspace/keys/${String(made.json["id"])}`],
		] as const) {
			const answer = await call(method, path, undefined, headers);
			expect(answer).toMatchObject({ status: 401, json: { code: "expired_key" } });
			expect(answer.headers.get("www-authenticate")).toContain('error="invalid_token"');
		}
	});

	it("can't be created with an end that is past, too far away or no whole number of milliseconds", async () => {
		const refusals = [1, "2030-01-01", 1.5, 253_402_300_800_000].map((expireDate): Refusal => {
			return ["POST /workspace/keys", "expireDate", undefined, { name: "k", scope: "read", expireDate }];
		});
		await expectRefusals(await caller(), refusals);
	});

	it("shows when it was used last, to the minute", async () => {
		const { call, test } = await callerAlone();
		const { json } = await call("POST", "/workspace/keys", { name: "k", scope: "read" });
		const used = test.clock.now();
		await call("GET", "/workspace", undefined, { "secret-key": String(json["secretKey"]) });
		const listed = await call("GET", "/workspace/keys?limit=1");
		expect(listed.json["data"]).toMatchObject([{ id: json["id"], lastUsedDate: used - (used % 60_000) }]);
	});

	it("can be renamed, and nothing else of it can be changed", async () => {
		const { call, engine, project } = await caller();
		const body = { name: "k", scope: "read", projectId: project.id };
		const { json } = await call("POST", "/workspace/keys", body);
		const { id, secretKey, ...key } = json;
		const path = `/workspace/keys/${String(id)}`;
		const renamed = await call("PATCH", path, { name: "billing" });
		expect(renamed).toMatchObject({ status: 200, json: { ...key, id, name: "billing" } });
		expect(renamed.json).not.toHaveProperty("secretKey");
		const wrong = [{ scope: "admin" }, { projectId: null }, { expireDate: null }, { name: " " }, { name: null }];
		for (const change of wrong)
			expect(await call("PATCH", path, change)).toMatchObject(refused(Object.keys(change)[0]!));
		expect(engine.keys.authenticate(String(secretKey))?.key).toMatchObject({ name: "billing", scope: "read" });
		const unknown = await call("PATCH", `/workspace/keys/${NOBODY}`, { name: "b" });
		expect(unknown).toMatchObject({ status: 404, json: { code: "key_not_found" } });
	});

	it("can be rolled: shown once, with an overlap of a day or of what the caller says", async () => {
		const { call, test, lines } = await callerAlone();
		const made = await call("POST", "/workspace/keys", { name: "k", scope: "read" });
		const path = `/workspace/keys/${String(made.json["id"])}:roll`;
		const who = async (answer: { readonly json: Readonly<Record<string, unknown>> }) =>
			(await call("GET", "/workspace/key", undefined, { "secret-key": String(answer.json["secretKey"]) })).json;
		const first = await call("POST", path);
		const { secretKey, hint } = first.json;
		expect(first.json).toMatchObject({ id: made.json["id"], secretOverlapUntil: test.clock.now() + DAY_MS });
		expect([secretKey, String(secretKey).slice(-4)]).toEqual([expect.stringMatching(/^sk_.{43}$/), hint]);
		expect(await who(made)).toMatchObject({ id: made.json["id"], expireDate: test.clock.now() + DAY_MS });
		expect(await who(first)).toMatchObject({ id: made.json["id"], expireDate: null });
		expect((await call("GET", "/workspace/keys?limit=1")).text).not.toContain(String(secretKey));
		const second = await call("POST", path, { overlapMs: 0 });
		expect(second.json).toMatchObject({ secretOverlapUntil: null });
		expect([await who(made), await who(first)]).toMatchObject([{ code: "unknown_key" }, { code: "unknown_key" }]);
		expect(JSON.stringify(lines)).not.toContain(String(secretKey));
		for (const overlapMs of [-1, 7 * DAY_MS + 1, 0.5, "1"]) {
			const answer = await call("POST", path, { overlapMs });
			expect(answer).toMatchObject(refused("overlapMs"));
		}
		expect(await who(second)).toMatchObject({ kind: "key" });
		const unknown = await call("POST", `/workspace/keys/${NOBODY}:roll`);
		expect(unknown).toMatchObject({ status: 404, json: { code: "key_not_found" } });
	});
});
