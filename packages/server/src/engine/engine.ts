// The engine: its parts in the order of their start and stop.
import { DEFAULT_RETENTION, type RetentionSettings } from "../core/policies/retention.ts";
import type { Workspace } from "../core/workspace.ts";
import type { EngineGauges } from "../ports/observer.ts";
import type { Store } from "../ports/store/store.ts";
import { Intake } from "./accepting/intake.ts";
import { Housekeeper } from "./background/housekeeper.ts";
import { Pace } from "./background/pace.ts";
import { Replayer } from "./background/replayer.ts";
import { Retention } from "./background/retention.ts";
import { StatsRoller } from "./background/stats-roller.ts";
import type { Engine, Readiness } from "./calls.ts";
import { Committer } from "./committing/committer.ts";
import { Dispatcher } from "./delivering/dispatcher.ts";
import { ReadyQueue } from "./delivering/ready-queue.ts";
import { Refiller } from "./delivering/refiller.ts";
import { Sweeper } from "./delivering/sweeper.ts";
import { WebhookRegistry } from "./directory/webhook-registry.ts";
import { LiveHub } from "./live/live-hub.ts";
import { LiveReporter } from "./live/live-reporter.ts";
import { AuditCalls } from "./managing/audit-calls.ts";
import { bootstrap, type FirstStart } from "./managing/bootstrap.ts";
import { DeliveryCalls } from "./managing/delivery-calls.ts";
import { EventCalls } from "./managing/event-calls.ts";
import { EventTypeCalls } from "./managing/event-type-calls.ts";
import { KeyCalls } from "./managing/key-calls.ts";
import { ProjectCalls } from "./managing/project-calls.ts";
import { ReplayCalls } from "./managing/replay-calls.ts";
import { StatsCalls } from "./managing/stats-calls.ts";
import { WebhookCalls } from "./managing/webhook-calls.ts";
import { WebhookTester } from "./managing/webhook-tester.ts";
import { DEFAULT_LIMITS, type EngineLimits, type EngineParts } from "./parts.ts";
import { HealthWatch } from "./reacting/health-watch.ts";
import { OwnEvents } from "./reacting/own-events.ts";

export interface EngineSetup {
	readonly parts: EngineParts;
	/** What Fanfare calls itself in its requests to receivers. */
	readonly userAgent: string;
	readonly limits?: Partial<EngineLimits>;
	/** For projects that set nothing else. */
	readonly retention?: RetentionSettings;
	/** Administers the workspace from now on, if given. */
	readonly adminKey?: string | null;
}

const SHUTDOWN_GRACE_MS = 30_000;
/** For the outcomes of what was cut short to be written, if the store can. */
const WRITE_GRACE_MS = 2_000;

/** Opens an engine on a store: makes what a first start needs, and reads what a later one does. Then call `start`. */
export async function openEngine(setup: EngineSetup): Promise<{ engine: Engine; firstStart: FirstStart | null }> {
	const { workspace, firstStart } = await bootstrap(setup.parts, setup.adminKey ?? null);
	const { store } = setup.parts;
	const registry = new WebhookRegistry(setup.parts.sealer);
	for (const record of await store.webhookRecords()) registry.put(record);
	const [projects, keys] = [await store.projects(), await store.keys()];
	return { engine: new AssembledEngine(setup, workspace, registry, { projects, keys }), firstStart };
}

class AssembledEngine implements Engine {
	readonly workspace: Workspace;
	readonly projects: ProjectCalls;
	readonly webhooks: WebhookCalls;
	readonly keys: KeyCalls;
	readonly intake: Intake;
	readonly eventTypes: EventTypeCalls;
	readonly live: LiveHub;
	readonly deliveries: DeliveryCalls;
	readonly events: EventCalls;
	readonly audit: AuditCalls;
	readonly replays: ReplayCalls;
	readonly stats: StatsCalls;
	readonly #parts: EngineParts;
	readonly #limits: EngineLimits;
	readonly #registry: WebhookRegistry;
	readonly #queue: ReadyQueue;
	readonly #committer: Committer;
	readonly #dispatcher: Dispatcher;
	readonly #refiller: Refiller;
	readonly #sweeper: Sweeper;
	readonly #housekeeper: Housekeeper;
	readonly #retention: Retention;
	readonly #replayer: Replayer;
	readonly #ownEvents: OwnEvents;
	readonly #health: HealthWatch;
	readonly #statsRoller: StatsRoller;
	#startedAt = 0;
	#starting: Promise<void> | null = null;
	#stopping: Promise<void> | null = null;

	constructor(
		setup: EngineSetup,
		workspace: Workspace,
		registry: WebhookRegistry,
		known: { projects: Awaited<ReturnType<Store["projects"]>>; keys: Awaited<ReturnType<Store["keys"]>> },
	) {
		const parts = setup.parts;
		const limits = { ...DEFAULT_LIMITS, ...setup.limits };
		this.workspace = workspace;
		this.#parts = parts;
		this.#limits = limits;
		this.#registry = registry;
		this.#queue = new ReadyQueue(limits, parts.clock, (id) => registry.find(id)?.record.rateLimit?.perSecond ?? null);
		const pace = new Pace();
		this.#committer = new Committer(parts, {
			healthChanged: (changes) => this.#health.changed(changes),
			sendsEnded: (waitedMs) => pace.sendsEnded(waitedMs),
		});
		this.live = new LiveHub(parts.clock);
		const live = new LiveReporter(this.live);
		this.#housekeeper = new Housekeeper(parts);
		this.#statsRoller = new StatsRoller(parts);
		this.#sweeper = new Sweeper(parts, { registry, live, due: (id, at) => this.#dispatcher.noteDue(id, at) });
		this.#refiller = new Refiller(parts, limits, {
			queue: this.#queue,
			filled: () => this.#dispatcher.pump(),
			isDeliverable: (id) => this.#isDeliverable(id),
			sweep: (id) => this.#sweeper.sweep(id),
		});
		this.#dispatcher = new Dispatcher(parts, setup.userAgent, {
			committer: this.#committer,
			queue: this.#queue,
			registry,
			live,
			gone: (id) => this.#disable(id),
			refill: (lane) => this.#refiller.refill(lane),
			sweep: (id) => this.#sweeper.sweep(id),
		});
		this.projects = new ProjectCalls(parts, workspace, known.projects, (id) => {
			this.webhooks.projectDeleted(id);
			this.keys.forgetProject(id);
			this.live.projectDeleted(id);
		});
		this.keys = new KeyCalls(parts, this.projects, known.keys, (id) => this.live.keyDeleted(id));
		this.eventTypes = new EventTypeCalls(parts, limits, this.projects);
		this.audit = new AuditCalls(parts);
		this.webhooks = new WebhookCalls(parts, {
			audit: this.audit,
			registry,
			projects: this.projects,
			sweeper: this.#sweeper,
			tester: new WebhookTester(parts, setup.userAgent),
			eventTypes: this.eventTypes,
			live,
			drop: (id) => this.#queue.drop(id),
			disabled: ({ projectId, id: webhookId, name, disabledReason: reason }) =>
				this.#ownEvents.emit(projectId, { type: "fanfare.webhook.disabled", data: { webhookId, name, reason } }),
			rateChanged: (id) => {
				this.#queue.rateChanged(id);
				this.#dispatcher.pump();
			},
		});
		this.deliveries = new DeliveryCalls(parts, {
			committer: this.#committer,
			queue: this.#queue,
			registry,
			live,
			projects: this.projects,
			due: (id, at) => this.#dispatcher.noteDue(id, at),
		});
		this.events = new EventCalls(parts, { projects: this.projects, queue: this.#queue, live });
		this.#retention = new Retention(parts, setup.retention ?? DEFAULT_RETENTION, {
			projects: this.projects,
			busy: () => this.#committer.waitingSends + this.#queue.ready + this.#queue.inFlight > 0,
		});
		this.intake = new Intake(parts, limits, {
			committer: this.#committer,
			dispatcher: this.#dispatcher,
			queue: this.#queue,
			registry,
			projects: this.projects,
			eventTypes: this.eventTypes,
			live,
		});
		this.#ownEvents = new OwnEvents(parts, {
			registry,
			send: (projectId, type, dataJson) => this.intake.sendOwn(projectId, type, dataJson),
		});
		this.#health = new HealthWatch(parts, { registry, webhooks: this.webhooks, events: this.#ownEvents });
		this.stats = new StatsCalls(parts, { projects: this.projects, webhooks: this.webhooks });
		this.#replayer = new Replayer(parts, {
			registry,
			events: this.#ownEvents,
			pace,
			due: (id, at) => this.#dispatcher.noteDue(id, at),
			inFlightLimit: (id) => this.#queue.inFlightLimit(id),
		});
		this.replays = new ReplayCalls(parts, {
			projects: this.projects,
			webhooks: this.webhooks,
			replayer: this.#replayer,
		});
	}

	start(): Promise<void> {
		this.#starting ??= this.#start();
		return this.#starting;
	}

	stop(graceMs = SHUTDOWN_GRACE_MS): Promise<void> {
		this.#stopping ??= this.#stop(graceMs);
		return this.#stopping;
	}

	async readiness(): Promise<Readiness> {
		const store = await this.#parts.store.probe(this.#parts.clock.now()).then(
			() => ({ ok: true, message: "the store can be written" }),
			(error: unknown) => ({ ok: false, message: `the store can't be written: ${messageOf(error)}` }),
		);
		const dispatcher = this.#dispatcherCheck();
		return { ready: store.ok && dispatcher.ok, checks: { store, dispatcher } };
	}

	gauges(): EngineGauges {
		return {
			readyDeliveries: this.#queue.ready,
			inFlightAttempts: this.#queue.inFlight,
			waitingSends: this.#committer.waitingSends,
			oldestDueMs: this.#oldestDueMs(),
		};
	}

	async #start(): Promise<void> {
		// Whoever held a lease is gone: the data directory's lock is ours alone.
		const recovered = await this.#parts.store.releaseAllLeases();
		this.#startedAt = this.#parts.clock.now();
		this.#parts.observer.note("started", { recoveredDeliveries: recovered });
		await this.#sweeper.start();
		this.#dispatcher.start();
		await this.#refiller.start();
		this.#housekeeper.start();
		this.#statsRoller.start();
		this.#retention.start();
		await this.#replayer.start();
	}

	/** New sends end first, outcomes are written last. */
	async #stop(graceMs: number): Promise<void> {
		const { clock, store } = this.#parts;
		this.intake.close();
		this.live.close();
		const written = this.#dispatcher.drain().then(() => this.#committer.idle());
		await Promise.all([
			this.#refiller.stop(),
			this.#sweeper.stop(),
			this.#housekeeper.stop(),
			this.#statsRoller.stop(),
			this.#retention.stop(),
			this.#replayer.stop(),
			this.replays.close(),
		]);
		let cancel = () => {};
		const forced = new Promise<void>((resolve) => {
			cancel = clock.after(graceMs, () => {
				void this.#closeSender();
				// Attempts cut short here are attempted again after the next start, once they are given back or their outcome is lost.
				cancel = clock.after(WRITE_GRACE_MS, resolve);
			});
		});
		await Promise.race([written, forced]);
		cancel();
		this.#committer.close();
		await this.#closeSender();
		await this.#parts.schemas.close();
		await store.close();
	}

	async #closeSender(): Promise<void> {
		try {
			await this.#parts.sender.close();
		} catch (error) {
			this.#parts.observer.problem("the sender could not be closed", error);
		}
	}

	#isDeliverable(webhookId: string): boolean {
		const found = this.#registry.find(webhookId);
		return found !== undefined && found.record.deleteDate === null && found.record.status === "Enabled";
	}

	#disable(webhookId: string): void {
		this.webhooks
			.disable(webhookId, "the receiver answered 410 Gone")
			.catch((error: unknown) => this.#parts.observer.problem("a webhook could not be disabled", error));
	}

	/** It moves if it has looked into the store lately, and if nothing due waits while there is room for it. */
	#dispatcherCheck(): { ok: boolean; message: string } {
		if (this.#startedAt === 0) return { ok: false, message: "the dispatcher is not started" };
		if (this.#stopping !== null) return { ok: false, message: "the server is shutting down" };
		const now = this.#parts.clock.now();
		const silentMs = now - this.#refiller.polledAt;
		if (silentMs > 3 * this.#limits.pollEveryMs) {
			return { ok: false, message: `the store has not been asked for due deliveries for ${silentMs} ms` };
		}
		const stalledMs = now - Math.max(this.#dispatcher.lastActivityAt, this.#startedAt);
		const stalled = this.#queue.ready > 0 && this.#queue.inFlight === 0 && stalledMs > this.#limits.pollEveryMs;
		if (stalled) return { ok: false, message: `no attempt was started for ${stalledMs} ms while deliveries are ready` };
		return { ok: true, message: "the dispatcher moves" };
	}

	#oldestDueMs(): number {
		const now = this.#parts.clock.now();
		let oldest = now;
		for (const lane of this.#queue.lanes()) oldest = Math.min(oldest, lane.storeDueAt);
		return now - oldest;
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
