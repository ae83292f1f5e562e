import { describe, expect, it } from "vitest";

import { newDelivery, newHeldDelivery, transition } from "./delivery.ts";
import { heldReason, isDeliverable, sweepChange, type WebhookState } from "./webhook.ts";

it("delivers only to a webhook that is Enabled and not deleted", () => {
	const states = (["Enabled", "Paused", "Disabled"] as const).flatMap((status) =>
		[null, 1_000].map((deleteDate) => ({ status, deleteDate })),
	);
	expect(states.filter(isDeliverable)).toEqual([{ status: "Enabled", deleteDate: null }]);
});

describe("sweepChange", () => {
	const ENABLED: WebhookState = { status: "Enabled", disabledReason: null, pausedReason: null, deleteDate: null };
	it.each<[string, WebhookState | null, pending: string, held: string]>([
		["Enabled", ENABLED, "Pending", "Pending"],
		["Paused", { ...ENABLED, status: "Paused" }, "Held", "Held"],
		["Disabled", { ...ENABLED, status: "Disabled" }, "Held", "Held"],
		["deleted", { ...ENABLED, deleteDate: 1 }, "Cancelled", "Cancelled"],
		["deleted while it was paused", { ...ENABLED, status: "Paused", deleteDate: 1 }, "Cancelled", "Cancelled"],
		["unknown", null, "Cancelled", "Cancelled"],
	])("of a webhook that is %s makes a Pending delivery %s and a Held one %s", (_what, webhook, ...expected) => {
		const change = sweepChange(webhook, 7);
		const waiting = [newDelivery(1, null), newHeldDelivery("earlier")];
		expect(waiting.map((state) => transition(state, change).status)).toEqual(expected);
	});
});

describe("heldReason", () => {
	it.each([
		["Paused", null, null, "the webhook is paused"],
		["Paused", null, "restored", "the webhook is paused: restored"],
		["Disabled", null, null, "the webhook is disabled"],
		["Disabled", "no success for 5 days", null, "the webhook is disabled: no success for 5 days"],
	] as const)("of a webhook that is %s, with the reasons %s and %s, is: %s", (...given) => {
		const [status, disabledReason, pausedReason, expected] = given;
		expect(heldReason({ status, disabledReason, pausedReason })).toBe(expected);
	});
});
