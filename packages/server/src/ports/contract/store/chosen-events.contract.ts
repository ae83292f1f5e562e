// The contract of the replays slice: events that were chosen by their ids, and replays to several webhooks at once.
import { expect, it } from "vitest";

import { customerScope, projectScope } from "../../../core/access/principal.ts";
import { REPLAY_OUTCOMES } from "../../../core/replay.ts";
import type { CurrentStore } from "./records/records.ts";
import { ANY_DELIVERY, NEWEST } from "./records/records.ts";
import { openReplayWorld, type ReplayWorld } from "./records/replays.ts";

/** What the replay of these events is: their range, and how many they are. */
function chosen(events: readonly string[], { records }: ReplayWorld) {
	return [{ outcomes: REPLAY_OUTCOMES, until: records.now + 1 }, { chosenCount: events.length }, events] as const;
}

export function describeChosenEvents(current: CurrentStore): void {
	const open = (webhookCount?: number) => openReplayWorld(current, webhookCount);

	it("sends the chosen events alone, the oldest first, in steps, and reads the replay without them", async () => {
		const world = await open();
		const { store, scope, miss, deliver, begin, step, replayed, records } = world;
		const events: string[] = [];
		for (let n = 0; n < 6; n++, records.now += 10) events.push(n % 2 === 0 ? await miss() : await deliver(200));
		const wanted = [events[4]!, events[0]!, events[3]!];
		const replay = await begin(...chosen(wanted, world));
		expect(await store.replay(scope, replay.id)).toEqual(replay);
		expect((await store.replays(scope, null, NEWEST)).rows).toEqual([replay]);
		expect(await store.runningReplays()).toEqual([replay]);
		expect(await step(replay, { scanLimit: 2 })).toMatchObject({
			status: "Running",
			scannedCount: 2,
			deliveryCount: 2,
		});
		expect(await step(replay, { deliveryLimit: 0 })).toMatchObject({ status: "Running", scannedCount: 2 });
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 3, deliveryCount: 3, chosenCount: 3 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([events[0], events[3], events[4]]);
		expect(await store.replay(scope, replay.id)).toMatchObject({ status: "Finished", chosenCount: 3 });
	});

	it("still heeds outcomes, types, and what is on its way, and skips an event that is gone", async () => {
		const world = await open();
		const { accept, miss, deliver, begin, step, replayed, records, store, scope, projectId } = world;
		const [pending = ""] = await accept();
		const waiting = (await store.delivery(scope, pending))?.eventId ?? "";
		const [missed, failed, succeeded] = [await miss("c.d"), await deliver(410), await deliver(200)];
		const gone = records.event(projectId).event.id;
		const ids = [waiting, missed, failed, succeeded, gone];
		const [filter, changes] = chosen(ids, world);
		const replay = await begin({ ...filter, outcomes: ["Missed", "Failed"], missedEventTypes: ["a.*"] }, changes, ids);
		expect(await step(replay)).toMatchObject({ status: "Finished", scannedCount: 4, deliveryCount: 1 });
		expect((await replayed()).map(({ eventId }) => eventId)).toEqual([failed]);
	});

	it("hands a customer's webhook only events that are for this customer and of no internal type", async () => {
		const world = await open();
		const { store, records, projectId, begin, step } = world;
		const webhook = records.webhook(projectId, { customerId: "acme" });
		await store.insertWebhook(webhook, null);
		await store.putEventType(
			{ ...records.eventType(projectId, "secret"), visibility: "internal" },
			{ expected: null, limit: 9, entry: null },
		);
		const send = async (customers: string | readonly string[] | null, type = "a.b") => {
			const sent = records.event(projectId, { type, webhookIds: [], customers });
			await store.commit({ events: [sent], updates: [] });
			return sent.event.id;
		};
		const ids = [
			await send("acme"),
			await send("globex"),
			await send(["globex", "acme"]),
			await send("*"),
			await send(null),
			await send("acme", "secret"),
		];
		const [filter, changes] = chosen(ids, world);
		const replay = await begin(filter, { ...changes, webhookId: webhook.id, customerId: "acme" }, ids);
		expect(await step(replay)).toMatchObject({ status: "Finished", deliveryCount: 3 });
		const { rows } = await store.deliveries(
			projectScope(projectId),
			{ ...ANY_DELIVERY, webhookId: webhook.id },
			NEWEST,
		);
		expect(rows.map(({ eventId }) => eventId).toReversed()).toEqual([ids[0], ids[2], ids[3]]);
		const count = (scope: Parameters<typeof store.countReplay>[0]["scope"]) =>
			store.countReplay({
				scope,
				webhookId: webhook.id,
				filter: replay.filter,
				eventIds: ids,
				afterEventId: null,
				scanLimit: 99,
			});
		expect(await count(customerScope(projectId, "acme"))).toEqual({ matching: 0, newestDate: null, lastEventId: null });
		expect(await count(customerScope(projectId, "globex"))).toEqual({
			matching: 0,
			newestDate: null,
			lastEventId: null,
		});
	});

	it("counts chosen events in steps", async () => {
		const world = await open();
		const { store, scope, webhookId, miss, records } = world;
		const events = [await miss(), await miss(), await miss(), await miss()];
		const filter = {
			since: 0,
			until: records.now + 1,
			outcomes: REPLAY_OUTCOMES,
			eventTypes: null,
			missedEventTypes: null,
		};
		const eventIds = [events[3]!, events[0]!, events[2]!];
		const step = { scope, webhookId, filter, eventIds, scanLimit: 2 };
		const first = await store.countReplay({ ...step, afterEventId: null });
		expect(first).toMatchObject({ matching: 2, lastEventId: events[2] });
		const second = await store.countReplay({ ...step, afterEventId: events[2]! });
		expect(second).toMatchObject({ matching: 1, lastEventId: null });
	});

	it("finds events by their ids as somebody sees them, and says nothing of others", async () => {
		const { store, records, projectId, scope, deliver, miss, webhookId } = await open();
		const theirs = records.webhook(projectId, { customerId: "acme" });
		await store.insertWebhook(theirs, null);
		const sent = records.event(projectId, { webhookIds: [webhookId, theirs.id], customers: ["acme", "globex"] });
		await store.commit({ events: [sent], updates: [] });
		const [ours, missed] = [await deliver(200), await miss()];
		const other = records.project();
		await store.insertProject(other, null);
		const foreign = records.event(other.id, { webhookIds: [] });
		await store.commit({ events: [foreign], updates: [] });
		const unknown = records.ids.make("evt", records.now);
		const ids = [missed, foreign.event.id, sent.event.id, unknown, ours];
		const { createDate } = sent.event;
		const seen = (customers: unknown) => ({ createDate, customers });
		expect(await store.eventsById(scope, ids)).toEqual([seen(null), null, seen(["acme", "globex"]), null, seen(null)]);
		const acme = customerScope(projectId, "acme");
		expect(await store.eventsById(acme, ids)).toEqual([null, null, seen("acme"), null, null]);
		expect(await store.eventsById(customerScope(projectId, "globex"), ids)).toEqual(ids.map(() => null));
		expect(await store.eventsById(scope, [])).toEqual([]);
	});

	it("adds the replays of several webhooks, or none if one would exceed its limit", async () => {
		const { store, makeReplay, records } = await open(2);
		const added = (limits: readonly number[], customerIds: readonly (string | null)[] = []) =>
			limits.map((limit, index) => ({
				replay: makeReplay({}, { customerId: customerIds[index] ?? null }),
				limit,
				projectLimit: Infinity,
				entry: records.entry(),
			}));
		expect(await store.insertReplays(added([2, 2, 2]))).toBe("customer");
		expect(await store.runningReplays()).toEqual([]);
		expect(await store.insertReplays(added([2, 2]))).toBe(null);
		expect(await store.insertReplays(added([2]))).toBe("customer");
		expect(await store.insertReplays(added([1, 1, 1], ["acme", "globex", "acme"]))).toBe("customer");
		expect(await store.insertReplays(added([1, 1], ["acme", "globex"]))).toBe(null);
		expect(await store.runningReplays()).toHaveLength(4);
	});
}
