// Two engines on one store, each of which holds half of the shards, for tests.
import { Receiver, type Script } from "@fanfare/testkit/receiver";
import { expect, onTestFinished } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { shardOf, SHARDS } from "../../core/cluster/shard.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import type { EngineLimits } from "../parts.ts";
import { openReceiver } from "./delivering.ts";
import { ScriptedCluster, type ScriptedMember } from "./scripted-cluster.ts";
import { eventually, openTestEngine, type TestEngine } from "./test-engine.ts";

export { passTurns } from "./delivering.ts";

const SHARD_LIST = Array.from({ length: SHARDS }, (_, shard) => shard);
export const LOW = SHARD_LIST.slice(0, SHARDS / 2);
export const HIGH = SHARD_LIST.slice(SHARDS / 2);
const isLow = (webhookId: string) => shardOf(webhookId) < SHARDS / 2;

export interface Process {
	readonly member: ScriptedMember;
	readonly test: TestEngine;
	/** Ids of the webhooks in its shards. */
	readonly webhookIds: readonly string[];
}

/** Two processes: `low` holds the lower half of the shards and `high` the upper half, with two webhooks in each, all of one receiver. */
export async function openTwo(to: Receiver | Script | null = null, limits: Partial<EngineLimits> = {}) {
	const receiver = to instanceof Receiver ? to : await openReceiver(to);
	const store = await openSqliteStore({ path: ":memory:" });
	const clock = new ManualClock();
	const cluster = new ScriptedCluster();
	const webhookIds = await makeWebhooks(store, receiver);
	const open = async (name: string, shards: readonly number[]): Promise<Process> => {
		const member = cluster.join(name, shards);
		const test = await openTestEngine({ store, clock, limits, tenure: member.tenure, wire: member.wire });
		onTestFinished(() => test[Symbol.asyncDispose]());
		return { member, test, webhookIds: webhookIds.filter((id) => shards.includes(shardOf(id))) };
	};
	const [low, high] = [await open("low", LOW), await open("high", HIGH)];
	return { receiver, store, clock, cluster, low, high };
}

/** Makes webhooks until two are in the lower half of the shards and two in the upper half; keeps only these. */
async function makeWebhooks(store: TestEngine["store"], receiver: Receiver): Promise<string[]> {
	await using setUp = await openTestEngine({ store });
	const kept: string[] = [];
	while (kept.length < 4) {
		const { id } = await setUp.createWebhook(receiver.url);
		if (kept.filter((other) => isLow(other) === isLow(id)).length < 2) kept.push(id);
		else await setUp.engine.webhooks.delete(setUp.change, id);
	}
	return kept;
}

/** Sends events to these webhooks. Returns the ids of the events. */
export function sendMany(test: TestEngine, count: number, webhookIds: readonly string[]): Promise<string[]> {
	return Promise.all(Array.from({ length: count }, () => test.send({ webhookIds })));
}

export async function allSucceeded({ test }: Process, count: number): Promise<void> {
	await eventually(`${count} deliveries have succeeded`, async () => {
		const deliveries = await test.deliveries();
		return deliveries.length === count && deliveries.every(({ status }) => status === "Succeeded");
	});
}

/** The webhooks of the attempts that a process has made. */
export function attempted({ test }: Process): Set<string> {
	return new Set(test.observer.attempts.map(({ webhookId }) => webhookId));
}

export function noProblems(...processes: readonly Process[]): void {
	expect(processes.flatMap(({ test }) => test.observer.problems)).toEqual([]);
}
