// A list of webhooks that takes long to fetch: how it is kept as it is now.
import type { StreamItem, Webhook } from "@fanfare/sdk";
import { describe, expect, it } from "vitest";

import { toAskFor, withOne, withStates } from "./fresh-list.ts";

const healthy = { state: "Healthy", exhaustedCount: 0, failingSince: null };

function webhook(id: string, fields: object = {}): Webhook {
	return { id, status: "Enabled", disabledReason: null, pausedReason: null, health: healthy, ...fields } as Webhook;
}

describe("of the webhooks that items name", () => {
	const shown = [
		webhook("works"),
		webhook("begins", { health: { ...healthy, exhaustedCount: 1 } }),
		webhook("fails", { health: { ...healthy, state: "Failing", exhaustedCount: 3 } }),
		webhook("retries", { health: { ...healthy, failingSince: 1 } }),
	];

	it.each([
		["attempt.finished", "success", ["begins", "fails", "retries"]],
		["attempt.finished", "failure", ["works", "begins", "retries"]],
		["delivery.updated", null, []],
		["deliveries.updated", null, ["works", "begins", "fails", "retries"]],
		["webhook.updated", null, ["works", "begins", "fails", "retries"]],
		["webhook.created", null, ["works", "begins", "fails", "retries", "other"]],
	] as const)("after %s (%s), those are asked for that may be in another state: %j", (kind, result, expected) => {
		const ids = [...shown.map(({ id }) => id), "other"];
		const items = ids.map((webhookId) => ({ kind, webhookId, result }) as unknown as StreamItem);
		expect([...toAskFor(items, shown)]).toEqual(expected);
	});

	it("those have the status that they are told to have, and are gone if they are deleted", () => {
		const told = (status: Webhook["status"] | "Deleted", reason: string | null = null) => ({ status, reason });
		const states = new Map([
			["works", told("Disabled", "It answered 410.")],
			["begins", told("Deleted")],
			["fails", told("Enabled")],
		]);
		const changed = withStates(shown, states);
		expect(changed).toEqual([
			{ ...shown[0], status: "Disabled", disabledReason: "It answered 410." },
			...shown.slice(2),
		]);
		expect(withStates(changed, states)).toBe(changed);
		const resumed = withStates(changed, new Map([["works", told("Enabled")]]));
		expect(resumed).toEqual([shown[0], ...shown.slice(2)]);
	});

	it("one is put in the place of the former one, and one that is not there is taken out", () => {
		const renamed = webhook("begins", { name: "Renamed" });
		expect(withOne(shown, "begins", renamed)).toEqual([shown[0], renamed, ...shown.slice(2)]);
		expect(withOne(shown, "works", null)).toEqual(shown.slice(1));
		expect(withOne(shown, "other", null)).toBe(shown);
	});

	it("one that is not among them gets its place by age: a new one before all others, and one that others were made after behind them", () => {
		const [newest, middle, oldest] = [webhook("webhook_7"), webhook("webhook_5"), webhook("webhook_3")];
		const place = (id: string) => withOne([newest, middle, oldest], id, webhook(id)).map((one) => one.id);
		expect(place("webhook_8")).toEqual(["webhook_8", "webhook_7", "webhook_5", "webhook_3"]);
		expect(place("webhook_4")).toEqual(["webhook_7", "webhook_5", "webhook_4", "webhook_3"]);
		expect(place("webhook_1")).toEqual(["webhook_7", "webhook_5", "webhook_3", "webhook_1"]);
		expect(withOne([], "webhook_1", oldest)).toEqual([oldest]);
	});
});
