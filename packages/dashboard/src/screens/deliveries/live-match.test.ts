// Which items of the stream matter to which lists.
import type { StreamItem } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { isOfSearch, isToldByEvent, mayBringDelivery, mayChangeCount } from "./live-match.ts";

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

const base = { webhookId: "webhook_1", eventId: "evt_1", eventType: "order.paid" };
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

const many = { kind: "deliveries.updated" } as StreamItem;
const webhook = { kind: "webhook.updated", webhookId: "webhook_1" } as StreamItem;

it.each([
	// What leaves the list changes the count, too.
	[arrived, { status: "Failed" }, true],
	[failed, { status: "Pending", webhook: "webhook_1" }, true],
	[failed, { status: "Failed", webhook: "webhook_2" }, false],
	[missed, { type: "user.*" }, false],
	[accepted, { status: "Held" }, true],
	[accepted, { status: "Failed" }, false],
	[many, { status: "Failed", webhook: "webhook_2" }, true],
	[webhook, { webhook: "webhook_1" }, false],
] as const)("%o may change how many match %j: %s", (item, search, expected) => {
	expect(mayChangeCount(item, search)).toBe(expected);
});
