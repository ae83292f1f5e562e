// Performs one step of a history.
import { performOnCluster } from "./perform-on-cluster.ts";
import { performOnCustomers } from "./perform-on-customers.ts";
import { performOnKeys } from "./perform-on-keys.ts";
import { performOnLive } from "./perform-on-live.ts";
import { performOnLog } from "./perform-on-log.ts";
import { performOnProjects } from "./perform-on-projects.ts";
import { performOnWebhooks } from "./perform-on-webhooks.ts";
import { performSend } from "./perform-send.ts";
import type { Player } from "./player.ts";
import type { Action, Step } from "./steps.ts";

/** The share of starts whose first claim fails. */
const CLAIM_FAILS_SHARE = 0.5;

/** Performs a step, and lets its time pass, if it has some. A call that it makes can still be under way then. */
export async function perform(player: Player, { action, thenMs, engine = 0 }: Step): Promise<void> {
	const { world } = player;
	world.trace.add("step", JSON.stringify(action));
	player.noteTime();
	await player.ensureRunning();
	player.choose(engine);
	await performAction(player, action);
	if (thenMs !== null && player.isRunning) await world.clock.advance(thenMs, () => !player.isRunning);
}

async function performAction(player: Player, action: Action): Promise<void> {
	const { world } = player;
	switch (action.do) {
		case "wait":
			await world.clock.advance(action.ms, () => !player.isRunning);
			return;
		case "step clock":
			player.noteTime();
			world.clock.step(action.ms);
			player.noteTime();
			// Leases end early, and deliveries are due early.
			if (action.ms > 0) world.disturbed();
			return;
		case "fault":
			world.faults.plan(action.fault);
			return;
		case "die":
			await player.die(player.run);
			return beDown(player, action.downMs, action.stepMs);
		case "restart":
			await player.stop(player.run, action.graceMs);
			return beDown(player, action.downMs, 0);
		case "join":
		case "leave":
		case "kill":
		case "freeze":
		case "cut":
		case "blind":
		case "swap":
		case "rush":
		case "rush and cancel":
		case "wire":
			return performOnCluster(player, action);
		case "send":
		case "send again":
			return performSend(player, action);
		case "create project":
		case "delete project":
		case "update project":
		case "event type":
		case "delete event type":
			return performOnProjects(player, action);
		case "delete customer":
			return performOnCustomers(player, action);
		case "create key":
		case "delete key":
			return performOnKeys(player, action);
		case "watch":
		case "disconnect":
			return performOnLive(player, action);
		case "cancel":
		case "retry":
		case "cancel many":
		case "retry many":
		case "replay":
		case "cancel replay":
		case "erase":
			return performOnLog(player, action);
		case "create webhook":
		case "update webhook":
		case "pause":
		case "resume":
		case "delete webhook":
		case "change secret":
		case "test":
		case "receiver":
			performOnWebhooks(player, action);
	}
}

async function beDown(player: Player, downMs: number, stepMs: number): Promise<void> {
	const { chance, clock, faults } = player.world;
	await clock.advance(downMs);
	player.noteTime();
	clock.step(stepMs);
	// What waits for its first attempt is claimed again after a start.
	if (chance.faults() < CLAIM_FAILS_SHARE) {
		faults.plan({ kind: "failing", code: "store_unavailable", after: 0, count: 1, only: "claimDue" });
	}
}
