// Several whole engines on one database: every delivery is made once, whoever accepts the event, and each knows what the others change.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { afterEach, beforeEach, expect, it } from "vitest";

import { changeIn } from "../../../engine/test/test-engine.ts";
import { ANY_DELIVERY } from "../../../ports/contract/store/records/records.ts";
import { describeOnPostgres } from "../test/on-postgres.ts";
import { startOwner, TestProcesses, type TestProcess } from "../test/test-process.ts";

const WEBHOOKS = 12;

describeOnPostgres("engines on PostgreSQL", (database) => {
	const processes = new TestProcesses(() => database.url);
	let receiver: Receiver;
	beforeEach(async () => {
		await database.openEmpty();
		receiver = await startReceiver();
	});
	afterEach(async () => {
		await processes.stop();
		await receiver[Symbol.asyncDispose]();
	});

	it("deliver each event once to each webhook, whoever accepts it and whoever made the webhook", async () => {
		const [a, b, c] = (await processes.start(3)) as [TestProcess, TestProcess, TestProcess];
		const webhookIds: string[] = [];
		for (let n = 0; n < WEBHOOKS; n++) webhookIds.push((await a.createWebhook(receiver.url)).id);
		for (let round = 0; round < 10; round++) await Promise.all([a, b, c].map((each) => each.send()));
		await a.drained();
		const counts = Object.values(Object.groupBy(receiver.requests, ({ headers }) => String(headers["webhook-id"])));
		expect(counts).toHaveLength(30);
		expect(counts.filter((requests) => (requests?.length ?? 0) < WEBHOOKS)).toEqual([]);
		// On a machine that is too busy, one has lost its tenure, and what it had under way is repeated.
		if ([a, b, c].some(({ member }) => member.notes.length > 0)) return;
		expect(receiver.requests).toHaveLength(30 * WEBHOOKS);
		for (const each of [a, b, c]) {
			const held = webhookIds.filter((id) => each.member.tenure.holds(id));
			expect(each.attempted).toEqual(new Set(held));
			expect(each.observer.problems).toEqual([]);
			expect(each.member.problems).toEqual([]);
		}
	});

	it("know each change in all processes when its call is answered", async () => {
		const [a, b, c] = (await processes.start(3)) as [TestProcess, TestProcess, TestProcess];
		const statusOf = async (eventId: string) => {
			const filter = { ...ANY_DELIVERY, eventId };
			const page = await a.store.deliveries(changeIn(a.projectId).scope, filter, { limit: 10, cursor: null });
			return page.rows.map(({ status }) => status);
		};
		const { id } = await a.createWebhook(receiver.url);
		for (let round = 0; round < 3; round++) {
			await b.engine.webhooks.pause(changeIn(b.projectId), id);
			expect(await statusOf(await c.send())).toEqual(["Held"]);
			await c.engine.webhooks.resume(changeIn(c.projectId), id);
			await a.drained();
		}
		expect(receiver.requests).toHaveLength(3);
		await c.engine.webhooks.delete(changeIn(c.projectId), id);
		expect(await statusOf(await b.send())).toEqual([]);
	});

	it("attempt nothing that was cancelled or erased in another process, also if they have it in memory", async () => {
		const { owner, other, answerFirst } = await startOwner(processes, receiver);
		const first = await owner.send();
		await receiver.waitFor(1);
		const [cancelled, inBulk] = [await owner.send(), await owner.send()];
		const [erased, last] = [await owner.send(), await owner.send()];
		expect(owner.engine.gauges().readyDeliveries).toBe(4);
		const change = changeIn(owner.projectId);
		const deliveryOf = async (eventId: string) => {
			const filter = { ...ANY_DELIVERY, eventId };
			return (await other.store.deliveries(change.scope, filter, { limit: 1, cursor: null })).rows[0]!;
		};
		await other.engine.deliveries.cancel(change, (await deliveryOf(cancelled)).id);
		await other.engine.deliveries.cancelMany(change, { ...ANY_DELIVERY, eventId: inBulk, statuses: ["Pending"] });
		await other.engine.events.erasePayload(change, erased);
		answerFirst({});
		await owner.drained();
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([first, last]);
	});
});
