// Error responses: their codes and bodies, and what they must not reveal.
import { describe, expect, it } from "vitest";

import { ERROR_KINDS, FanfareError, type ErrorCode } from "../../core/errors.ts";
import { StoreError, StoreInDoubtError } from "../../ports/store/errors.ts";
import { caller } from "../test/caller.ts";
import { problemReply } from "./problem.ts";

/** The codes of each status. */
const CODES: Readonly<Record<number, string>> = {
	400: "invalid_request invalid_json invalid_encoding invalid_cursor invalid_http unknown_webhook",
	401: "missing_key unknown_key unknown_portal_session expired_key unknown_session unknown_sign_in_link",
	403: "insufficient_scope relays_off",
	404:
		"route_not_found project_not_found webhook_not_found event_not_found delivery_not_found key_not_found event_type_not_found " +
		"replay_not_found customer_not_found relay_not_found portal_session_not_found",
	405: "method_not_allowed",
	408: "request_timeout",
	409:
		"idempotency_conflict revision_conflict last_admin_key key_not_active event_type_exists too_many_event_types " +
		"too_many_projects too_many_keys too_many_webhooks webhook_key_exists webhooks_too_large too_many_customers " +
		"customers_too_large customer_being_deleted replay_ended too_many_replays too_many_relays request_not_open " +
		"too_many_portal_sessions webhook_not_active delivery_not_changeable too_many_retries payload_erased",
	410: "data_erased",
	413: "payload_too_large",
	421: "worker_process",
	429: "too_many_sign_ins too_many_exports event_rate_exceeded stored_bytes_exceeded change_rate_exceeded",
	431: "headers_too_large",
	500: "internal",
	503: "overloaded too_many_streams shutting_down store_full store_unavailable outcome_unknown",
};

describe("errors", () => {
	it("have the documented response codes", () => {
		const statuses = Object.keys(ERROR_KINDS).map((code) => [
			code,
			problemReply(new FanfareError(code as ErrorCode, "m"), "req_1").status,
		]);
		const expected = Object.entries(CODES).flatMap(([status, codes]) =>
			codes.split(" ").map((code) => [code, Number(status)]),
		);
		expect(Object.fromEntries(statuses)).toEqual(Object.fromEntries(expected));
	});

	it("contain the request's id, which is also in the header", async () => {
		const { json, headers } = await (await caller()).get("/nope");
		expect(json["requestId"]).toBe(headers.get("x-request-id"));
	});

	it("that are unexpected reveal nothing to the caller, whatever was thrown; the log has the cause", async () => {
		const { get, store, lines } = await caller();
		const cause = new TypeError("password is hunter2");
		store.events = () => Promise.reject(cause);
		const { status, json, text } = await get("./events");
		expect([status, json["code"]]).toEqual([500, "internal"]);
		expect(text).not.toContain("hunter2");
		expect(lines.at(-1)).toMatchObject({ status: 500, code: "internal", cause, requestId: json["requestId"] });
		store.events = () => {
			// oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- a careless dependency might do this
			throw "text";
		};
		expect((await get("./events")).status).toBe(500);
	});

	it("of the store have no message of the driver, and say when to try again", async () => {
		const { call, store, lines } = await caller();
		for (const [code, expected] of [
			["store_full", 503],
			["store_unavailable", 503],
			["store_overloaded", 503],
			["store_conflict", 500],
		] as const) {
			const error = new StoreError(code, "SQLITE_FULL: /var/lib/secret");
			store.insertProject = () => Promise.reject(error);
			const { status, text, headers } = await call("POST", "/workspace/projects", { name: "b" });
			expect([code, status, headers.get("retry-after")]).toEqual([code, expected, expected === 503 ? "1" : null]);
			expect(text).not.toMatch(/SQLITE|secret/);
			expect(lines.at(-1)?.cause).toBe(code === "store_overloaded" ? null : error);
		}
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
		const { call, get, store, lines } = await caller();
		let thrown: FanfareError;
		store.events = () => Promise.reject(thrown);
		const answer = async (error: FanfareError) => {
			thrown = error;
			await get("./events");
			return lines.at(-1);
		};
		expect(await answer(new FanfareError("overloaded", "full"))).toMatchObject({ status: 503, cause: null });
		expect(await answer(new FanfareError("shutting_down", "stops"))).toMatchObject({ status: 503, cause: null });
		const cause = new Error("disk");
		expect(await answer(new FanfareError("store_unavailable", "m", { cause }))).toMatchObject({ cause });
		const bug = new FanfareError("internal", "m");
		expect(await answer(bug)).toMatchObject({ status: 500, cause: bug });
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
		const { call, get } = await caller();
		const body = { name: "", spec: { endpoint: "x", timeoutMs: 1 } };
		const { json } = await call("POST", "./batch/webhooks", body);
		const paths = (json["issues"] as { path: string }[]).map(({ path }) => path);
		expect(paths).toEqual(["name", "spec.endpoint", "spec.timeoutMs"]);
		expect(json["message"]).toBe("name: must have 1–128 characters, got 0 (and 2 more, see issues)");
		const repeated = await get("./events?limit=1&limit=2&limit=3");
		expect(repeated.json["issues"]).toEqual([{ path: "limit", message: "appears more than once; send it once" }]);
	});

	it("repeat a word that is none of those allowed, with the most similar one, but nothing that may be a secret", async () => {
		const { call, project } = await caller();
		const message = async (eventTypes: unknown) => {
			const { json } = await call("PATCH", `/projects/${project.id}`, { eventTypes });
			return (json["issues"] as { message: string }[])[0]?.message;
		};
		const secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `sk_${"a".repeat(43)}`, "x".repeat(65)];
		for (const [value, got] of [
			["Catalogd", '"Catalogd" (did you mean "catalogued"?)'],
			["strict", '"strict"'],
			["", '""'],
			[3, "3"],
			[["open"], "an array"],
			...secrets.map((secret) => [secret, "a string"] as const),
		] as const) {
			expect(await message(value)).toBe(`must be "open" or "catalogued", got ${got}`);
		}
	});

	it("quote only the start of a path", async () => {
		const { get, lines } = await caller();
		const { text } = await get(`/${"x".repeat(5_000)}`);
		expect(text.length).toBeLessThan(500);
		expect(lines.at(-1)?.path.length).toBeLessThan(250);
	});
});
