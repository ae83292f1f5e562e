// Replays in a process whose ids are lower than those of another one, as after a clock was set back that only the other one has known.
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { eventually, openTestEngine } from "../../../../engine/test/test-engine.ts";
import { Records } from "../../../../ports/contract/store/records/records.ts";
import { describeOnPostgres } from "../../test/on-postgres.ts";

const AHEAD_MS = 3_600_000;
const DAY_MS = 86_400_000;

describeOnPostgres("a process with lower ids", (database) => {
	/** An engine, and a replay to it of an event with a higher id. */
	async function open(url: string) {
		const store = await database.openEmpty();
		const test = await openTestEngine({ store });
		const { engine, projectId, scope, change, clock } = test;
		const records = new Records();
		records.now = clock.now();
		records.ids.make("evt", records.now + AHEAD_MS);
		const event = records.event(projectId, { type: "old" });
		await store.commit({ events: [event], updates: [] });
		const webhook = await test.createWebhook(url, { eventTypes: ["new"] });
		const range = { since: 0, until: null, outcomes: ["Missed"], eventTypes: ["old"] } as const;
		const replay = await engine.replays.start(change, webhook.id, range);
		/** The replay, once it has ended. */
		const ended = () =>
			eventually("the replay has ended", async () => {
				clock.advance(10);
				const found = await engine.replays.get(scope, replay.id);
				return found.status !== "Running" && found;
			});
		const dispose = { [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() };
		return { store, test, event, clock, scope, projectId, ended, ...dispose };
	}

	it("makes the deliveries of a replay with ids above those of all events", async () => {
		await using receiver = await startReceiver();
		await using opened = await open(receiver.url);
		const { store, test, event, clock, scope, ended } = opened;
		await ended();
		const [delivery] = await test.deliveries({ eventId: event.event.id });
		expect(delivery?.id.slice("dlv_".length) ?? "").toSatisfy((id: string) => id > event.event.id.slice("evt_".length));
		await eventually("it is delivered", async () => {
			clock.advance(10);
			return (await store.countOpen()).Pending === 0;
		});
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([event.event.id]);
		// Otherwise what looks for deliveries behind their event would not find it.
		const erased = { reason: "asked for", at: clock.now(), limit: 100, entry: null };
		expect(await store.erasePayload(scope, event.event.id, erased)).toMatchObject({ done: true });
		expect(await test.attempts(delivery?.id ?? "")).toHaveLength(1);
	});

	it("ends a replay also if the events with higher ids are deleted meanwhile", async () => {
		await using opened = await open("http://127.0.0.1:9/");
		const { store, projectId, clock, ended } = opened;
		const at = clock.now();
		const step = { projectId, at: at + DAY_MS, before: at + 1, after: null, limit: 100 };
		expect(await store.purgeEvents(step)).toMatchObject({ purged: { events: 1 } });
		expect(await ended()).toMatchObject({ status: "Finished", deliveryCount: 0 });
	});
});
