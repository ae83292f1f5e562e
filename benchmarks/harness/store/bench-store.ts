// The store of a checkout, without a server around it. This and `first-store.ts` are the only files of the benchmarks that know the store's
// port. It loads the code of any checkout, so when the port changes, keep what an older commit needs for as long as it is compared with.
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

import type * as SqliteStore from "../../../packages/server/src/adapters/sqlite/sqlite-store.ts";
import type * as Principal from "../../../packages/server/src/core/access/principal.ts";
import type * as DeliveryModule from "../../../packages/server/src/core/delivery.ts";
import type { AttemptVerdict, DeliveryStatus } from "../../../packages/server/src/core/delivery.ts";
import type * as RecordsModule from "../../../packages/server/src/ports/contract/store/records/records.ts";
import type { DeliveryUpdate, NewEvent } from "../../../packages/server/src/ports/store/accept.ts";
import type { MadeProject } from "../server/webhook-plan.ts";
import { asToday, recordsOf, type BenchedStore, type FirstSamples, type FirstStore } from "./first-store.ts";
import { HOUR_MS, type Fate } from "./log-rows.ts";

export type { DeliveryUpdate, NewEvent };

/** What the benchmarks use of a checkout. The records are those of the test data of the port's contract: valid ones. */
interface Code {
	readonly newDelivery: typeof DeliveryModule.newDelivery;
	readonly newRecords: () => Records;
	/** Makes a store with one project and some webhooks. */
	readonly makeStore: (path: string, webhooks: number) => Promise<MadeProject>;
	readonly openStore: (path: string, project: MadeProject) => Promise<BenchedStore>;
	readonly scopeOf: typeof Principal.projectScope;
}

type Records = Pick<RecordsModule.Records, "now" | "event" | "outcome">;

/** An event to accept, with one delivery to each of the webhooks. */
export interface EventOptions {
	readonly type: string;
	readonly body: Uint8Array;
	readonly webhookIds: readonly string[];
	/** Whom it is for. Null if omitted. */
	readonly customers?: string | null;
	/** None if omitted. */
	readonly tags?: readonly string[];
	/** Whether the ready queue has room for the deliveries: they are then leased at once, and never claimed. */
	readonly hasRoom: boolean;
}

// As in the engine: `leaseMs`, `maxReady` and `maxReadyBytes` of engine/parts.ts, the limits of engine/delivering/refiller.ts, and engine/background/stats-roller.ts.
const LEASE_MS = 120_000;
const MAX_READY = 20_000;
const MAX_READY_BYTES = 64 * 1_024 * 1_024;
const CLAIM_LIMITS = { least: 50, most: 500 };
const ROLL_UP = { limit: 2_000, keptMs: { minutes: 48 * HOUR_MS, hours: 90 * 24 * HOUR_MS } };

/** Headers of the size that attempts have. */
const REQUEST_HEADERS = {
	"content-type": "application/json",
	"user-agent": "Fanfare/0.2.0 (webhooks)",
	"webhook-timestamp": "1800000000",
	"webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
};
const RESPONSE = { headers: { "content-length": "0" }, body: "", bodyTruncated: false };

/**
 * @example
 * const store = await BenchStore.create(codeDir, path, 100);
 * const event = store.newEvent({ type, body, webhookIds: store.project.webhookIds, hasRoom: true });
 * await store.commit([event], []);
 * await store.commit([], store.deliveriesOf(event).map((id) => store.success(id)));
 */
export class BenchStore {
	readonly #code: Code;
	readonly #store: BenchedStore;
	readonly #records: Records;
	readonly #project: MadeProject;
	readonly #projectVersion: number;

	private constructor(code: Code, store: BenchedStore, project: MadeProject, version: number) {
		this.#code = code;
		this.#store = store;
		this.#records = code.newRecords();
		this.#project = project;
		this.#projectVersion = version;
	}

	/** A new store in a file, with one project and some webhooks. The file is synced as in production. */
	static async create(codeDir: string, path: string, webhooks: number): Promise<BenchStore> {
		const code = await load(codeDir);
		mkdirSync(dirname(path), { recursive: true });
		return BenchStore.open(codeDir, path, await code.makeStore(path, webhooks));
	}

	/** A store that exists. */
	static async open(codeDir: string, path: string, project: MadeProject): Promise<BenchStore> {
		const code = await load(codeDir);
		const store = await code.openStore(path, project);
		const { projects } = await store.directoryVersions();
		const version = projects.find(({ projectId }) => projectId === project.projectId)?.version;
		if (version === undefined) throw new Error(`${path} has no project ${project.projectId}`);
		return new BenchStore(code, store, project, version);
	}

	get project(): MadeProject {
		return this.#project;
	}

	/** The time of new events, outcomes and claims. */
	get now(): number {
		return this.#records.now;
	}

	set now(now: number) {
		this.#records.now = now;
	}

	newEvent({ hasRoom, ...event }: EventOptions): NewEvent {
		const state = this.#code.newDelivery(this.now, hasRoom ? this.now + LEASE_MS : null);
		const projectVersion = this.#projectVersion;
		return this.#records.event(this.#project.projectId, { ...event, state, projectVersion });
	}

	/** The webhook of each of an event's deliveries. */
	webhooksOf({ deliveries }: NewEvent): string[] {
		return deliveries.map(({ webhookId }) => webhookId);
	}

	deliveriesOf({ deliveries }: NewEvent): string[] {
		return deliveries.map(({ id }) => id);
	}

	/** The outcome of a delivery's first attempt: a success. */
	success(deliveryId: string, responseCode = 200): DeliveryUpdate {
		return this.#attempt(deliveryId, { kind: "success", responseCode, reason: null, retryAfterMs: null });
	}

	/** The updates, in order, after which a new delivery has this fate. */
	outcomesOf(deliveryId: string, fate: Fate): DeliveryUpdate[] {
		switch (fate.kind) {
			case "due":
				return [];
			case "later":
				return [this.#failure(deliveryId, 503, fate.at - this.now)];
			case "succeeded":
				return [this.success(deliveryId, fate.responseCode)];
			case "failed":
				return [this.#failure(deliveryId, fate.responseCode, null)];
			case "cancelled": {
				const cancel = this.#byHand(deliveryId, { type: "cancel", reason: "cancelled" });
				return [this.#failure(deliveryId, fate.responseCode, HOUR_MS), cancel];
			}
			case "held":
				return [this.#byHand(deliveryId, { type: "hold", reason: "the webhook is paused" })];
		}
	}

	/** A failed first attempt. Without a time to wait, there is no other attempt. */
	#failure(deliveryId: string, responseCode: number, retryAfterMs: number | null): DeliveryUpdate {
		const maxRetries = retryAfterMs === null ? 0 : 1;
		return this.#attempt(deliveryId, { kind: "failure", responseCode, reason: "it failed", retryAfterMs }, maxRetries);
	}

	#attempt(deliveryId: string, verdict: AttemptVerdict, maxRetries = 1): DeliveryUpdate {
		const outcome = this.#records.outcome(deliveryId, 1, verdict);
		const { change, attempt } = outcome;
		if (attempt === null || change.type !== "attempted") throw new Error("an outcome of the records has no attempt");
		const requestHeaders = { ...REQUEST_HEADERS, "webhook-id": deliveryId };
		const error = verdict.responseCode === 0 ? { error: "connection", reason: "it failed" } : null;
		const response = error === null ? RESPONSE : null;
		return {
			...outcome,
			change: { ...change, policy: { ...change.policy, maxRetries } },
			attempt: { ...attempt, requestHeaders, response, ...error },
		};
	}

	#byHand(deliveryId: string, change: DeliveryUpdate["change"]): DeliveryUpdate {
		return { deliveryId, change, attempt: null, at: this.now };
	}

	/** Commits events and outcomes in one transaction. Throws if an event or an outcome was not written. */
	async commit(events: readonly NewEvent[], updates: readonly DeliveryUpdate[]): Promise<void> {
		const result = await this.#store.commit({ events, updates });
		const isWritten = result.events.every(({ kind }) => kind === "accepted") && !result.updates.includes(null);
		if (!isWritten) throw new Error("the store did not write everything that was committed");
	}

	/** How many deliveries the engine claims at once while this many webhooks have due deliveries. */
	claimLimit(webhooks: number): number {
		const fair = Math.floor(MAX_READY / (2 * webhooks + 1));
		return Math.min(CLAIM_LIMITS.most, Math.max(CLAIM_LIMITS.least, fair));
	}

	/** Claims due deliveries of a webhook, and returns their ids. */
	async claim(webhookId: string, limit: number): Promise<string[]> {
		const request = { webhookId, now: this.now, limit, maxBytes: MAX_READY_BYTES, leaseUntil: this.now + LEASE_MS };
		const { deliveries } = await this.#store.claimDue(request);
		return deliveries.map(({ id }) => id);
	}

	/** Adds all stats so far to the tables of the stats, and deletes those that are old at `now`, as the engine does once a minute. */
	async rollUp(now: number): Promise<void> {
		const step = {
			...ROLL_UP,
			keepMinutesFrom: now - ROLL_UP.keptMs.minutes,
			keepHoursFrom: now - ROLL_UP.keptMs.hours,
		};
		while ((await this.#store.rollUpStats(step)) > 0);
	}

	/** The number of deliveries in each status. */
	countByStatus(): Promise<Readonly<Record<DeliveryStatus, number>>> {
		return this.#store.statusCounts(this.#code.scopeOf(this.#project.projectId), null);
	}

	close(): Promise<void> {
		return this.#store.close();
	}
}

type Import = <T>(path: string) => Promise<T>;

async function load(codeDir: string): Promise<Code> {
	const source = join(codeDir, "packages", "server", "src");
	const module: Import = async <T>(path: string) => (await import(pathToFileURL(join(source, path)).href)) as T;
	try {
		return existsSync(join(source, FIRST_SAMPLES)) ? await loadFirst(module) : await loadTodays(module);
	} catch (cause) {
		const why = cause instanceof Error ? cause.message : String(cause);
		throw new Error(`this benchmark can't use the store of that commit, name a later one: ${why}`, { cause });
	}
}

async function loadTodays(module: Import): Promise<Code> {
	const { openSqliteStore } = await module<typeof SqliteStore>("adapters/sqlite/sqlite-store.ts");
	const { projectScope } = await module<typeof Principal>("core/access/principal.ts");
	const { newDelivery } = await module<typeof DeliveryModule>("core/delivery.ts");
	const { Records, fillStore } = await module<typeof RecordsModule>("ports/contract/store/records/records.ts");
	return {
		newDelivery,
		newRecords: () => new Records(),
		makeStore: async (path, webhooks) => {
			const store = await openSqliteStore({ path });
			const { projectId, webhookIds } = await fillStore(store, webhooks);
			await store.close();
			return { projectId, webhookIds };
		},
		openStore: (path) => openSqliteStore({ path }),
		scopeOf: projectScope,
	};
}

/** Where 0.1 had the test data of the port's contract. */
const FIRST_SAMPLES = "ports/store-samples.contract.ts";

async function loadFirst(module: Import): Promise<Code> {
	const { openSqliteStore } = await module<FirstStoreModule>("adapters/sqlite/sqlite-store.ts");
	const { newDelivery } = await module<typeof DeliveryModule>("core/delivery.ts");
	const samples = await module<FirstSamples>(FIRST_SAMPLES);
	return {
		newDelivery,
		newRecords: () => recordsOf(samples),
		makeStore: async (path, webhooks) => {
			const store = await openSqliteStore({ path });
			const { projectId, webhookIds } = await samples.fillStore(store, webhooks);
			await store.close();
			return { projectId, webhookIds };
		},
		openStore: async (path, { projectId }) => asToday(await openSqliteStore({ path }), projectId),
		scopeOf: (projectId) => ({ kind: "project", projectId }),
	};
}

interface FirstStoreModule {
	readonly openSqliteStore: (options: { readonly path: string }) => Promise<FirstStore>;
}
