// Error responses: their codes and bodies, and what they must not reveal.
import { describe, expect, it } from "vitest";

import { ERROR_KINDS, FanfareError, type ErrorCode } from "../../core/errors.ts";
import { StoreError, StoreInDoubtError } from "../../ports/store/errors.ts";
import { caller } from "../test/caller.ts";
import { problemReply } from "./problem.ts";

describe("errors", () => {
	it("have the documented response codes", () => {
		const statuses = Object.keys(ERROR_KINDS).map((code) => [
			code,
			problemReply(new FanfareError(code as ErrorCode, "m"), "req_1").status,
		]);
		expect(Object.fromEntries(statuses)).toEqual({
			invalid_request: 400,
			invalid_json: 400,
			invalid_encoding: 400,
			invalid_cursor: 400,
			invalid_http: 400,
			unknown_webhook: 400,
			missing_key: 401,
			unknown_key: 401,
			unknown_portal_session: 401,
			expired_key: 401,
			unknown_session: 401,
			unknown_sign_in_link: 401,
			insufficient_scope: 403,
			relays_off: 403,
			route_not_found: 404,
			project_not_found: 404,
			webhook_not_found: 404,
			event_not_found: 404,
			delivery_not_found: 404,
			key_not_found: 404,
			event_type_not_found: 404,
			replay_not_found: 404,
			customer_not_found: 404,
			relay_not_found: 404,
			portal_session_not_found: 404,
			method_not_allowed: 405,
			idempotency_conflict: 409,
			revision_conflict: 409,
			last_admin_key: 409,
			key_not_active: 409,
			event_type_exists: 409,
			too_many_event_types: 409,
			too_many_projects: 409,
			too_many_keys: 409,
			too_many_webhooks: 409,
			webhook_key_exists: 409,
			webhooks_too_large: 409,
			too_many_customers: 409,
			customers_too_large: 409,
			customer_being_deleted: 409,
			replay_ended: 409,
			too_many_replays: 409,
			too_many_relays: 409,
			request_not_open: 409,
			too_many_portal_sessions: 409,
			webhook_not_active: 409,
			delivery_not_changeable: 409,
			too_many_retries: 409,
			payload_erased: 409,
			data_erased: 410,
			worker_process: 421,
			request_timeout: 408,
			payload_too_large: 413,
			headers_too_large: 431,
			too_many_sign_ins: 429,
			too_many_exports: 429,
			event_rate_exceeded: 429,
			stored_bytes_exceeded: 429,
			change_rate_exceeded: 429,
			overloaded: 503,
			too_many_streams: 503,
			shutting_down: 503,
			store_full: 503,
			store_unavailable: 503,
			outcome_unknown: 503,
			internal: 500,
		});
	});

	it("contain the request's id, which is also in the header", async () => {
		const { call } = await caller();
		const { json, headers } = await call("GET", "/nope");
		expect(json["requestId"]).toBe(headers.get("x-request-id"));
	});

	it("that are unexpected reveal nothing to the caller; the log has the cause", async () => {
		const { call, store, lines } = await caller();
		const cause = new TypeError("password is hunter2");
		store.events = () => Promise.reject(cause);
		const { status, json, text } = await call("GET", "./events");
		expect([status, json["code"]]).toEqual([500, "internal"]);
		expect(text).not.toContain("hunter2");
		expect(lines.at(-1)).toMatchObject({ status: 500, code: "internal", cause, requestId: json["requestId"] });
	});

	it("that are thrown values other than Error get a 500, too", async () => {
		const { call, store } = await caller();
		store.events = () => {
			// oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- a careless dependency might do this
			throw "text";
		};
		expect((await call("GET", "./events")).status).toBe(500);
	});

	it.each([
		["store_full", 503],
		["store_unavailable", 503],
		["store_overloaded", 503],
		["store_conflict", 500],
	] as const)("of the store: %s is a %i, without the driver's message", async (code, expected) => {
		const { call, store, lines } = await caller();
		const error = new StoreError(code, "SQLITE_FULL: /var/lib/secret");
		store.insertProject = () => Promise.reject(error);
		const { status, text, headers } = await call("POST", "/workspace/projects", { name: "b" });
		expect(status).toBe(expected);
		expect(text).not.toMatch(/SQLITE|secret/);
		expect(headers.get("retry-after")).toBe(expected === 503 ? "1" : null);
		expect(lines.at(-1)?.cause).toBe(code === "store_overloaded" ? null : error);
	});

	it("of a store that was lost in the middle of a change does not say that nothing was changed, nor asks for a repeat", async () => {
		const { call, store } = await caller();
		store.insertProject = () => Promise.reject(new StoreInDoubtError("the connection to secret:5432 was reset"));
		const { status, json, text, headers } = await call("POST", "/workspace/projects", { name: "b" });
		expect([status, json]).toMatchObject([503, { code: "outcome_unknown" }]);
		expect(text).not.toMatch(/nothing|secret/);
		expect(headers.get("retry-after")).toBe(null);
	});

	it("that only refuse have no cause in the log, so that callers cannot fill it with stacks", async () => {
		const { call, store, lines } = await caller();
		let thrown: FanfareError;
		store.events = () => Promise.reject(thrown);
		const answer = async (error: FanfareError) => {
			thrown = error;
			await call("GET", "./events");
			return lines.at(-1);
		};
		expect(await answer(new FanfareError("overloaded", "full"))).toMatchObject({ status: 503, cause: null });
		expect(await answer(new FanfareError("shutting_down", "stops"))).toMatchObject({ status: 503, cause: null });
		const cause = new Error("disk");
		expect(await answer(new FanfareError("store_unavailable", "m", { cause }))).toMatchObject({ cause });
		const bug = new FanfareError("internal", "m");
		expect(await answer(bug)).toMatchObject({ status: 500, cause: bug });
	});

	it("of the caller have no cause in the log", async () => {
		const { call, lines } = await caller();
		await call("POST", "./events", { type: "" });
		expect(lines.at(-1)).toMatchObject({ status: 400, code: "invalid_request", cause: null });
	});

	it("list at most 50 issues, with long names cut", async () => {
		const { call } = await caller();
		const body = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`${n}${"x".repeat(500)}`, 1]));
		const { json, text } = await call("POST", "./events", body);
		expect(json["issues"]).toHaveLength(51);
		expect(text.length).toBeLessThan(12_000);
		const twice = await call("POST", "./batch/webhooks", `{${'"a":0,'.repeat(100_000)}"a":0}`);
		expect(twice.json["issues"]).toEqual([{ path: "a", message: expect.stringContaining("more than once") }]);
		expect(twice.text.length).toBeLessThan(12_000);
	});

	it("name a field once, whatever number of rules it breaks", async () => {
		const { call } = await caller();
		const body = { name: "", spec: { endpoint: "x", timeoutMs: 1 } };
		const { json } = await call("POST", "./batch/webhooks", body);
		expect((json["issues"] as { path: string }[]).map(({ path }) => path)).toEqual([
			"name",
			"spec.endpoint",
			"spec.timeoutMs",
		]);
		expect(json["message"]).toBe("name: must have 1–128 characters, got 0 (and 2 more, see issues)");
		const repeated = await call("GET", "./events?limit=1&limit=2&limit=3");
		expect(repeated.json["issues"]).toEqual([{ path: "limit", message: "appears more than once; send it once" }]);
	});

	it("repeat a word that is none of those allowed, with the most similar one, but nothing that may be a secret", async () => {
		const { call, project } = await caller();
		const message = async (eventTypes: unknown) => {
			const { json } = await call("PATCH", `/projects/${project.id}`, { eventTypes });
			return (json["issues"] as { message: string }[])[0]?.message;
		};
		const allowed = 'must be "open" or "catalogued", got';
		expect(await message("Catalogd")).toBe(`${allowed} "Catalogd" (did you mean "catalogued"?)`);
		expect(await message("strict")).toBe(`${allowed} "strict"`);
		expect(await message("")).toBe(`${allowed} ""`);
		expect(await message(3)).toBe(`${allowed} 3`);
		expect(await message(["open"])).toBe(`${allowed} an array`);
		for (const secret of ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `sk_${"a".repeat(43)}`, "x".repeat(65)])
			expect(await message(secret)).toBe(`${allowed} a string`);
	});

	it("quote only the start of a path", async () => {
		const { call, lines } = await caller();
		const { text } = await call("GET", `/${"x".repeat(5_000)}`);
		expect(text.length).toBeLessThan(500);
		expect(lines.at(-1)?.path.length).toBeLessThan(250);
	});
});
