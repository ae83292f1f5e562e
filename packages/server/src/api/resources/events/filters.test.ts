// The list of events: its filters, what its rows show, and pages that end early.
import { describe, expect, it } from "vitest";

import { expectRefusals, rowsOf } from "../../test/answers.ts";
import { caller } from "../../test/caller.ts";

describe("the list of events", () => {
	it("shows with each event its idempotency key, and its deliveries by status, those of a replay too", async () => {
		const { call, makeWebhook, test } = await caller();
		const { json } = await call("POST", "./events", { type: "a", data: 1, idempotencyKey: "k" });
		const id = json["id"] as string;
		const none = { Pending: 0, Succeeded: 0, Failed: 0, Held: 0, Cancelled: 0 };
		const shown = async () => {
			const [row] = rowsOf(await call("GET", "./events"));
			const { json: one } = await call("GET", `./events/${id}`);
			expect(one).toMatchObject({ deliveries: row?.["deliveries"], idempotencyKey: row?.["idempotencyKey"] });
			return row;
		};
		expect(await shown()).toMatchObject({ id, deliveryCount: 0, idempotencyKey: "k", deliveries: none });
		const webhookId = await makeWebhook();
		await call("POST", `./batch/webhooks/${webhookId}:pause`);
		await call("POST", "./events", { type: "b", data: 1 });
		expect(rowsOf(await call("GET", "./events"))[0]).toMatchObject({
			deliveryCount: 1,
			idempotencyKey: null,
			deliveries: { ...none, Held: 1 },
		});
		await call("POST", `./batch/webhooks/${webhookId}:resume`);
		await call("POST", `./batch/webhooks/${webhookId}:replay`, { since: 0, status: ["Missed"] });
		await expect
			.poll(async () => {
				// On PostgreSQL, a replay looks only at what is older than the longest transaction.
				test.clock.advance(1_000);
				return rowsOf(await call("GET", "./events?type=a"))[0];
			})
			.toMatchObject({ deliveryCount: 0, deliveries: { ...none, Pending: 1 } });
	});

	it("says how far a page has looked that ends early", async () => {
		const { call, test } = await caller();
		const stoppedAt = "evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
		test.engineStore.events = () =>
			Promise.resolve({ rows: [], hasNewer: false, hasOlder: true, stoppedAt, scannedTo: 1_732_999_999_999 });
		const { json } = await call("GET", "./events?tag=x");
		expect(json).toMatchObject({ nextPage: expect.any(String), data: [], scannedTo: 1_732_999_999_999 });
	});

	it("refuses values that its filters can't have", async () => {
		const types = /a list of names of event types/;
		await expectRefusals(await caller(), [
			["GET ./events?type=a..b", "type", types],
			["GET ./events?type=a,*", "type", types],
			["GET ./events?type=order.p*", "type", types],
			["GET ./events?type=", "type", types],
			["GET ./events?unmatched=yes", "unmatched", /"true" or "false"/],
			["GET ./events?idempotencyKey=", "idempotencyKey", /1–256 printable/],
			["GET ./events?idempotencyKey=a%0Ab", "idempotencyKey", /1–256 printable/],
			["GET ./events?tag=a%20b", "tag", /1–64 of the characters/],
			["GET ./events?tag=a,b", "tag", /1–64 of the characters/],
		]);
	});
});
