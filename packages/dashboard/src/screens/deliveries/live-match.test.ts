// Which items of the stream matter to which lists.
import type { StreamItem } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { isOfSearch, isToldByEvent, mayBringDelivery, mayChangeCount, recountAfterMs } from "./live-match.ts";

it.each([
	[{}, true],
	[{ type: "order.*", tag: "a", range: "1h", open: "dlv_1" }, true],
	[{ status: "Failed" }, false],
	// What was made long ago enters it, too.
	[{ changed: "1h" }, false],
	[{ type: "order.*", webhook: "webhook_1" }, false],
	[{ before: "2026-01-01" }, false],
])("an accepted event tells what it brings to %j: %s", (search, expected) => {
	expect(isToldByEvent(search)).toBe(expected);
});

it.each([
	[{}, true],
	[{ type: "order.paid" }, true],
	[{ type: "user.*, order.*" }, true],
	[{ type: "order" }, false],
	[{ type: "order.p" }, false],
	[{ tag: "eu" }, true],
	[{ tag: "e" }, false],
])("an event of order.paid with the tag eu is of %j: %s", (search, expected) => {
	expect(isOfSearch({ eventType: "order.paid", tags: ["eu"] }, search)).toBe(expected);
});

const NOW = Date.parse("2026-06-01T00:00:00Z");
const base = { webhookId: "webhook_1", eventId: "evt_1", eventType: "order.paid", date: NOW };
const failed = { ...base, kind: "delivery.updated", status: "Failed" } as StreamItem;
const arrived = { ...base, kind: "attempt.finished", result: "success" } as StreamItem;
const accepted = { ...base, kind: "event.accepted", deliveryCount: 1, tags: ["eu"] } as unknown as StreamItem;
const unwanted = { ...base, kind: "event.accepted", deliveryCount: 0 } as unknown as StreamItem;
const missed = { ...base, kind: "attempt.finished", result: "failure" } as StreamItem;

it.each([
	[failed, {}, true],
	[failed, { status: "Failed,Held" }, true],
	[failed, { status: "Held" }, false],
	[failed, { status: "Failed", webhook: "webhook_2" }, false],
	[failed, { webhook: "webhook_1", type: "order.*", code: "5xx" }, true],
	[failed, { event: "evt_2" }, false],
	[arrived, { status: "Succeeded" }, true],
	[arrived, { status: "Failed" }, false],
	[missed, { status: "Failed" }, false],
	[missed, { code: "404" }, true],
	[failed, { changed: "1h" as const }, true],
	// A delivery to a webhook that is paused is held from its beginning.
	[accepted, { webhook: "webhook_1" }, true],
	[accepted, { status: "Held" }, true],
	[accepted, { status: "Failed,Pending", type: "order.*", tag: "eu" }, true],
	[accepted, { status: "Failed" }, false],
	[accepted, { status: "Held", type: "user.*" }, false],
	[accepted, { status: "Held", tag: "us" }, false],
	[accepted, { event: "evt_1" }, true],
	[accepted, { event: "evt_2" }, false],
	[accepted, { code: "5xx" }, false],
	[unwanted, { webhook: "webhook_1" }, false],
	[{ kind: "webhook.updated", webhookId: "webhook_1" } as StreamItem, {}, false],
])("%j may bring a delivery to %j: %s", (item, search, expected) => {
	expect(mayBringDelivery(item, search)).toBe(expected);
});

const many = { kind: "deliveries.updated", webhookId: "webhook_1" } as StreamItem;
const replayed = { kind: "replay.updated", webhookId: "webhook_1" } as StreamItem;
const webhook = { kind: "webhook.updated", webhookId: "webhook_1" } as StreamItem;

it.each([
	// What leaves the list changes the count, too.
	[arrived, { status: "Failed" }, true],
	[failed, { status: "Pending", webhook: "webhook_1" }, true],
	[failed, { status: "Failed", webhook: "webhook_2" }, false],
	[missed, { type: "user.*" }, false],
	[accepted, { status: "Held" }, true],
	[accepted, { status: "Failed" }, false],
	[many, { status: "Failed", webhook: "webhook_1" }, true],
	[many, { status: "Failed" }, true],
	[many, { status: "Failed", webhook: "webhook_2" }, false],
	[replayed, { webhook: "webhook_1" }, true],
	[replayed, { webhook: "webhook_2" }, false],
	// Nothing that becomes of a delivery makes it another one's.
	[arrived, { webhook: "webhook_1", type: "order.*", range: "1h" }, false],
	[failed, { event: "evt_1", tag: "eu", customer: "cust_1", after: "2026-01-01" }, false],
	[failed, { code: "404" }, true],
	[missed, { cause: "timeout" }, true],
	[missed, { error: "timeout" }, true],
	[arrived, { changed: "1h" }, true],
	[accepted, { type: "order.*", before: "2026-05-31" }, false],
	[accepted, { type: "order.*", before: String(NOW) }, false],
	[accepted, { type: "order.*", before: String(NOW + 1) }, true],
	[webhook, { webhook: "webhook_1" }, false],
] as const)("%o may change how many match %j: %s", (item, search, expected) => {
	expect(mayChangeCount(item, search)).toBe(expected);
});

it("what takes long to count is counted for a twentieth of the time at most", () => {
	expect([0, 20, 250, 251, 1_500].map(recountAfterMs)).toEqual([5_000, 5_000, 5_000, 5_020, 30_000]);
});
