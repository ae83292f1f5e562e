// The server is killed while retention deletes old events.
import { setTimeout as delay } from "node:timers/promises";

import type { Acknowledged } from "@fanfare/testkit/checks/record";
import { between } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import type { Round } from "../../round.ts";

const DAY_MS = 86_400_000;
/** The age of the events: longer than the default retention. */
const AGO_MS = 40 * DAY_MS;
/** Retention runs for the first time this long after a start. */
const FIRST_PASS_MS = 5_000;
/** The longest time from the start of retention to the kill. */
const KILL_AFTER_MS = 80;
const PURGED_WITHIN_MS = 15_000;
/** No delivery of these types is Held, so their events must be deleted. */
const FREE_TYPES = new Set(["limited.tick", "aimed.event", "order.shipped"]);

export const killRetention: Fault = {
	name: "kill-retention",
	summary: "SIGKILL while retention deletes events that are 40 days old; events with open deliveries are kept",
	weight: 0.3,
	prepare: (round) => {
		round.world.offsetMs = -AGO_MS;
		round.hasStats = false;
	},
	setUp: async (round) => {
		// The clock's jump is longer than the overlap of the two secrets.
		const { secrets } = round.webhook("two-secrets");
		round.book.expectSecrets("/two-secrets", secrets, secrets.slice(-1));
	},
	strike: async (round) => {
		const random = round.random("retention");
		await round.world.setClock(0);
		await delay(Math.max(0, round.startedAt + FIRST_PASS_MS - Date.now()) + between(random, 0, KILL_AFTER_MS));
		await round.kill();
		await round.restart();
		for (const { eventId } of oldEvents(round).filter((event) => mayBeDeleted(event, round)))
			round.purgeable.add(eventId);
		const purged = await round.time.within(PURGED_WITHIN_MS, () => isPurged(round));
		round.expect(purged !== null, `the old events were not deleted within ${PURGED_WITHIN_MS} ms`);
	},
};

/** The events from before the clock's jump: ids contain the time of acceptance. */
function oldEvents({ acknowledged }: Round): Acknowledged[] {
	const before = Date.now() - AGO_MS / 2;
	return acknowledged.filter(
		({ eventId }) => Number.parseInt(eventId.replace(/^evt_(.{8})-(.{4}).*/, "$1$2"), 16) < before,
	);
}

/** Whether retention may delete an event. It must keep an event with a Held delivery. */
function mayBeDeleted({ type, eventId }: Acknowledged, { ends }: Round): boolean {
	if (FREE_TYPES.has(type)) return true;
	const isHeld = ends.some(({ log }) =>
		log.deliveries.some((delivery) => delivery.eventId === eventId && delivery.status === "Held"),
	);
	return !isHeld;
}

async function isPurged(round: Round): Promise<boolean> {
	const free = oldEvents(round).filter(({ type }) => FREE_TYPES.has(type));
	const mustBeDeleted = new Set(free.map(({ eventId }) => eventId));
	const left = await Array.fromAsync(round.project.events.list({ before: Date.now() - AGO_MS / 2 }));
	return !left.some(({ id }) => mustBeDeleted.has(id));
}
