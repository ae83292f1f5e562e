// A process of a cluster for tests: a whole engine on the store, the tenure and the wire of PostgreSQL, which the test can stop
// for a while or kill.
import { createHash } from "node:crypto";

import type { Receiver } from "@fanfare/testkit/receiver";
import { expect } from "vitest";

import { createSealer } from "../../../core/crypto/sealing.ts";
import { createIdMaker } from "../../../core/ids.ts";
import type { Webhook } from "../../../core/webhook.ts";
import type { Engine } from "../../../engine/calls.ts";
import { openEngine } from "../../../engine/engine.ts";
import type { EngineLimits } from "../../../engine/parts.ts";
import { changeIn, eventInput, eventually, RecordingObserver } from "../../../engine/test/test-engine.ts";
import type { Role } from "../../../ports/membership.ts";
import type { Store } from "../../../ports/store/store.ts";
import { openAjvValidator } from "../../ajv/ajv-validator.ts";
import { createAddressGuard } from "../../http/address-guard.ts";
import { openHttpSender } from "../../http/http-sender.ts";
import { systemChance } from "../../system/system-chance.ts";
import { systemClock } from "../../system/system-clock.ts";
import { openPostgres } from "../postgres-store.ts";
import { TestMembers, type TestMember } from "./test-member.ts";

const masterKey = createHash("sha256").update("the members of a test").digest();
const guard = createAddressGuard({ allowNetworks: ["127.0.0.0/8"], allowHttp: true, allowForCustomers: true });

export class TestProcess implements AsyncDisposable {
	readonly engine: Engine;
	readonly store: Store;
	readonly member: TestMember;
	readonly observer: RecordingObserver;
	readonly #opened: AsyncDisposableStack;
	readonly #standstill: Standstill;
	#isDead = false;

	private constructor(
		parts: Pick<TestProcess, "engine" | "store" | "member" | "observer">,
		opened: AsyncDisposableStack,
		standstill: Standstill,
	) {
		this.engine = parts.engine;
		this.store = parts.store;
		this.member = parts.member;
		this.observer = parts.observer;
		this.#opened = opened;
		this.#standstill = standstill;
	}

	/** Opens and starts an engine. */
	static async start(
		url: string,
		limits: Partial<EngineLimits> = {},
		role: Role = "all",
		nats: string | null = null,
	): Promise<TestProcess> {
		const opened = new AsyncDisposableStack();
		const standstill = new Standstill();
		const observer = new RecordingObserver();
		const { store } = await openPostgres({ url, clock: systemClock });
		opened.defer(() => store.close());
		const members = new TestMembers();
		const member = members.open(url, role, nats);
		opened.defer(() => members.close());
		const schemas = openAjvValidator({ clock: systemClock });
		opened.defer(() => schemas.close());
		const sender = openHttpSender({ guard, clock: systemClock });
		opened.defer(() => sender.close());
		const { engine } = await openEngine({
			parts: {
				store: standing(store, standstill),
				sender: standing(sender, standstill),
				guard,
				schemas,
				clock: member.clock,
				observer,
				chance: systemChance,
				sealer: createSealer(masterKey, systemChance),
				ids: createIdMaker(systemChance),
				tenure: member.tenure,
				wire: member.wire,
				membership: member,
			},
			userAgent: "Fanfare/test",
			limits: { findEveryMs: 400, mayLoseAnswers: true, ...limits },
		});
		await engine.start();
		return new TestProcess({ engine, store, member, observer }, opened, standstill);
	}

	get projectId(): string {
		return this.engine.projects.list()[0]!.id;
	}

	/** The webhooks to which it has made attempts. */
	get attempted(): Set<string> {
		return new Set(this.observer.attempts.map(({ webhookId }) => webhookId));
	}

	createWebhook(endpoint: string): Promise<Webhook> {
		const settings = { customerId: null, key: null, name: "test", endpoint, description: null, eventTypes: null };
		const retries = { maxRetries: 3, maxBackoffMs: 1_000 };
		const rest = { timeoutMs: 15_000, rateLimit: null, disableAfterMs: 0, metadata: {}, headers: {} };
		return this.engine.webhooks.create(changeIn(this.projectId), { ...settings, retries, ...rest }, null);
	}

	/** Sends an event to these webhooks, or to all. Returns its id. */
	async send(webhookIds: readonly string[] | null = null): Promise<string> {
		const { scope } = changeIn(this.projectId);
		const { event } = await this.engine.intake.send(scope, eventInput({ webhookIds }));
		return event.id;
	}

	/** Resolves when no delivery waits. */
	async drained(): Promise<void> {
		await eventually("no delivery waits", async () => {
			const { Pending, Held } = await this.store.countOpen();
			return Pending + Held === 0;
		});
	}

	/** From now on, nothing of it goes on, as after SIGSTOP. What its connections have been sent is still done. */
	freeze(): void {
		this.#standstill.begin();
		this.member.clock.freeze();
	}

	/** It goes on, as after SIGCONT. */
	resume(): void {
		this.member.clock.resume();
		this.#standstill.end();
	}

	/** It stands still for ever, as after kill -9. */
	kill(): void {
		this.#isDead = true;
		this.freeze();
	}

	/** Stops it as SIGTERM does, unless it is dead. */
	async stop(): Promise<void> {
		if (!this.#isDead) await this.engine.stop();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
		// Otherwise what closes would wait for its calls for ever.
		if (this.#isDead) this.#standstill.fail();
		await this.#opened.disposeAsync();
	}
}

/** The processes of a test. */
export class TestProcesses {
	readonly #url: () => string;
	#live: TestProcess[] = [];

	/** `url` is asked for when the first one starts. */
	constructor(url: () => string) {
		this.#url = url;
	}

	/** Starts processes at once, and waits until each has its share, also of those before. */
	async start(count: number, limits: Partial<EngineLimits> = {}): Promise<TestProcess[]> {
		const starting = Array.from({ length: count }, () => TestProcess.start(this.#url(), limits));
		const started = await Promise.all(starting);
		this.#live.push(...started);
		await this.share();
		return started;
	}

	/** Resolves when each of these has a fair share of the shards. Defaults to all. */
	async share(live: readonly TestProcess[] = this.#live): Promise<void> {
		const least = () => Math.min(...live.map(({ member }) => member.tenure.shards()?.length ?? 0));
		await expect.poll(least, { interval: 20 }).toBeGreaterThanOrEqual(Math.floor(256 / live.length));
	}

	/** Stops one as SIGTERM does. The others take its shards. */
	async leave(process: TestProcess): Promise<void> {
		await process.stop();
		this.#live = this.#live.filter((each) => each !== process);
		await this.share();
		await process[Symbol.asyncDispose]();
	}

	/** Stops all. */
	async stop(): Promise<void> {
		await Promise.all(this.#live.splice(0).map((each) => each[Symbol.asyncDispose]()));
	}
}

/**
 * Two processes, of which one owns a webhook and makes one attempt at a time, and the other one does not. The first attempt has no answer
 * before `answerFirst`.
 */
export async function startOwner(processes: TestProcesses, receiver: Receiver) {
	const { promise, resolve: answerFirst } = Promise.withResolvers<object>();
	receiver.script((_request, index) => (index === 0 ? promise : {}));
	const started = await processes.start(2, { maxInFlightPerWebhook: 1 });
	const { id } = await started[0]!.createWebhook(receiver.url);
	const [owner, other] = started.toSorted((one) => (one.member.tenure.holds(id) ? -1 : 1)) as [
		TestProcess,
		TestProcess,
	];
	return { owner, other, answerFirst };
}

/** While a process stands still, its calls begin only later, and answers reach it only later. */
class Standstill {
	#over: Promise<void> | null = null;
	#end = () => {};
	#fail: (error: Error) => void = () => {};

	get over(): Promise<void> | null {
		return this.#over;
	}

	begin(): void {
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		promise.catch(() => {});
		this.#over = promise;
		this.#end = resolve;
		this.#fail = reject;
	}

	end(): void {
		this.#over = null;
		this.#end();
	}

	/** All calls fail from now on, those under way, too. */
	fail(): void {
		this.#fail(new Error("the process is dead"));
	}
}

/** The same object for a process that may stand still. */
function standing<T extends object>(real: T, standstill: Standstill): T {
	const settled = async (result: Promise<unknown>): Promise<unknown> => {
		const [outcome] = await Promise.allSettled([result]);
		await standstill.over;
		if (outcome.status === "rejected") throw outcome.reason;
		return outcome.value;
	};
	return new Proxy(real, {
		get(target, name) {
			const value: unknown = Reflect.get(target, name);
			if (typeof value !== "function") return value;
			return (...args: unknown[]): unknown => {
				const call = (): unknown => Reflect.apply(value, target, args);
				const { over } = standstill;
				const result = over === null ? call() : over.then(call);
				return result instanceof Promise ? settled(result) : result;
			};
		},
	});
}
