// The engine: its parts are made here in the order in which they depend on each other, and started and stopped in
// order.
import type { Workspace } from "../core/workspace.ts";
import type { EngineGauges } from "../ports/observer.ts";
import type { Intake } from "./accepting/intake.ts";
import { Quotas } from "./accepting/quotas/quotas.ts";
import { openIntake } from "./accepting/traced-intake.ts";
import { CustomerDeletions } from "./background/customer-deletions.ts";
import { Erasures } from "./background/erasures.ts";
import { Housekeeper } from "./background/housekeeper.ts";
import { KeyUses } from "./background/key-uses.ts";
import { Overwriter } from "./background/overwriter.ts";
import { Pace } from "./background/pace.ts";
import { Replayer } from "./background/replayer.ts";
import { Retention } from "./background/retention.ts";
import { StatsRoller } from "./background/stats-roller.ts";
import { Stepper } from "./background/stepper.ts";
import type { Engine, Readiness } from "./calls.ts";
import { CommitWatch } from "./committing/commit-watch.ts";
import { Committer } from "./committing/committer.ts";
import { DeliveryLine } from "./delivering/delivery-line.ts";
import { Directory } from "./directory/directory.ts";
import { LiveHub } from "./live/live-hub.ts";
import { LiveReporter } from "./live/live-reporter.ts";
import { bootstrap, type FirstStart, type KeepKey } from "./managing/bootstrap.ts";
import { ChangeRates } from "./managing/changes/change-rates.ts";
import { CustomerCalls } from "./managing/customer-calls.ts";
import { DeletedProjects } from "./managing/deleted-projects.ts";
import { DeliveryCalls } from "./managing/delivery-calls.ts";
import { EventCalls } from "./managing/event-calls.ts";
import { EventTypeCalls } from "./managing/event-type-calls.ts";
import { noteExcess } from "./managing/excess.ts";
import { KeyCalls } from "./managing/key-calls.ts";
import { ProjectCalls } from "./managing/project-calls.ts";
import { ReplayCalls } from "./managing/replay-calls.ts";
import { StatsCalls } from "./managing/stats-calls.ts";
import { Trials } from "./managing/trying/trials.ts";
import { WebhookCalls } from "./managing/webhook-calls.ts";
import { EngineSettings, type EngineChange, type EngineParts, type GivenSettings, type OutsideParts } from "./parts.ts";
import { PortalSessionCalls } from "./portal/portal-session-calls.ts";
import { HealthReporter } from "./reacting/health-reporter.ts";
import { HealthWatch } from "./reacting/health-watch.ts";
import { OwnEvents } from "./reacting/own-events.ts";
import { RelayCalls } from "./relaying/relay-calls.ts";
import { RelayHub } from "./relaying/relay-hub.ts";
import { RelaySweeper } from "./relaying/relay-sweeper.ts";
import { RelayWebhooks } from "./relaying/relay-webhooks.ts";
import { SessionCalls } from "./sessions/session-calls.ts";
import type { WorkspaceStatus } from "./status-calls.ts";
import { readinessOf } from "./status/readiness.ts";
import { StatusReader } from "./status/workspace-status.ts";
import { SteadyClock } from "./steady-clock.ts";

export interface EngineSetup extends GivenSettings {
	readonly parts: OutsideParts;
	/** The `User-Agent` header of requests to receivers. */
	readonly userAgent: string;
	/** A key, as text, that administers the workspace from now on. Optional. */
	readonly adminKey?: string | null;
	/** Called with an admin key that a first start generates, before its hash is stored. If it throws, nothing is created. */
	readonly keepAdminKey?: KeepKey | undefined;
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
	const settings = new EngineSettings(setup);
	const clock = new SteadyClock(setup.parts.clock);
	const outside = { ...setup.parts, clock, wall: setup.parts.clock };
	const { workspace, firstStart } = await bootstrap(outside, setup.adminKey ?? null, setup.keepAdminKey);
	const directory = new Directory(outside, workspace);
	await directory.load();
	const changeRates = new ChangeRates({ clock, tenure: outside.tenure, keys: directory }, settings.limits);
	const parts = { ...outside, changeRates };
	await noteExcess(parts, settings.limits, directory);
	const engine = new AssembledEngine(setup.userAgent, settings, parts, directory);
	await engine.sessions.load();
	await engine.portalSessions.load();
	return { engine, firstStart };
}

class AssembledEngine implements Engine {
	readonly #parts: EngineParts;
	readonly #settings: EngineSettings;
	readonly #commits: CommitWatch;
	readonly #committer: Committer;
	readonly #line: DeliveryLine;
	// The public calls
	readonly workspace: Workspace;
	readonly live: LiveHub;
	readonly projects: ProjectCalls;
	readonly keys: KeyCalls;
	readonly sessions: SessionCalls;
	readonly eventTypes: EventTypeCalls;
	readonly webhooks: WebhookCalls;
	readonly deliveries: DeliveryCalls;
	readonly events: EventCalls;
	readonly customers: CustomerCalls;
	readonly relays: RelayCalls;
	readonly portalSessions: PortalSessionCalls;
	readonly intake: Intake;
	readonly stats: StatsCalls;
	readonly replays: ReplayCalls;
	// Reactions, and work in the background
	readonly #quotas: Quotas;
	readonly #healthWatch: HealthWatch;
	readonly #healthReporter: HealthReporter;
	readonly #replayer: Replayer;
	readonly #housekeeper: Housekeeper;
	readonly #statsRoller: StatsRoller;
	readonly #retention: Retention;
	readonly #overwriter: Overwriter;
	readonly #relayHub: RelayHub;
	readonly #relaySweeper: RelaySweeper;
	readonly #stepper: Stepper;
	readonly #erasures: Erasures;
	readonly #deletions: CustomerDeletions;
	readonly #deletedProjects: DeletedProjects;
	readonly #keyUses: KeyUses;
	readonly #status: StatusReader;
	/** Deliveries that earlier owners of this process's shards had leased. */
	#recovered = 0;
	#starting: Promise<void> | null = null;
	#stopping: Promise<void> | null = null;

	/**
	 * Each part is made after the parts that it is given. The committer, the delivery line and the directory also tell
	 * parts that are made after them, through the functions here; they do so only when the engine is in use.
	 */
	constructor(userAgent: string, settings: EngineSettings, outside: EngineParts, directory: Directory) {
		const { limits, retention, quotas } = settings;
		this.#settings = settings;
		this.#relayHub = new RelayHub(outside, limits, {
			setAway: (id, isAway) => relayWebhooks.setAway(id, isAway),
			othersKnow: (projectId) => outside.wire.changed(projectId, directory.versionOf(projectId)),
		});
		const parts = { ...outside, sender: this.#relayHub.besides(outside.sender) };
		this.#parts = parts;
		this.workspace = directory.workspace;

		this.live = new LiveHub(parts, limits, { directory });
		const liveReporter = new LiveReporter(this.live, directory);
		const pace = new Pace();
		this.#commits = new CommitWatch(parts);
		this.#committer = new Committer({ ...parts, store: this.#commits }, limits, {
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
			webhookChanged: (id) => {
				this.#line.look(id);
				const webhook = directory.webhook(id);
				if (webhook?.deleteDate !== null) this.#relayHub.webhookDeleted(id);
				else if (webhook.pausedReason === "away") this.#relayHub.webhookAway(id);
			},
			keyChanged: (key) => {
				this.live.keyChanged(key);
				this.#relayHub.keyChanged(key);
			},
			keysDeleted: (ids) => {
				this.live.keysDeleted(ids);
				this.#relayHub.keysDeleted(ids);
				for (const id of ids) this.#keyUses.forget(id);
				this.sessions.keysDeleted(ids);
			},
			projectDeleted: (id) => {
				this.portalSessions.projectDeleted(id);
				this.live.projectDeleted(id);
				this.#relayHub.projectDeleted(id);
				this.#retention.projectDeleted();
			},
		});
		this.portalSessions = new PortalSessionCalls(parts, limits, { directory, live: this.live });

		this.#deletedProjects = new DeletedProjects(parts, { line: this.#line });
		this.projects = new ProjectCalls(parts, settings, { directory, deleted: this.#deletedProjects });
		this.#keyUses = new KeyUses(parts);
		this.keys = new KeyCalls(parts, limits, { directory, uses: this.#keyUses });
		this.sessions = new SessionCalls(parts, {
			directory,
			keys: this.keys,
			uses: this.#keyUses,
			ended: (ids) => {
				this.live.sessionsEnded(ids);
				this.#relayHub.sessionsEnded(ids);
			},
		});
		this.eventTypes = new EventTypeCalls(parts, limits, directory);
		// The retention is made later.
		this.#quotas = new Quotas(parts, quotas, { retention: { nextPassMs: () => this.#retention.nextPassMs() } });
		const intakeNear = { committer: this.#committer, line: this.#line, directory, eventTypes: this.eventTypes };
		this.intake = openIntake(parts, limits, { ...intakeNear, live: liveReporter, quotas: this.#quotas });
		const ownEvents = new OwnEvents(parts, { directory, intake: this.intake });
		this.webhooks = new WebhookCalls(parts, limits, {
			directory,
			trials: new Trials(parts, userAgent),
			eventTypes: this.eventTypes,
			live: liveReporter,
			ownEvents,
		});
		const relayWebhooks = new RelayWebhooks({ sealer: parts.sealer, directory, webhooks: this.webhooks });
		this.relays = new RelayCalls(parts, limits, {
			directory,
			hub: this.#relayHub,
			relayWebhooks,
			webhooks: this.webhooks,
		});
		this.#relaySweeper = new RelaySweeper(parts, { hub: this.#relayHub, relayWebhooks });
		this.#healthWatch = new HealthWatch(parts, { directory, webhooks: this.webhooks, events: ownEvents });
		this.#healthReporter = new HealthReporter(parts, { directory, events: ownEvents });
		const traffic = { committer: this.#committer, line: this.#line };
		const shared = { directory, live: liveReporter, quotas: this.#quotas };
		this.deliveries = new DeliveryCalls(parts, { ...traffic, ...shared });
		this.#overwriter = new Overwriter(parts);
		this.#stepper = new Stepper(parts, traffic);
		this.#erasures = new Erasures(parts, limits, {
			stepper: this.#stepper,
			line: this.#line,
			live: liveReporter,
			overwriter: this.#overwriter,
		});
		this.events = new EventCalls(parts, limits, {
			directory,
			line: this.#line,
			erasures: this.#erasures,
			webhooks: this.webhooks,
		});
		this.#deletions = new CustomerDeletions(parts, limits, {
			directory,
			stepper: this.#stepper,
			webhooks: this.webhooks,
			portalSessions: this.portalSessions,
			erasures: this.#erasures,
			events: ownEvents,
			line: this.#line,
			live: this.live,
		});
		this.customers = new CustomerCalls(parts, limits, {
			directory,
			webhooks: this.webhooks,
			deletions: this.#deletions,
		});
		this.stats = new StatsCalls(parts, directory);
		this.#replayer = new Replayer(parts, { ...shared, events: ownEvents, pace, line: this.#line });
		this.replays = new ReplayCalls(parts, limits, { ...shared, replayer: this.#replayer });
		this.#housekeeper = new Housekeeper(parts);
		this.#statsRoller = new StatsRoller(parts);
		this.#retention = new Retention(parts, retention, { directory, ...traffic, overwriter: this.#overwriter });
		this.#status = new StatusReader(parts, limits, {
			...traffic,
			directory,
			durations: this.#commits.durations,
			live: this.live,
			relays: this.#relayHub,
			stored: this.#quotas.stored,
			readiness: () => this.readiness({ check: () => this.#commits.checkNow() }),
		});
		this.#attach();
	}

	/** Connects the parts with tenure and wire: they work on what this process has, once it is started. */
	#attach(): void {
		const { tenure, wire, membership } = this.#parts;
		membership?.report(() => {
			const { readyDeliveries, inFlightAttempts, oldestDueMs } = this.#line.load();
			return { readyDeliveries, inFlightAttempts, lagMs: oldestDueMs };
		});
		tenure.attach({
			gained: (shards) => this.#gained(shards),
			lost: (shards) => this.#line.lost(shards),
			resumed: () => this.#line.resumed(),
			inFlightOf: (shards) => this.#line.inFlightOf(shards),
		});
		tenure.duty("housekeeping", this.#housekeeper);
		tenure.duty("stats", this.#statsRoller);
		tenure.duty("retention", this.#retention);
		tenure.duty("health", this.#healthReporter);
		tenure.duty("relays", this.#relaySweeper);
		tenure.duty("erasures", this.#erasures);
		tenure.duty("customer deletions", this.#deletions);
		wire.listen({
			handedOver: (place, delivery) => this.#line.handedOver(place, delivery),
			handOffsMissed: () => this.#line.handOffsMissed(),
			noted: (note) => this.#line.noted(note),
			sessionsChanged: (changes) => {
				this.sessions.changed(changes);
				this.portalSessions.changed(changes);
			},
		});
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
		await this.#keyUses.start();
		this.sessions.start();
		this.#overwriter.start();
		this.portalSessions.start();
		this.#quotas.stored.start();
		await this.#line.start();
		void this.#deletedProjects.start();
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
		this.#relayHub.close();
		const drained = this.#line.drain();
		const left = tenure.leave(graceMs);
		const committed = drained.then(() => this.#committer.idle()).then(() => left);
		await Promise.all([
			this.#line.stop(),
			this.#healthReporter.stop(),
			this.#relaySweeper.stop(),
			this.#housekeeper.stop(),
			this.#statsRoller.stop(),
			this.#retention.stop(),
			this.#erasures.stop(),
			this.#deletions.stop(),
			this.#deletedProjects.stop(),
			this.#stepper.stop(),
			this.#overwriter.stop(),
			this.portalSessions.stop(),
			this.#keyUses.stop(),
			this.sessions.stop(),
			this.#quotas.stored.stop(),
			this.#replayer.stop(),
			this.replays.close(),
		]);
		let cancel = () => {};
		const forced = new Promise<void>((resolve) => {
			cancel = clock.after(graceMs, () => {
				// Cuts short the attempts in flight. Each is given back and attempted again after the next start.
				sender.abort();
				cancel = clock.after(WRITE_GRACE_MS, resolve);
			});
		});
		await Promise.race([committed, forced]);
		cancel();
		await this.#relayHub.stop();
		this.#committer.close();
		// Ends tests of webhooks that are under way, and after a forced stop the attempts that have begun since.
		sender.abort();
	}

	change(change: EngineChange): void {
		this.#settings.change(change);
	}

	readiness(commits: Pick<CommitWatch, "check"> = this.#commits): Promise<Readiness> {
		return readinessOf({
			commits,
			line: this.#line,
			membership: this.#parts.membership ?? null,
			isStopping: this.#stopping !== null,
		});
	}

	status(): Promise<WorkspaceStatus> {
		return this.#status.read();
	}

	gauges(): EngineGauges {
		return this.#status.gauges();
	}
}
