// The search for the webhooks that want an event, among many customers.
import { expect, it, vi } from "vitest";

import { EVERY_CUSTOMER } from "../../core/access/customer.ts";
import { EventTypeIndex } from "../../core/webhook.ts";
import { WebhookIndex } from "./webhook-index.ts";

function fill(customers: number) {
	const index = new WebhookIndex<{ readonly customerId: string | null; readonly n: number }>();
	const webhooks = Array.from({ length: customers }, (_, n) => ({ customerId: n === 0 ? null : `customer-${n}`, n }));
	for (const webhook of webhooks) index.add(webhook, webhook.n % 100 === 0 ? null : ["order.paid"]);
	return { index, webhooks };
}

it("finds those that want an event for all customers without asking each of them", () => {
	const { index, webhooks } = fill(1_000);
	using asked = vi.spyOn(EventTypeIndex.prototype, "match");
	const found = index.match("order.created", EVERY_CUSTOMER);
	expect(asked.mock.calls.length).toBeLessThanOrEqual(2);
	expect(found.map(({ n }) => n)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
	index.remove(webhooks[100]!, null);
	expect(index.match("order.created", EVERY_CUSTOMER)).not.toContain(webhooks[100]);
	expect(index.match("order.created", "customer-100")).toEqual([webhooks[0]]);
	expect(index.match("order.created", null)).toEqual([webhooks[0]]);
});
