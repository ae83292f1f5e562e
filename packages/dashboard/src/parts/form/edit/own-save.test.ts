// Saves that are refused because of themselves.
import { Client, ConflictError, ConnectionError, type ProjectHandle } from "@fanfare/sdk";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { InDoubtError } from "../../feedback/doubt.ts";
import { LostTries } from "./lost-tries.ts";
import { isStored, saveOnce } from "./own-save.ts";
import { saveWebhook } from "./save-webhook.ts";

function refusal(code: string) {
	const details = { status: 409, code, requestId: null, issues: [], retryAfterMs: null };
	return new ConflictError("Changed by somebody else", details);
}

const refused = (code = "revision_conflict") => Promise.reject(refusal(code));

it("have been made if what they sent is stored", async () => {
	expect(await saveOnce({ save: () => refused(), stored: () => Promise.resolve("mine") })).toBe("mine");
});

it("stay refused if something else is stored, or nobody can tell", async () => {
	const looks = [() => Promise.resolve(null), () => Promise.reject(new Error("away"))];
	for (const stored of looks) await expect(saveOnce({ save: () => refused(), stored })).rejects.toThrow("Changed by");
	const other = saveOnce({ save: () => refused("too_many"), stored: () => Promise.resolve("mine") });
	await expect(other).rejects.toThrow("Changed by");
});

it("are told by each field that was sent", () => {
	const stored = {
		name: "Shop",
		endpoint: "https://example.com",
		description: null,
		eventTypes: ["a", "b.*"],
		retries: { maxRetries: 3, maxRetryDelay: 1_000, scheduleMs: null },
		headers: { authorization: true },
	};
	for (const sent of [
		{},
		{ name: "Shop", description: null, eventTypes: ["a", "b.*"] },
		{ retries: { maxRetries: 3, maxRetryDelay: 1_000 }, name: undefined },
		{ retries: { maxRetries: 3, maxRetryDelay: 1_000, scheduleMs: null } },
	])
		expect([sent, isStored(stored, sent)]).toEqual([sent, true]);
	for (const sent of [
		{ name: "Shop " },
		{ endpoint: "https://example.com/other" },
		{ description: "" },
		{ eventTypes: null },
		{ eventTypes: ["b.*", "a"] },
		{ retries: { maxRetries: 2 } },
		{ headers: { authorization: "mine" } },
		{ rateLimit: { perSecond: 1 } },
	])
		expect([sent, isStored(stored, sent)]).toEqual([sent, false]);
});

it("of a webhook are not made if they would have ended the schedule that is stored", async () => {
	const webhook = { name: "a", retries: { maxRetries: 2, maxRetryDelay: 1_000, scheduleMs: [1_000, 2_000] } };
	const webhooks = { update: () => refused(), get: () => Promise.resolve(webhook) };
	const project = { batch: { webhooks } } as unknown as ProjectHandle;
	const retries = { maxRetries: 2, maxRetryDelay: 1_000 };
	await expect(saveWebhook(project, "w", { revision: 1, spec: { retries } })).rejects.toThrow("Changed by");
	const whole = { ...retries, scheduleMs: [1_000, 2_000] };
	expect(await saveWebhook(project, "w", { revision: 1, spec: { retries: whole } })).toEqual(webhook);
});

const AT = "https://fanfare.example";
const WEBHOOK = {
	id: "webhook_1",
	object: "webhook",
	name: "a",
	revision: 2,
	retries: { maxRetries: 1, maxRetryDelay: 1_000, scheduleMs: null },
	headers: { authorization: "***", "x-tenant": "***" },
};
const conflict = { status: 409, json: { message: "Changed by somebody else", code: "revision_conflict" } };
const made = { status: 200, json: WEBHOOK };
const down = { status: 500, json: { message: "Oops", code: "internal" } };
const busy = { status: 503, json: { message: "Busy", code: "busy" }, headers: { "retry-after": "5" } };

type End =
	| { readonly status: number; readonly json: object; readonly headers?: Readonly<Record<string, string>> }
	| "lost";

/** A page whose PATCHes end so, one after the other, and the time of each. */
function pageWith(...ends: readonly End[]) {
	const [left, times] = [[...ends], [] as number[]];
	const lost = new LostTries();
	const fetch = lost.noting(async (_, { method }) => {
		if (method !== "PATCH") return Response.json(WEBHOOK);
		times.push(Date.now());
		const end = left.shift() ?? "lost";
		if (end === "lost") throw new TypeError("fetch failed");
		return Response.json(end.json, { status: end.status, ...(end.headers !== undefined && { headers: end.headers }) });
	});
	const project = Client.inPage({ endpoint: AT, fetch, maxRetries: 1 }).project("proj_1");
	const save = async (headers: Readonly<Record<string, string>> | null, name?: string, revision = 1) => {
		const end = saveWebhook(project, "webhook_1", { revision, name, spec: { headers } }, lost).then(
			(webhook) => webhook.name,
			(error: unknown) => error,
		);
		await vi.runAllTimersAsync();
		return end;
	};
	return { save, times };
}

const mine = { "X-Tenant": "7", authorization: "mine" };

describe("of a webhook's headers, whose values nobody can see", () => {
	beforeEach(() => void vi.useFakeTimers());
	afterEach(() => void vi.useRealTimers());

	it.each<readonly End[]>([
		["lost", conflict],
		[down, conflict],
	])("are never said to be made after %j and a refusal", async (...ends) => {
		for (const name of [undefined, "a"]) expect(await pageWith(...ends).save(mine, name)).toBeInstanceOf(InDoubtError);
	});

	it("are somebody else's change if no try was lost, or something else is stored", async () => {
		for (const end of [
			await pageWith(conflict).save(mine),
			await pageWith(busy, conflict).save(mine),
			await pageWith("lost", conflict).save(mine, "b"),
			await pageWith("lost", conflict).save({ authorization: "mine" }),
			await pageWith("lost", conflict).save({ ...mine, "x-more": "1" }),
			await pageWith("lost", conflict).save(null),
		])
			expect(end).toBeInstanceOf(ConflictError);
	});

	it("stay in doubt when somebody saves again, until that has an end", async () => {
		const { save } = pageWith(busy, "lost", conflict, conflict);
		expect(await save(mine)).toBeInstanceOf(ConnectionError);
		expect(await save(mine)).toBeInstanceOf(InDoubtError);
		expect(await save(mine)).toBeInstanceOf(ConflictError);
		const other = pageWith("lost", "lost", conflict, made, conflict);
		await other.save(mine);
		// On another revision, that try says nothing.
		expect(await other.save(mine, "a", 2)).toBeInstanceOf(ConflictError);
		expect(await other.save(mine)).toBe("a");
		expect(await other.save(mine)).toBeInstanceOf(ConflictError);
	});

	it("are sent again as any other call: once, after a while, or after the time that the server asks for", async () => {
		const limit = { status: 429, json: { message: "Slow", code: "rate_limited" }, headers: { "retry-after": "1" } };
		for (const [end, waitMs] of [
			[limit, 1_000],
			[busy, 5_000],
			[down, 250],
			["lost", 250],
		] as const) {
			const { save, times } = pageWith(end, made);
			expect(await save(mine)).toBe("a");
			expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(waitMs);
			const failing = pageWith(end, end, made);
			expect(await failing.save(mine)).toBeInstanceOf(Error);
			expect(failing.times).toHaveLength(2);
		}
	});
});
