import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { newDelivery, newHeldDelivery, transition } from "./delivery.ts";
import { EventTypeIndex, heldReason, isDeliverable, sweepChange, type WebhookState } from "./webhook.ts";

const type = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("."));
const filter = fc.oneof(
	type,
	type.map((name) => `${name}.*`),
);
const webhooks = fc
	.array(fc.option(fc.array(filter, { maxLength: 4 })), { maxLength: 8 })
	.map((filters) => filters.map((eventTypes, id) => ({ id, eventTypes })));

function indexOf<T extends { readonly eventTypes: string[] | null }>(all: readonly T[]): EventTypeIndex<T> {
	const index = new EventTypeIndex<T>();
	for (const webhook of all) index.add(webhook, webhook.eventTypes);
	return index;
}

describe("EventTypeIndex", () => {
	it("finds each webhook once, and the same ones as a check of every webhook", () => {
		fc.assert(
			fc.property(webhooks, type, (all, wanted) => {
				const wants = (entry: string) =>
					entry.endsWith(".*") ? wanted.startsWith(entry.slice(0, -1)) : wanted === entry;
				const expected = all
					.filter(({ eventTypes }) => eventTypes === null || eventTypes.some(wants))
					.map(({ id }) => id);
				const index = indexOf(all);
				const found = index.match(wanted).map(({ id }) => id);
				expect(found.toSorted((a, b) => a - b)).toEqual(expected);
			}),
		);
	});

	it("finds the same ones as a new index, after webhooks were removed and got other filters", () => {
		fc.assert(
			fc.property(webhooks, webhooks, type, (before, after, wanted) => {
				const index = indexOf(before);
				for (const webhook of before) index.remove(webhook, webhook.eventTypes);
				expect(index.match(wanted)).toEqual([]);
				const changed = indexOf(before);
				for (const webhook of before) {
					const { eventTypes } = after[webhook.id] ?? webhook;
					changed.remove(webhook, webhook.eventTypes);
					changed.add(webhook, eventTypes);
				}
				const expected = indexOf(before.map((webhook) => after[webhook.id] ?? webhook)).match(wanted);
				const ids = (found: readonly { readonly id: number }[]) => found.map(({ id }) => id).toSorted((a, b) => a - b);
				expect(ids(changed.match(wanted))).toEqual(ids(expected));
			}),
		);
	});
});

describe("isDeliverable", () => {
	it.each([
		["Enabled", null, true],
		["Enabled", 1_000, false],
		["Paused", null, false],
		["Paused", 1_000, false],
		["Disabled", null, false],
		["Disabled", 1_000, false],
	] as const)("for a webhook that is %s with the delete date %s is %s", (status, deleteDate, expected) => {
		expect(isDeliverable({ status, deleteDate })).toBe(expected);
	});
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
