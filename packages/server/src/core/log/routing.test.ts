// Why webhooks get events: the reasons agree with what a send does.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { WebhookIndex } from "../../engine/directory/webhook-index.ts";
import { isRouted, matchReasons, ROUTING_REASONS, routingReasons, type RoutedWebhook } from "./routing.ts";

const event = { type: "order.paid", customers: "acme", isInternal: false } as const;
const own: RoutedWebhook = { customerId: null, eventTypes: null };

describe("matchReasons", () => {
	it.each([
		["matches", event, own],
		["matches", event, { customerId: "acme", eventTypes: ["x", "order.*"] }],
		["other_customer", event, { customerId: "globex", eventTypes: null }],
		["other_customer", { ...event, customers: null }, { customerId: "acme", eventTypes: null }],
		["internal_type", { ...event, isInternal: true }, { customerId: "acme", eventTypes: ["order.paid"] }],
		["matches", { ...event, isInternal: true }, own],
		["own_event", { ...event, type: "fanfare.webhook.disabled" }, own],
		["matches", { ...event, type: "fanfare.webhook.disabled" }, { customerId: null, eventTypes: ["fanfare.*"] }],
		["type_filter", event, { customerId: null, eventTypes: ["order", "order.paid.late", "orders.*"] }],
		["type_filter", event, { customerId: null, eventTypes: [] }],
	] as const)("says %s", (reason, sent, webhook) => {
		expect(matchReasons(sent)(webhook)).toBe(reason);
	});

	it("says of every event and webhook what a send does", () => {
		const customer = fc.constantFrom("acme", "globex");
		const type = fc.constantFrom("a", "a.b", "a.b.c", "b", "fanfare.x.y");
		const entry = fc.constantFrom("a", "a.*", "a.b", "a.b.*", "b.*", "fanfare.*", "fanfare.x.y");
		const webhook = fc.record({ customerId: fc.option(customer), eventTypes: fc.option(fc.array(entry)) });
		const customers = fc.option(fc.oneof(customer, fc.constant("*"), fc.uniqueArray(customer, { minLength: 1 })));
		fc.assert(
			fc.property(fc.array(webhook), type, customers, fc.boolean(), (webhooks, name, of, isInternal) => {
				const index = new WebhookIndex<RoutedWebhook>();
				for (const one of webhooks) index.add(one, one.eventTypes);
				const reached = new Set(index.match(name, isInternal ? null : of));
				const reasonFor = matchReasons({ type: name, customers: of, isInternal });
				for (const one of webhooks) expect(isRouted(reasonFor(one))).toBe(reached.has(one));
			}),
			{ numRuns: runs(200) },
		);
	});
});

describe("routingReasons", () => {
	const accepted = { ...event, createDate: 10, targets: "everyone" } as const;
	const webhook = { ...own, createDate: 10 };

	it.each([
		["matches", accepted, webhook, "first"],
		["matches", { ...accepted, targets: null }, webhook, "first"],
		["named", { ...accepted, targets: "webhooks" }, webhook, "first"],
		["replayed", { ...accepted, targets: "nobody" }, webhook, "replayed"],
		["replayed", accepted, { ...webhook, createDate: 11 }, "replayed"],
		["created_later", { ...accepted, targets: "nobody" }, { ...webhook, createDate: 11 }, null],
		["not_named", { ...accepted, targets: "webhooks" }, webhook, null],
		["not_named", { ...accepted, targets: "nobody" }, webhook, null],
		["changed_since", accepted, webhook, null],
		["type_filter", accepted, { ...webhook, eventTypes: ["x"] }, null],
		["other_customer", accepted, { ...webhook, customerId: "globex" }, null],
	] as const)("says %s", (reason, sent, one, hasDelivery) => {
		expect(routingReasons(sent)(one, hasDelivery)).toBe(reason);
	});
});

it("every reason is either one to get an event or one not to", () => {
	expect(ROUTING_REASONS.filter(isRouted)).toEqual(["matches", "named", "replayed"]);
	expect(new Set(ROUTING_REASONS).size).toBe(ROUTING_REASONS.length);
});
