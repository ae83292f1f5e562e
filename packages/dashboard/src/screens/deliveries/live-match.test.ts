// Which items of the stream matter to which lists.
import type { StreamItem } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { isOfSearch, isToldByEvent, mayBringDelivery } from "./live-match.ts";

it.each([
	[{}, true],
	[{ type: "order.*", tag: "a", range: "1h", open: "dlv_1" }, true],
	[{ status: "Failed" }, false],
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
	[{ kind: "webhook.updated", webhookId: "webhook_1" } as StreamItem, {}, false],
])("%j may bring a delivery to %j: %s", (item, search, expected) => {
	expect(mayBringDelivery(item, search)).toBe(expected);
});
