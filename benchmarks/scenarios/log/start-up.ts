// The time that a start takes, by the number of deliveries that wait in the store.
import { setTimeout as sleep } from "node:timers/promises";

import { nowMs } from "../../harness/measure/clock.ts";
import { named } from "../../harness/measure/steady.ts";
import type { ResultLine, Measurements, RunContext, Scenario } from "../../scenario.ts";

/** The number of deliveries that are due. The empty store has one, so that there is a first delivery. */
const SIZES = [
	{ name: "empty", deliveries: 1 },
	{ name: "100k", deliveries: 100_000 },
	{ name: "1M", deliveries: 1_000_000 },
] as const;
const WEBHOOKS = 100;
const LOOK_EVERY_MS = 2;

export const startUp: Scenario = {
	name: "start-up",
	group: "log",
	summary:
		"from the start of the process until it listens, is ready and has delivered, by the number of waiting deliveries",
	results: SIZES.flatMap(({ name }): ResultLine[] => [
		{ measurement: `${name}.listensMs`, label: `${name}: listens after`, unit: "ms" },
		{ measurement: `${name}.readyMs`, label: `${name}: ready after`, unit: "ms" },
		{ measurement: `${name}.deliversMs`, label: `${name}: first delivery after`, unit: "ms", limit: { atMost: 1_000 } },
	]),
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const result: Record<string, number> = { sent: SIZES.length, received: SIZES.length };
	for (const { name, deliveries } of SIZES) Object.assign(result, named(name, await start(context, deliveries)));
	return result;
}

async function start(context: RunContext, size: number): Promise<Measurements> {
	const deliveries = context.size(size);
	const perEvent = Math.min(WEBHOOKS, deliveries);
	const store = await context.prepareStore({ webhooks: WEBHOOKS, wants: "all", deliveries, perEvent, state: "due" });
	await context.receiver.newSeries();
	await using server = await context.startServer({ store, settings: { FANFARE_SHUTDOWN_GRACE_MS: "0" } });
	const ready = readyAt(server.url);
	const { bulkFirstAt } = await server.whileAlive(context.receiver.waitForBulk(1));
	const since = (time: number) => time - server.spawnedAt;
	return {
		listensMs: since(server.listeningAt),
		readyMs: since(await server.whileAlive(ready)),
		deliversMs: since(bulkFirstAt),
	};
}

async function readyAt(url: string): Promise<number> {
	for (;;) {
		const { ok } = await fetch(`${url}/readyz`);
		if (ok) return nowMs();
		await sleep(LOOK_EVERY_MS);
	}
}
