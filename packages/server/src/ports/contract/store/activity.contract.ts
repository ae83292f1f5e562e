// The contract of the stats slice: the activity of webhooks, which is their deliveries by status and their last attempts.
import { expect, it } from "vitest";

import { customerScope, projectScope } from "../../../core/access/principal.ts";
import { newHeldDelivery } from "../../../core/delivery.ts";
import type { WebhookActivity } from "../../store/stats.ts";
import type { CurrentStore, Reopen } from "./records/records.ts";
import { addWebhook, fillStore, GONE } from "./records/records.ts";
import { KEEP_ALL, MINUTE } from "./records/stats.ts";

const NOTHING: WebhookActivity = { deliveries: { Pending: 0, Held: 0, Failed: 0 }, lastAttempt: null };

export function describeActivity(current: CurrentStore, reopen: Reopen): void {
	it("has the number of deliveries that wait or have failed, for each webhook in the order of the ids", async () => {
		const { store, accept, update, records, scope, webhookIds } = await fillStore(current(), 3);
		const [first = "", second = "", third = ""] = webhookIds;
		const [gone = "", succeeded = ""] = [...(await accept()), ...(await accept()), ...(await accept())];
		await accept({ webhookIds: [second], state: newHeldDelivery("paused") });
		await update(records.outcome(gone, 1, GONE), records.outcome(succeeded, 1));
		const activity = await store.webhookActivity(scope, [second, "webhook_unknown", third, first]);
		expect(activity).toEqual([
			{ deliveries: { Pending: 0, Held: 1, Failed: 0 }, lastAttempt: null },
			NOTHING,
			NOTHING,
			{
				deliveries: { Pending: 1, Held: 0, Failed: 1 },
				lastAttempt: expect.objectContaining({ deliveryId: succeeded }),
			},
		]);
	});

	it("has the attempt that was recorded last, be it of the newest delivery or a retry of an old one", async () => {
		const { store, accept, update, purge, records, scope, webhookId } = await fillStore(current());
		const last = async () => (await store.webhookActivity(scope, [webhookId]))[0]?.lastAttempt;
		const [old = ""] = await accept();
		records.now += 1_000;
		await update(records.failure(old, 1, 503));
		const broken = { responseCode: 503, error: null, cause: "status_5xx" };
		expect(await last()).toEqual({ deliveryId: old, startDate: records.now, ...broken });
		const [newer = ""] = await accept();
		records.now += 1_000;
		const timeout = { responseCode: 0, error: "timeout", cause: "connect_timeout" } as const;
		const attempt = records.attempt(1, { ...timeout, response: null });
		await update({ ...records.failure(newer, 1, 0), attempt });
		expect(await last()).toEqual({ deliveryId: newer, startDate: records.now, ...timeout });
		records.now += 1_000;
		await update(records.outcome(old, 2));
		const fine = { responseCode: 200, error: null, cause: null };
		expect(await last()).toEqual({ deliveryId: old, startDate: records.now, ...fine });
		// The last update of a commit.
		await update(records.failure(newer, 2), records.outcome(newer, 3));
		expect(await last()).toMatchObject({ deliveryId: newer, responseCode: 200 });
		// None that is not in the log any more.
		while ((await store.rollUpStats(KEEP_ALL)) > 0);
		await purge("purgeEvents", records.now + 1);
		expect(await store.webhookActivity(scope, [webhookId])).toEqual([NOTHING]);
	});

	it("has the last attempt before, during and after a roll-up, and after the store was reopened", async () => {
		const { records, scope, webhookIds } = await fillStore(current(), 4);
		const expected = new Map<string, string>();
		const check = async () => {
			const activity = await current().webhookActivity(scope, webhookIds);
			expect(activity.map(({ lastAttempt }) => lastAttempt?.deliveryId)).toEqual(
				webhookIds.map((id) => expected.get(id)),
			);
		};
		for (let round = 0; round < 15; round++) {
			const targets = webhookIds.filter((_, index) => (round * 7 + index * 5) % 3 !== 0);
			const event = records.event(scope.projectId, { webhookIds: targets });
			const deliveries = event.deliveries.toReversed();
			await current().commit({ events: [event], updates: deliveries.map(({ id }) => records.outcome(id, 1)) });
			for (const { id, webhookId } of deliveries) expected.set(webhookId, id);
			await check();
			for (let steps = round % 4; steps > 0; steps--) await current().rollUpStats({ ...KEEP_ALL, limit: 1 });
			await check();
			if (round % 5 === 4) await reopen();
			await check();
			records.now += MINUTE / 3;
		}
		while ((await current().rollUpStats({ ...KEEP_ALL, limit: 1 })) > 0) await check();
		await reopen();
		await check();
	});

	it("has nothing of another project's webhook, nor of another customer's, nor for a customer of an internal type", async () => {
		const { store, accept, update, records, scope, projectId, webhookId, addProject } = await fillStore(current());
		const { id: acmes } = await addWebhook(store, records.webhook(projectId, { customerId: "acme" }));
		const [ofProject = "", ofAcme = ""] = await accept({ webhookIds: [webhookId, acmes], customers: "acme" });
		await update(records.failure(ofProject, 1), records.failure(ofAcme, 1));
		const other = await addProject();
		for (const stranger of [projectScope(other.id), customerScope(projectId, "globex")]) {
			expect(await store.webhookActivity(stranger, [webhookId, acmes])).toEqual([NOTHING, NOTHING]);
		}
		const acme = customerScope(projectId, "acme");
		const seen = { deliveries: { Pending: 1, Held: 0, Failed: 0 }, lastAttempt: { deliveryId: ofAcme } };
		expect(await store.webhookActivity(acme, [webhookId, acmes])).toMatchObject([NOTHING, seen]);
		const internal = records.eventType(projectId, "user.created", { visibility: "internal" });
		await store.putEventType(internal, { expected: null, limit: 10, entry: null });
		expect(await store.webhookActivity(acme, [acmes])).toMatchObject([{ lastAttempt: null }]);
		expect(await store.webhookActivity(scope, [acmes])).toMatchObject([seen]);
	});
}
