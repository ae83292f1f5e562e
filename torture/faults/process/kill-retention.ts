import { setTimeout as delay } from "node:timers/promises";

import { eventually } from "@fanfare/testkit/eventually";

import { between } from "../../chance.ts";
import type { Fault } from "../../fault.ts";
import type { Acknowledged } from "../../record.ts";
import type { Round } from "../../round.ts";

const DAY_MS = 86_400_000;
/** Longer than events are kept. */
const AGO_MS = 40 * DAY_MS;
/** Retention begins so long after a start. */
const FIRST_PASS_MS = 5_000;
const INTO_IT_MS = 80;
const PURGED_WITHIN_MS = 15_000;
/** No webhook holds these, so nothing keeps them. */
const FREE_TYPES = new Set(["limited.tick", "aimed.event", "order.shipped"]);

export const killRetention: Fault = {
	name: "kill-retention",
	summary: "SIGKILL while retention deletes what is 40 days old; what waits stays",
	weight: 0.3,
	prepare: (round) => {
		round.control.offsetMs = -AGO_MS;
		round.hasStatistics = false;
	},
	// The jump is longer than any overlap of secrets.
	setUp: async (round) => round.book.expectOnly("/two-secrets", round.webhook("two-secrets").secrets.at(-1) ?? ""),
	strike: async (round) => {
		const random = round.random("retention");
		await round.control.setClock(0);
		await delay(Math.max(0, round.startedAt + FIRST_PASS_MS - Date.now()) + between(random, 0, INTO_IT_MS));
		await round.kill();
		await round.restart();
		for (const { eventId } of oldEvents(round).filter((event) => mayGo(event, round))) round.purgeable.add(eventId);
		await eventually("what has served its time to be deleted", () => isPurged(round), PURGED_WITHIN_MS);
	},
};

/** Ids tell when their events were accepted. */
function oldEvents({ acknowledged }: Round): Acknowledged[] {
	const before = Date.now() - AGO_MS / 2;
	return acknowledged.filter(
		({ eventId }) => Number.parseInt(eventId.replace(/^evt_(.{8})-(.{4}).*/, "$1$2"), 16) < before,
	);
}

/** An event that a paused webhook holds must stay. */
function mayGo({ type, eventId }: Acknowledged, { ends }: Round): boolean {
	if (FREE_TYPES.has(type)) return true;
	const isHeld = ends.some(({ log }) =>
		log.deliveries.some((delivery) => delivery.eventId === eventId && delivery.status === "Held"),
	);
	return !isHeld;
}

async function isPurged(round: Round): Promise<boolean> {
	const free = oldEvents(round).filter(({ type }) => FREE_TYPES.has(type));
	const mustGo = new Set(free.map(({ eventId }) => eventId));
	const left = await Array.fromAsync(round.project.events.list({ before: Date.now() - AGO_MS / 2 }));
	return !left.some(({ id }) => mustGo.has(id));
}
