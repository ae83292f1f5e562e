// An engine for tests: the real store and the real sender, with a clock that the test moves and faults on demand.
import { randomBytes } from "node:crypto";

import { DEADLINE_MS } from "@fanfare/testkit/deadline";

import { atEndOfWorker } from "../../../../../scripts/testing/worker-end.ts";
import { openAjvValidator } from "../../adapters/ajv/ajv-validator.ts";
import { createAloneTenure } from "../../adapters/alone/alone-tenure.ts";
import { createAloneWire } from "../../adapters/alone/alone-wire.ts";
import { createAddressGuard, type AddressGuard } from "../../adapters/http/address-guard.ts";
import { openHttpSender } from "../../adapters/http/http-sender.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";
import { projectScope, type Scope } from "../../core/access/principal.ts";
import type { Chance } from "../../core/chance.ts";
import { createSealer } from "../../core/crypto/sealing.ts";
import type { Attempt, Delivery } from "../../core/delivery.ts";
import type { EventInput } from "../../core/event.ts";
import { createIdMaker } from "../../core/ids.ts";
import { ManualClock } from "../../core/manual-clock.ts";
import type { QuotaSettings } from "../../core/policies/quota.ts";
import type { RetentionSettings } from "../../core/policies/retention.ts";
import type { Webhook } from "../../core/webhook.ts";
import { ANY_DELIVERY } from "../../ports/contract/store/records/records.ts";
import type { Membership } from "../../ports/membership.ts";
import type { AttemptReport, Facts, Observer } from "../../ports/observer.ts";
import type { AttemptOutcome, AttemptRequest, OwnFailure, Sender } from "../../ports/sender.ts";
import type { CommitBatch } from "../../ports/store/accept.ts";
import type { DeliveryFilter, LoggedDelivery } from "../../ports/store/log.ts";
import type { Purged } from "../../ports/store/retention.ts";
import type { Store } from "../../ports/store/store.ts";
import type { Tenure } from "../../ports/tenure.ts";
import type { Wire } from "../../ports/wire.ts";
import type { Change, Engine } from "../calls.ts";
import { openEngine } from "../engine.ts";
import type { EngineLimits } from "../parts.ts";
import type { NewWebhook } from "../webhook-settings.ts";
import { openTestStore } from "./open-test-store.ts";

/** Polls until `check` returns a value other than null, undefined and false. Throws with `what` after a minute. */
export async function eventually<T>(
	what: string,
	check: () => T | null | undefined | false | Promise<T | null | undefined | false>,
): Promise<T> {
	const endAt = Date.now() + DEADLINE_MS;
	for (;;) {
		const found = await check();
		if (found !== null && found !== undefined && found !== false) return found;
		if (Date.now() > endAt) throw new Error(`this did not happen in ${DEADLINE_MS} ms: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
}

export interface TestEngineOptions {
	readonly limits?: Partial<EngineLimits>;
	readonly retention?: Partial<RetentionSettings>;
	readonly quotas?: QuotaSettings;
	/** Runs on this store, which stays open. If omitted, the engine gets a store of its own, which is closed with it. */
	readonly store?: Store;
	/** Shares the webhooks and duties with other engines on the store. If omitted, the engine has all of them. */
	readonly tenure?: Tenure;
	readonly wire?: Wire;
	/** Omitted for a process that runs alone. */
	readonly membership?: Membership;
	/** Defaults to one that allows loopback addresses and http. */
	readonly guard?: AddressGuard;
	/** The operator's admin key. */
	readonly adminKey?: string;
	/** The clock, if another engine shares it. */
	readonly clock?: ManualClock;
	/** Defaults to the system's, but without jitter: back-offs are 1 s, 2 s, 4 s, … */
	readonly chance?: Chance;
	/** Called before each attempt. What it returns is the outcome; with null, the attempt is made. */
	readonly beforeSend?: (request: AttemptRequest) => AttemptOutcome | null;
	/** Called before each commit, which waits for it. If it throws, the commit fails with that error. */
	readonly beforeCommit?: (batch: CommitBatch) => void | Promise<void>;
}

const masterKey = randomBytes(32);
/** All engines of a test process share it, since its thread takes half a second to start. */
const schemas = openAjvValidator({ clock: systemClock });
atEndOfWorker(() => schemas.close());

/** Keeps the reports of the engine, for tests to read. */
export class RecordingObserver implements Observer {
	readonly attempts: AttemptReport[] = [];
	readonly returned: OwnFailure[] = [];
	readonly problems: { message: string; error: unknown; facts?: Facts }[] = [];
	readonly refusals: string[] = [];
	readonly purges: Purged[] = [];
	readonly notes: string[] = [];
	/** The facts of each note. */
	readonly facts: Facts[] = [];
	eventAccepted(): void {}
	eventRefused(code: string): void {
		this.refusals.push(code);
	}
	attemptFinished(report: AttemptReport): void {
		this.attempts.push(report);
	}
	attemptReturned(reason: OwnFailure): void {
		this.returned.push(reason);
	}
	committed(): void {}
	purged(purged: Purged): void {
		this.purges.push(purged);
	}
	spaceReleased(): void {}
	problem(message: string, error: unknown, facts?: Facts): void {
		this.problems.push({ message, error, ...(facts !== undefined && { facts }) });
	}
	note(message: string, facts: Facts): void {
		this.notes.push(message);
		this.facts.push(facts);
	}
}

/** Opens and starts an engine with one project. */
export async function openTestEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
	const opened = new AsyncDisposableStack();
	const clock = options.clock ?? new ManualClock();
	const chance = options.chance ?? { ...systemChance, fraction: () => 1 };
	const observer = new RecordingObserver();
	const guard =
		options.guard ?? createAddressGuard({ allowNetworks: ["127.0.0.0/8"], allowHttp: true, allowForCustomers: true });
	const store = options.store ?? (await openTestStore(clock.now()));
	if (options.store === undefined) opened.defer(() => store.close());
	const realSender = openHttpSender({ guard, clock: systemClock });
	opened.defer(() => realSender.close());
	const sender: Sender = {
		...realSender,
		send: (request, ended) => {
			const outcome = options.beforeSend?.(request) ?? null;
			if (outcome === null) realSender.send(request, ended);
			else ended(outcome);
		},
	};
	const engineStore = withOptions(store, options);
	const { engine } = await openEngine({
		parts: {
			store: engineStore,
			sender,
			guard,
			schemas,
			clock,
			observer,
			chance,
			sealer: createSealer(masterKey, chance),
			ids: createIdMaker(chance),
			tenure: options.tenure ?? createAloneTenure(),
			wire: options.wire ?? createAloneWire(),
			...(options.membership !== undefined && { membership: options.membership }),
		},
		userAgent: "Fanfare/test",
		// The clock stands still while a commit waits for more work, or an outcome for a send.
		limits: { gatherMs: 0, rideMs: 0, ...options.limits },
		...(options.retention !== undefined && { retention: options.retention }),
		...(options.quotas !== undefined && { quotas: options.quotas }),
		...(options.adminKey !== undefined && { adminKey: options.adminKey }),
	});
	await engine.start();
	return new TestEngine(engine, store, engineStore, clock, observer, opened);
}

/** The real store, with the faults that the test asks for. */
function withOptions(store: Store, { beforeCommit }: TestEngineOptions): Store {
	return {
		...store,
		async commit(batch) {
			await beforeCommit?.(batch);
			return store.commit(batch);
		},
	};
}

export class TestEngine implements AsyncDisposable {
	readonly engine: Engine;
	readonly store: Store;
	/** The store as the engine calls it. A test can replace one of its calls by one that fails or waits. */
	readonly engineStore: Store;
	readonly clock: ManualClock;
	readonly observer: RecordingObserver;
	readonly projectId: string;
	/** What was opened for the engine, and is closed after it has stopped. */
	readonly #opened: AsyncDisposableStack;

	/** `projectId` is the project that the helpers of this object work in. Defaults to the first one. */
	constructor(
		engine: Engine,
		store: Store,
		engineStore: Store,
		clock: ManualClock,
		observer: RecordingObserver,
		opened: AsyncDisposableStack,
		projectId = engine.projects.list()[0]!.id,
	) {
		this.engine = engine;
		this.store = store;
		this.engineStore = engineStore;
		this.clock = clock;
		this.observer = observer;
		this.#opened = opened;
		this.projectId = projectId;
	}

	/** The whole project. */
	get scope(): Scope {
		return projectScope(this.projectId);
	}

	/** For changes in the project that leave no audit entry. */
	get change(): Change {
		return changeIn(this.projectId);
	}

	/** The same engine, with helpers that work in another project. */
	in(projectId: string): TestEngine {
		const { engine, store, engineStore, clock, observer } = this;
		return new TestEngine(engine, store, engineStore, clock, observer, this.#opened, projectId);
	}

	createWebhook(endpoint: string, settings: Partial<NewWebhook> = {}, projectId = this.projectId): Promise<Webhook> {
		const defaults: NewWebhook = {
			customerId: null,
			key: null,
			name: "test",
			endpoint,
			retries: { maxRetries: 3, maxBackoffMs: 15_000 },
			description: null,
			eventTypes: null,
			// Attempts are timed by the real clock. If those that hang timed out before a test ends, others would be made.
			timeoutMs: DEADLINE_MS,
			rateLimit: null,
			disableAfterMs: 0,
			metadata: {},
			headers: {},
		};
		return this.engine.webhooks.create(changeIn(projectId), { ...defaults, ...settings }, null);
	}

	/** Sends one event and returns its id. */
	async send(input: Partial<EventInput> = {}): Promise<string> {
		const { event } = await this.engine.intake.send(this.scope, eventInput(input));
		return event.id;
	}

	/** The deliveries that match the filter, newest first. */
	async deliveries(filter: Partial<DeliveryFilter> = {}) {
		const page = await this.store.deliveries(
			this.scope,
			{ ...ANY_DELIVERY, ...filter },
			{ limit: 1_000, cursor: null },
		);
		return page.rows;
	}

	/** Waits until the only delivery of an event has the values in `wanted`, and returns it. */
	delivery(eventId: string, wanted: Partial<Delivery>): Promise<LoggedDelivery> {
		return eventually(`the delivery of ${eventId} is ${JSON.stringify(wanted)}`, async () => {
			const [delivery] = await this.deliveries({ eventId });
			const fits =
				delivery !== undefined &&
				Object.entries(wanted).every(([name, value]) => delivery[name as keyof Delivery] === value);
			return fits ? delivery : null;
		});
	}

	/** The newest attempts of a delivery, 1,000 at most, in the order of their numbers. */
	async attempts(deliveryId: string): Promise<readonly Attempt[]> {
		const { rows } = await this.store.attempts(this.scope, deliveryId, { limit: 1_000, cursor: null });
		return rows.toReversed();
	}

	/** Stops and closes everything that was opened for the engine: its store, too, unless the test has passed one. */
	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
		await this.#opened.disposeAsync();
	}

	/**
	 * Stops without grace: attempts in flight are cut short. The store stays open, so that another engine can continue
	 * with it.
	 */
	async stop(): Promise<void> {
		let stopped = false;
		const stopping = this.engine.stop(0).finally(() => (stopped = true));
		await eventually("the engine has stopped", () => {
			this.clock.advance(1_000);
			return stopped;
		});
		await stopping;
	}
}

/** For changes in a project that leave no audit entry. */
export function changeIn(projectId: string): Change {
	return { scope: projectScope(projectId), audit: null };
}

/** A send of a small event, with these changes. */
export function eventInput(input: Partial<EventInput> = {}): EventInput {
	return {
		type: "test.event",
		dataJson: "{}",
		timestamp: null,
		idempotencyKey: null,
		webhookIds: null,
		traceparent: null,
		customers: null,
		tags: [],
		...input,
	};
}

/** A member of a cluster that may know of all changes, or not, as the test says. */
export function membershipOf(member: { isMember: boolean }): Membership {
	return {
		role: "all",
		isMember: () => member.isMember,
		deliverers: () => 1,
		members: () => Promise.resolve([]),
		report() {},
	};
}
