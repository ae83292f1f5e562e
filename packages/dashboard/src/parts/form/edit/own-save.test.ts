// Saves that are refused because of themselves.
import { ConflictError, ConnectionError, type ProjectHandle, type UpdateWebhook } from "@fanfare/sdk";
import { expect, it } from "vitest";

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

it("of a webhook's headers, whose values nobody can see, are taken for made if an answer was lost and all the rest is stored", async () => {
	const webhook = { name: "a", headers: { authorization: "***", "x-tenant": "***" } };
	const save = async (headers: Readonly<Record<string, string>> | null, failures: readonly Error[], name?: string) => {
		const left = [...failures];
		const update = (): Promise<never> => Promise.reject(left.shift());
		const project = {
			batch: { webhooks: { update, get: () => Promise.resolve(webhook) } },
		} as unknown as ProjectHandle;
		const changes: UpdateWebhook = { revision: 1, name, spec: { headers } };
		return saveWebhook(project, "w", changes);
	};
	const lost = new ConnectionError("lost");
	const conflict = refusal("revision_conflict");
	const mine = { "X-Tenant": "7", authorization: "mine" };
	expect(await save(mine, [lost, conflict])).toEqual(webhook);
	expect(await save(mine, [lost, conflict], "a")).toEqual(webhook);
	for (const [headers, failures, name] of [
		[mine, [conflict]],
		[mine, [lost, conflict], "b"],
		[{ authorization: "mine" }, [lost, conflict]],
		[{ ...mine, "x-more": "1" }, [lost, conflict]],
		[null, [lost, conflict]],
	] as const)
		await expect(save(headers, failures, name)).rejects.toThrow("Changed by");
});
