import type { Webhook } from "@fanfare/sdk";
import { expect, it } from "vitest";

import { itemsOf } from "./items.ts";

const HEALTHY = { state: "Healthy", failingSince: null, exhaustedCount: 0, disableDate: null } as const;
const WEBHOOK = {
	id: "webhook_1",
	status: "Enabled",
	endpoint: "https://example.com/hooks",
	updateDate: 1,
	health: HEALTHY,
	deliveries: { Pending: 3, Held: 0, Failed: 2 },
	lastAttempt: { date: 2, responseCode: 0, error: "connection", cause: "refused", deliveryId: "dlv_1" },
} as unknown as Webhook;

it("a webhook with earlier failures that has begun to fail anew is shown with the reason, not as if it worked again", () => {
	const [anew] = itemsOf([{ ...WEBHOOK, health: { ...HEALTHY, failingSince: 1 } }]);
	expect([anew?.icon, anew?.diagnosis?.title]).toEqual(["alert", "Nothing listens at example.com:443"]);
	const [works] = itemsOf([WEBHOOK]);
	expect([works?.icon, works?.diagnosis]).toEqual(["retry", null]);
});

it("a failure names the address that was called, unless the webhook may have had another one then", () => {
	const failing = { ...WEBHOOK, health: { ...HEALTHY, failingSince: 1 } };
	const titles = [1, 3].map((updateDate) => itemsOf([{ ...failing, updateDate }])[0]?.diagnosis?.title);
	expect(titles).toEqual(["Nothing listens at example.com:443", "Nothing listens at the receiver's address"]);
});
