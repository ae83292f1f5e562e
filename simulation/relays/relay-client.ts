// The client of a relay: a library that repeats answers and not requests, and a receiver whose answers follow from the seed.
import { pickByWeight, type Random } from "@fanfare/testkit/seeded-random";

import { projectScope } from "../../packages/server/src/core/access/principal.ts";
import { relayIdOf } from "../../packages/server/src/core/receivers/relay.ts";
import type { RelaySignal, RelaySubscription } from "../../packages/server/src/engine/relay-calls.ts";
import type { ServerRun } from "../world/server-run.ts";
import { isExpected } from "../world/sim-observer.ts";
import type { World } from "../world/world.ts";
import type { RelayChecks } from "./relay-checks.ts";

/** What the receiver does with a request. */
const DEEDS = [
	{ kind: "answers", weight: 10 },
	{ kind: "fails", weight: 4 },
	{ kind: "answers twice", weight: 3 },
	/** After its time. */
	{ kind: "answers late", weight: 2 },
	/** The answer does not reach the server, and the connection is lost. */
	{ kind: "is cut", weight: 3 },
	/** The client ends its connection before it answers. */
	{ kind: "drops", weight: 2 },
	{ kind: "says nothing", weight: 1 },
] as const;

const RECONNECT_MS = 1_000;
const LATE_MS = 5_000;
const MAX_LATENCY_MS = 3_000;

export class SimRelayClient {
	readonly #world: World;
	readonly #checks: RelayChecks;
	readonly #random: Random;
	readonly #webhookId: string;
	/** By request: the answer; null while it is awaited. */
	readonly #answers = new Map<string, number | null>();
	readonly #serverOf: () => ServerRun | null;
	/** The run that it is, or was last, connected to. */
	#run: ServerRun | null = null;
	#subscription: RelaySubscription | null = null;
	/** Rises with each connection: what belongs to an earlier one has no effect. */
	#connection = 0;
	#wants = false;
	#isHealed = false;

	/** @param serverOf a run that answers calls; null if none does */
	constructor(world: World, checks: RelayChecks, random: Random, webhookId: string, serverOf: () => ServerRun | null) {
		this.#world = world;
		this.#serverOf = serverOf;
		this.#checks = checks;
		this.#random = random;
		this.#webhookId = webhookId;
	}

	/** Stays connected, and connects again whenever it loses the connection, unless another client takes the relay over. */
	connect(): void {
		this.#wants = true;
		this.#open();
	}

	/** A server has started: it comes back if it was connected. */
	reconnect(): void {
		this.#world.clock.after(RECONNECT_MS, () => this.#open());
	}

	/** Loses its connection. `forMs` null: it does not come back by itself. */
	drop(forMs: number | null): void {
		this.#connection++;
		this.#subscription?.close();
		this.#subscription = null;
		if (forMs === null) this.#wants = false;
		else this.#world.clock.after(forMs, () => this.#open());
	}

	/** A server has died: nothing comes from it any more. */
	serverDied(run: ServerRun): void {
		if (this.#run !== run) return;
		this.#connection++;
		this.#subscription = null;
		this.#run = null;
	}

	/** From now on it answers everything at once. */
	heal(): void {
		this.#isHealed = true;
		for (const [requestId, answer] of this.#answers) if (answer === null) this.#answers.delete(requestId);
	}

	#open(): void {
		if (!this.#wants || this.#subscription !== null) return;
		const run = this.#serverOf();
		const engine = run?.engine ?? null;
		if (run === null || engine === null) return this.reconnect();
		this.#run = run;
		const connection = ++this.#connection;
		const again = () => {
			if (connection === this.#connection) this.drop(RECONNECT_MS);
		};
		const options = { principal: null, abandon: again };
		engine.relays.open(projectScope(this.#checks.projectId), relayIdOf(this.#webhookId), options).then(
			(subscription) => this.#opened(run, subscription, connection, again),
			(error: unknown) => {
				if (!isExpected(error)) this.#world.breach("problem", `a relay was not opened: ${String(error)}`);
				again();
			},
		);
	}

	#opened(run: ServerRun, subscription: RelaySubscription, connection: number, again: () => void): void {
		if (connection !== this.#connection) return subscription.close();
		this.#subscription = subscription;
		void this.#read(run, subscription, connection).then(again);
	}

	async #read(run: ServerRun, subscription: RelaySubscription, connection: number): Promise<void> {
		for (;;) {
			const signals = await subscription.next();
			if (signals === null || connection !== this.#connection) return;
			for (const signal of signals) this.#take(run, signal, connection);
		}
	}

	#take(run: ServerRun, signal: RelaySignal, connection: number): void {
		const { trace } = this.#world;
		if (signal.type === "end") {
			trace.add("client", `${this.#webhookId} ends: ${signal.code}`);
			if (signal.code === "replaced") this.#wants = false;
		}
		if (signal.type !== "request" || connection !== this.#connection) return;
		const { requestId, timeoutMs } = signal.request;
		trace.add("client", `is asked ${requestId}`);
		void this.#checks.offered(run, requestId);
		const known = this.#answers.get(requestId);
		if (known === null) return;
		if (known !== undefined) return this.#post(requestId, known);
		this.#answers.set(requestId, null);
		this.#receive(requestId, timeoutMs);
	}

	#receive(requestId: string, timeoutMs: number): void {
		const random = this.#random;
		const { kind } = this.#isHealed ? DEEDS[0] : pickByWeight(random, DEEDS);
		const latencyMs = Math.ceil(random() * MAX_LATENCY_MS);
		const after = (ms: number, act: () => void) => void this.#world.clock.after(ms, act);
		switch (kind) {
			case "answers":
				return after(latencyMs, () => this.#answer(requestId, 200));
			case "fails":
				return after(latencyMs, () => this.#answer(requestId, 500));
			case "answers twice":
				return after(latencyMs, () => {
					this.#answer(requestId, 200);
					this.#post(requestId, 500);
				});
			case "answers late":
				return after(timeoutMs + LATE_MS, () => this.#answer(requestId, 200));
			case "is cut":
				return after(latencyMs, () => {
					this.#answers.set(requestId, 200);
					this.drop(RECONNECT_MS);
				});
			case "drops":
				this.drop(latencyMs);
				return after(2 * latencyMs, () => this.#answer(requestId, 200));
			case "says nothing":
		}
	}

	/** Only the first answer of a receiver counts. */
	#answer(requestId: string, status: number): void {
		if (typeof this.#answers.get(requestId) === "number") return;
		this.#answers.set(requestId, status);
		this.#post(requestId, status);
	}

	#post(requestId: string, status: number): void {
		const run = this.#serverOf();
		const engine = run?.engine ?? null;
		if (run === null || engine === null) return;
		this.#checks.given(requestId, status);
		const scope = projectScope(this.#checks.projectId);
		const answer = { status, headers: [], body: new Uint8Array() };
		engine.relays.answer(scope, relayIdOf(this.#webhookId), requestId, answer).then(
			() => this.#checks.taken(run, requestId, status),
			() => this.#world.trace.add("client", `was too late for ${requestId}`),
		);
	}
}
