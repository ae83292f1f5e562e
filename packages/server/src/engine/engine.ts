// The engine: its parts are made here in the order in which they depend on each other, and started and stopped in
// order.
import { DEFAULT_RETENTION, type RetentionSettings } from "../core/policies/retention.ts";
import type { Workspace } from "../core/workspace.ts";
import type { EngineGauges } from "../ports/observer.ts";
import { Intake } from "./accepting/intake.ts";
import { Housekeeper } from "./background/housekeeper.ts";
import { Pace } from "./background/pace.ts";
import { Replayer } from "./background/replayer.ts";
import { Retention } from "./background/retention.ts";
import { StatsRoller } from "./background/stats-roller.ts";
import type { Engine, Readiness } from "./calls.ts";
import { Committer } from "./committing/committer.ts";
import { DeliveryLine } from "./delivering/delivery-line.ts";
import { Directory } from "./directory/directory.ts";
import { LiveHub } from "./live/live-hub.ts";
import { LiveReporter } from "./live/live-reporter.ts";
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
import { DEFAULT_LIMITS, type EngineLimits, type EngineParts, type OutsideParts } from "./parts.ts";
import { HealthWatch } from "./reacting/health-watch.ts";
import { OwnEvents } from "./reacting/own-events.ts";
import { SteadyClock } from "./steady-clock.ts";

export interface EngineSetup {
	readonly parts: OutsideParts;
	/** The `User-Agent` header of requests to receivers. */
	readonly userAgent: string;
	/** Limits that differ from `DEFAULT_LIMITS`. */
	readonly limits?: Partial<EngineLimits>;
	/** For projects without settings of their own. Defaults to `DEFAULT_RETENTION`. */
	readonly retention?: RetentionSettings;
	/** A key, as text, that administers the workspace from now on. Optional. */
	readonly adminKey?: string | null;
}

const SHUTDOWN_GRACE_MS = 30_000;
/** After the grace period of a stop: the time for committing the outcomes of the attempts that were cut short. */
const WRITE_GRACE_MS = 2_000;

/**
 * Opens an engine on a store. The first start on a store makes a workspace, a project and an admin key; later ones read
 * what is there. Call `start` on the result to begin delivering.
 *
 * Throws `MasterKeyError` if the store was sealed with another master key, and `TypeError` if `adminKey` is malformed.
 */
export async function openEngine(setup: EngineSetup): Promise<{ engine: Engine; firstStart: FirstStart | null }> {
	const parts = { ...setup.parts, clock: new SteadyClock(setup.parts.clock), wall: setup.parts.clock };
	const { workspace, firstStart } = await bootstrap(parts, setup.adminKey ?? null);
	const directory = new Directory(parts, workspace);
	await directory.load();
	return { engine: new AssembledEngine(setup, parts, directory), firstStart };
}

class AssembledEngine implements Engine {
	readonly #parts: EngineParts;
	readonly #committer: Committer;
	readonly #line: DeliveryLine;
	// The public calls
	readonly workspace: Workspace;
	readonly live: LiveHub;
	readonly projects: ProjectCalls;
	readonly keys: KeyCalls;
	readonly eventTypes: EventTypeCalls;
	readonly webhooks: WebhookCalls;
	readonly deliveries: DeliveryCalls;
	readonly events: EventCalls;
	readonly intake: Intake;
	readonly stats: StatsCalls;
	readonly replays: ReplayCalls;
	// Reactions, and work in the background
	readonly #healthWatch: HealthWatch;
	readonly #replayer: Replayer;
	readonly #housekeeper: Housekeeper;
	readonly #statsRoller: StatsRoller;
	readonly #retention: Retention;
	/** Deliveries that earlier owners of this process's shards had leased. */
	#recovered = 0;
	#starting: Promise<void> | null = null;
	#stopping: Promise<void> | null = null;

	/**
	 * Each part is made after the parts that it is given. The committer, the delivery line and the directory also tell
	 * parts that are made after them, through the functions here; they do so only when the engine is in use.
	 */
	constructor(setup: EngineSetup, parts: EngineParts, directory: Directory) {
		const { userAgent } = setup;
		const limits = { ...DEFAULT_LIMITS, ...setup.limits };
		this.#parts = parts;
		this.workspace = directory.workspace;

		this.live = new LiveHub(parts);
		const liveReporter = new LiveReporter(this.live);
		const pace = new Pace();
		this.#committer = new Committer(parts, limits, {
			healthChanged: (changes) => this.#healthWatch.changed(changes),
			pace,
		});
		this.#line = new DeliveryLine(parts, limits, {
			committer: this.#committer,
			directory,
			live: liveReporter,
			userAgent,
			gone: (id) => this.#healthWatch.gone(id),
		});
		directory.listen({
			webhookChanged: (id) => this.#line.look(id),
			keyDeleted: (id) => this.live.keyDeleted(id),
			projectDeleted: (id) => this.live.projectDeleted(id),
		});

		this.projects = new ProjectCalls(parts, directory);
		this.keys = new KeyCalls(parts, directory);
		this.eventTypes = new EventTypeCalls(parts, limits, directory);
		this.intake = new Intake(parts, limits, {
			committer: this.#committer,
			line: this.#line,
			directory,
			eventTypes: this.eventTypes,
			live: liveReporter,
		});
		const ownEvents = new OwnEvents(parts, { directory, intake: this.intake });
		this.webhooks = new WebhookCalls(parts, {
			directory,
			tester: new WebhookTester(parts, userAgent),
			eventTypes: this.eventTypes,
			live: liveReporter,
			ownEvents,
		});
		this.#healthWatch = new HealthWatch(parts, { directory, webhooks: this.webhooks, events: ownEvents });
		this.deliveries = new DeliveryCalls(parts, {
			committer: this.#committer,
			line: this.#line,
			directory,
			live: liveReporter,
		});
		this.events = new EventCalls(parts, { directory, line: this.#line, live: liveReporter });
		this.stats = new StatsCalls(parts, directory);

		this.#replayer = new Replayer(parts, { directory, events: ownEvents, pace, line: this.#line });
		this.replays = new ReplayCalls(parts, { directory, replayer: this.#replayer });
		this.#housekeeper = new Housekeeper(parts);
		this.#statsRoller = new StatsRoller(parts);
		this.#retention = new Retention(parts, setup.retention ?? DEFAULT_RETENTION, {
			directory,
			committer: this.#committer,
			line: this.#line,
		});
		this.#attach();
	}

	/** Connects the parts with tenure and wire: they work on what this process has, once it is started. */
	#attach(): void {
		const { tenure, wire } = this.#parts;
		tenure.attach({
			gained: (shards) => this.#gained(shards),
			lost: (shards) => this.#line.lost(shards),
			resumed: () => this.#line.resumed(),
			inFlightOf: (shards) => this.#line.inFlightOf(shards),
		});
		tenure.duty("housekeeping", this.#housekeeper);
		tenure.duty("stats", this.#statsRoller);
		tenure.duty("retention", this.#retention);
		wire.listen(this.#line);
	}

	async #gained(shards: readonly number[] | null): Promise<void> {
		this.#recovered += await this.#line.gained(shards);
		await this.#replayer.look();
	}

	start(): Promise<void> {
		this.#starting ??= this.#start();
		return this.#starting;
	}

	async #start(): Promise<void> {
		// Takes over what earlier owners have left, all of it if this process runs alone, and starts the duties.
		await this.#parts.tenure.start();
		this.#parts.observer.note("started", { recoveredDeliveries: this.#recovered });
		await this.#line.start();
		await this.#replayer.start();
	}

	stop(graceMs = SHUTDOWN_GRACE_MS): Promise<void> {
		this.#stopping ??= this.#stop(graceMs);
		return this.#stopping;
	}

	/** Refuses new sends first, and commits outcomes last. */
	async #stop(graceMs: number): Promise<void> {
		const { clock, sender, tenure } = this.#parts;
		this.intake.close();
		this.live.close();
		const drained = this.#line.drain();
		const left = tenure.leave(graceMs);
		const committed = drained.then(() => this.#committer.idle()).then(() => left);
		await Promise.all([
			this.#line.stop(),
			this.#housekeeper.stop(),
			this.#statsRoller.stop(),
			this.#retention.stop(),
			this.#replayer.stop(),
			this.replays.close(),
		]);
		let cancel = () => {};
		const forced = new Promise<void>((resolve) => {
			cancel = clock.after(graceMs, () => {
				// Cuts short the attempts in flight. Each is given back to the store and attempted again after the next
				// start.
				sender.abort();
				cancel = clock.after(WRITE_GRACE_MS, resolve);
			});
		});
		await Promise.race([committed, forced]);
		cancel();
		this.#committer.close();
		// Ends tests of webhooks that are under way, and after a forced stop the attempts that have begun since.
		sender.abort();
	}

	async readiness(): Promise<Readiness> {
		const store = await this.#parts.store.probe(this.#parts.clock.now()).then(
			() => ({ ok: true, message: "the store can be written" }),
			(error: unknown) => ({ ok: false, message: `the store can't be written: ${messageOf(error)}` }),
		);
		const dispatcher =
			this.#stopping === null ? this.#line.check() : { ok: false, message: "the server is shutting down" };
		return { ready: store.ok && dispatcher.ok, checks: { store, dispatcher } };
	}

	gauges(): EngineGauges {
		return { ...this.#line.load(), waitingSends: this.#committer.waitingSends };
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
