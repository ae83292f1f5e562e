// One history of relays: clients that answer, answer late or twice, say nothing, come and go, and a server that dies.
import { between, namedRandom, pick, pickByWeight, type Random } from "@fanfare/testkit/seeded-random";

import { projectScope } from "../../packages/server/src/core/access/principal.ts";
import { DEFAULT_RETENTION } from "../../packages/server/src/core/policies/retention.ts";
import type { Engine } from "../../packages/server/src/engine/calls.ts";
import { ServerRun } from "../world/server-run.ts";
import { isExpected } from "../world/sim-observer.ts";
import { World, type Broken } from "../world/world.ts";
import { RelayChecks } from "./relay-checks.ts";
import { SimRelayClient } from "./relay-client.ts";

export interface RelayHistoryResult {
	readonly breaches: readonly Broken[];
	readonly hash: string;
	readonly events: number;
	readonly requests: number;
	readonly runs: number;
}

const STEPS = 60;
const RELAYS = 3;
const CLIENTS_PER_RELAY = 2;
const START_MS = 600_000;
const HOUR_MS = 3_600_000;
/** How often an engine looks for deliveries that others have accepted. */
const FIND_EVERY_MS = 4_000;
/** For how long a process stands still or can't reach the store, at most. */
const AWAY_MS = 20_000;
/** The longest back-off is 8 hours. */
const HEALED_MS = 48 * HOUR_MS;

const ACTIONS = [
	{ kind: "send", weight: 12 },
	{ kind: "wait", weight: 6 },
	{ kind: "come", weight: 5 },
	{ kind: "drop", weight: 4 },
	{ kind: "pause", weight: 1 },
	{ kind: "resume", weight: 2 },
	{ kind: "fault", weight: 2 },
	{ kind: "die", weight: 2 },
	{ kind: "restart", weight: 1 },
] as const;
/** Among several engines. */
const SHARED_ACTIONS = [
	...ACTIONS,
	{ kind: "freeze", weight: 2 },
	{ kind: "cut", weight: 2 },
	{ kind: "swap", weight: 2 },
] as const;
type ActionKind = (typeof SHARED_ACTIONS)[number]["kind"];

/**
 * @param engines how many share the store
 * @param print gets each line of the trace; null for none
 */
export async function runRelays(
	seed: number,
	engines: number,
	print: ((line: string) => void) | null,
): Promise<RelayHistoryResult> {
	const sharing = engines === 1 ? null : { engines, handsOff: false, relays: true };
	const limits = sharing === null ? {} : { findEveryMs: FIND_EVERY_MS, mayLoseAnswers: true };
	const world = await World.open({ seed, limits, answersInOrder: true, retention: DEFAULT_RETENTION, sharing }, print);
	try {
		const history = new RelayHistory(world, namedRandom(seed, "relays"), engines);
		await history.play();
		const { acknowledged, checks, runs } = history;
		return {
			breaches: world.breaches,
			hash: world.trace.hash(),
			events: acknowledged.length,
			requests: checks.requests,
			runs,
		};
	} finally {
		await world.store.close();
	}
}

class RelayHistory {
	readonly checks: RelayChecks;
	readonly acknowledged: string[] = [];
	runs = 0;
	readonly #world: World;
	readonly #random: Random;
	readonly #engines: number;
	readonly #clients: SimRelayClient[] = [];
	#webhookIds: string[] = [];
	/** The runs that have not ended, or whose end was not noted yet. */
	#all: readonly ServerRun[] = [];

	constructor(world: World, random: Random, engines: number) {
		this.#world = world;
		this.#random = random;
		this.#engines = engines;
		this.checks = new RelayChecks(world);
		const ignore = () => Promise.resolve();
		// Every webhook is a relay: nothing is sent to a receiver.
		const nobody = { isDelivery: () => true, started: () => () => {} };
		world.watch({ before: ignore, after: ignore }, nobody, {
			gained: () => Promise.resolve(ignore),
			claimedUntold: () => {},
		});
	}

	/** A run that answers calls; null if none does. */
	#serving(): ServerRun | null {
		const serving = this.#all.filter((run) => run.alive && run.engine !== null && run.isCurrent && !run.isFrozen);
		return serving.length === 0 ? null : pick(this.#random, serving);
	}

	async play(): Promise<void> {
		await this.#ensureRunning();
		await this.#makeRelays();
		const actions = this.#engines === 1 ? ACTIONS : SHARED_ACTIONS;
		for (let step = 0; step < STEPS && this.#world.breaches.length === 0; step++) {
			await this.#ensureRunning();
			const { kind } = pickByWeight(this.#random, actions);
			this.#world.trace.add("step", kind);
			await this.#perform(kind);
			await this.#advance(Math.floor(between(this.#random, 0, 2_000)));
		}
		await this.#end();
	}

	async #makeRelays(): Promise<void> {
		const engine = this.#serving()?.engine;
		this.checks.projectId = engine?.projects.list()[0]?.id ?? "";
		const rest = { eventTypes: null, timeoutMs: 5_000, customerId: null, mirrorOf: null };
		const change = { scope: projectScope(this.checks.projectId), audit: null };
		for (let n = 0; n < RELAYS; n++) {
			const name = `device ${n}`;
			const relay = await this.#call((on) =>
				on.relays.put(change, { device: name, name, ...rest }, new Uint8Array(32).fill(n)),
			);
			if (relay === null) throw new Error("a relay was not made");
			this.#webhookIds = [...this.#webhookIds, relay.webhookId];
			for (let m = 0; m < CLIENTS_PER_RELAY; m++) {
				const serverOf = () => this.#serving();
				this.#clients.push(new SimRelayClient(this.#world, this.checks, this.#random, relay.webhookId, serverOf));
			}
		}
	}

	async #perform(kind: ActionKind): Promise<void> {
		const random = this.#random;
		const change = { scope: projectScope(this.checks.projectId), audit: null };
		switch (kind) {
			case "send":
				return this.#send();
			case "wait":
				return this.#advance(pick(random, [100, 3_000, 12_000, 40_000]));
			case "come":
				return pick(random, this.#clients).connect();
			case "drop":
				return pick(random, this.#clients).drop(random() < 0.3 ? null : between(random, 1, 15_000));
			case "pause":
				return void this.#call((engine) => engine.webhooks.pause(change, pick(random, this.#webhookIds)));
			case "resume":
				return void this.#call((engine) => engine.webhooks.resume(change, pick(random, this.#webhookIds)));
			case "fault": {
				const after = Math.floor(random() * 12);
				this.#world.faults.plan(
					pick(random, [
						{ kind: "failing", code: "store_unavailable", after, count: 2 },
						{ kind: "dying", executed: random() < 0.5, after, only: "any" },
						{ kind: "slow", ms: 1_000, count: 3 },
					] as const),
				);
				return;
			}
			case "die":
				return pick(random, this.#all).end("died");
			case "restart":
				return this.#stop(pick(random, this.#all), 1_000);
			case "freeze": {
				const run = pick(random, this.#all);
				run.freeze();
				return void this.#world.clock.after(between(random, 1, AWAY_MS), () => run.thaw());
			}
			case "cut": {
				const run = pick(random, this.#all);
				run.cut();
				return void this.#world.clock.after(between(random, 1, AWAY_MS), () => run.mend());
			}
			case "swap":
				this.#world.sharing?.cluster.swap(pick(random, [1, 256]));
		}
	}

	async #send(): Promise<void> {
		const scope = projectScope(this.checks.projectId);
		const input = { type: "order.paid", dataJson: '{"n":1}', timestamp: null, idempotencyKey: null, webhookIds: null };
		const rest = { traceparent: null, customers: null, tags: [] };
		const sent = await this.#call((engine) => engine.intake.send(scope, { ...input, ...rest }));
		if (sent !== null) this.acknowledged.push(sent.event.id);
	}

	/** From now on nothing fails. Every delivery must succeed. */
	async #end(): Promise<void> {
		const world = this.#world;
		world.trace.add("step", "heal");
		world.faults.clear();
		for (const run of this.#all) {
			run.thaw();
			run.mend();
		}
		for (const client of this.#clients) client.heal();
		await this.#ensureRunning();
		if (world.sharing !== null) await world.clock.advance(START_MS, () => world.sharing?.cluster.isSettled === true);
		const change = { scope: projectScope(this.checks.projectId), audit: null };
		for (const webhookId of this.#webhookIds) await this.#call((on) => on.webhooks.resume(change, webhookId));
		for (const [index, client] of this.#clients.entries()) if (index % CLIENTS_PER_RELAY === 0) client.connect();
		const endAt = world.clock.monotonicMs() + HEALED_MS;
		let open = await world.store.countOpen();
		while (open.Pending + open.Held > 0 && world.clock.monotonicMs() < endAt) {
			await this.#advance(60_000);
			open = await world.store.countOpen();
		}
		for (const run of this.#all) await this.#stop(run, 30_000);
		await this.checks.checkEnd(this.acknowledged, this.#webhookIds);
	}

	async #stop(run: ServerRun, graceMs: number): Promise<void> {
		const { engine } = run;
		let isOver = engine === null;
		run.act(() => {
			engine?.stop(graceMs).then(
				() => (isOver = true),
				(error: unknown) => this.#world.breach("problem", `a stop failed: ${String(error)}`),
			);
		});
		const isStopped = await this.#world.clock.advance(START_MS, () => isOver || !run.alive);
		if (!isStopped) this.#world.breach("stuck", "a stop did not end");
		run.end("stopped");
	}

	async #advance(ms: number): Promise<void> {
		await this.#world.clock.advance(ms, () => this.#all.some(({ alive }) => !alive));
	}

	/** Makes a call of the engine, and waits until it is answered. Null if it fails, or the server dies. */
	async #call<T>(make: (engine: Engine) => Promise<T>): Promise<T | null> {
		const run = this.#serving();
		if (run?.engine === undefined || run.engine === null) return null;
		let result: T | null = null;
		let isOver = false;
		make(run.engine).then(
			(value) => ([result, isOver] = [value, true]),
			(error: unknown) => {
				isOver = true;
				if (!isExpected(error)) this.#world.breach("problem", `a call failed: ${String(error)}`);
			},
		);
		const isAnswered = await this.#world.clock.advance(START_MS, () => isOver || !run.alive);
		if (!isAnswered) this.#world.breach("stuck", "a call got no answer");
		return result;
	}

	async #ensureRunning(): Promise<void> {
		for (;;) {
			for (const run of this.#all) if (!run.alive) for (const client of this.#clients) client.serverDied(run);
			this.#all = this.#all.filter(({ alive }) => alive);
			if (this.#all.length >= this.#engines) return;
			const run = new ServerRun(this.#world, this.runs++);
			this.#all = [...this.#all, run];
			let isOver = false;
			run.open().then(
				() => (isOver = true),
				(error: unknown) => {
					isOver = true;
					run.end("died");
					if (!isExpected(error)) this.#world.breach("problem", `a start failed: ${String(error)}`);
				},
			);
			const isOpen = await this.#world.clock.advance(START_MS, () => isOver || !run.alive);
			if (!isOpen) throw new Error(`the server did not start within ${START_MS} ms`);
			// The clients of runs before come back by themselves.
			if (run.alive) for (const client of this.#clients) client.reconnect();
		}
	}
}
