// Plays a history: begins and ends runs of the server, makes calls, and lets time pass.
import type { RunEnd } from "@fanfare/testkit/checks/record";

import { projectScope } from "../../packages/server/src/core/access/principal.ts";
import { FanfareError } from "../../packages/server/src/core/errors.ts";
import type { Change, Engine } from "../../packages/server/src/engine/calls.ts";
import { allSummaries } from "../../packages/server/src/ports/contract/store/records/webhooks.ts";
import { StoreError, StoreInDoubtError } from "../../packages/server/src/ports/store/errors.ts";
import { QUICK_WIRE } from "../cluster/wire-mode.ts";
import { Attempts } from "../model/attempts.ts";
import { Book } from "../model/book.ts";
import { CustomerChecks } from "../model/customers.ts";
import { DueTimes } from "../model/due-times.ts";
import { LiveWatch } from "../model/live/live-watch.ts";
import { AuditBook, type ManagedCall } from "../model/management/audit-book.ts";
import { BulkCounts } from "../model/management/bulk-counts.ts";
import { KeyChecks } from "../model/management/key-checks.ts";
import { TestWatch } from "../model/management/test-watch.ts";
import { readDeliveries, readLog } from "../model/read-log.ts";
import { SharingWatch } from "../model/sharing-watch.ts";
import { Watch } from "../model/watch.ts";
import type { RunEndKind } from "../world/run-scope.ts";
import { ServerRun } from "../world/server-run.ts";
import { isExpected } from "../world/sim-observer.ts";
import type { World } from "../world/world.ts";

/** What becomes of a call of the engine. Exactly one of them is called. */
export interface Outcomes<T> {
	readonly answered?: (result: T) => void;
	/** The engine has refused the call, or the store has failed. */
	readonly refused?: (error: unknown) => void;
	/** The run has ended first, or the store was lost during the call: nobody knows whether it had an effect. */
	readonly lost?: () => void;
}

/** A start takes a few calls of the store. After this time it hangs. */
const START_MS = 10 * 60_000;
/** Beyond its grace period, a stop takes as long as the store needs for a few calls. */
const STOP_MARGIN_MS = 5 * 60_000;
/** A fault of the store can have this much effect later: outcomes that are still to be written. */
const CALM_MS = 10_000;
const MAX_STARTS = 20;
const OUTDATED = "a process without a tenure answers no calls";

export class Player {
	readonly world: World;
	readonly book = new Book();
	readonly dueTimes: DueTimes;
	readonly attempts: Attempts;
	readonly audit: AuditBook;
	readonly bulkCounts: BulkCounts;
	readonly customers: CustomerChecks;
	readonly keys: KeyChecks;
	readonly live: LiveWatch;
	readonly sharing: SharingWatch;
	readonly tests: TestWatch;
	/** All ends of runs so far, with the log after each. */
	readonly ends: RunEnd[] = [];
	/** Events that were acknowledged since the last check. */
	acknowledged: string[] = [];
	/** The last call that asked for a retry of a delivery, or of many by a filter. */
	readonly retriedBy = new Map<string, number>();
	retriedManyBy = 0;
	/** How many calls that retry a delivery are under way: they may take effect after a later call. */
	readonly retriesUnderWay = new Map<string, number>();
	readonly #watch: Watch;
	#latestNow = 0;
	/** The runs that have not ended, or whose end was not noted yet: one for each engine. The oldest first. */
	#runs: readonly ServerRun[] = [];
	/** Which of them the present step is about. */
	#chosen = 0;
	#started = 0;
	/** Called if its run ends: the calls under way. */
	readonly #underWay = new Map<() => void, ServerRun>();
	/** Counts the calls, so that one can tell which came first. */
	#calls = 0;

	constructor(world: World) {
		this.world = world;
		this.dueTimes = new DueTimes(world.clock);
		this.audit = new AuditBook(world);
		this.bulkCounts = new BulkCounts(world);
		this.customers = new CustomerChecks(world, this.book);
		this.keys = new KeyChecks(world);
		this.tests = new TestWatch(world, this.audit);
		this.live = new LiveWatch(world, this.book);
		this.sharing = new SharingWatch(world, this.book);
		const { audit, book, bulkCounts, customers, dueTimes, keys, live, sharing, tests } = this;
		this.attempts = new Attempts(world, { book, customers, live, sharing, tests });
		this.#watch = new Watch(world, { audit, book, bulkCounts, customers, dueTimes, keys, live, sharing });
		world.watch(this.#watch, this.attempts, sharing);
	}

	/** The run that the present step is about. It is running, unless it has died since the last step. */
	get run(): ServerRun {
		const run = this.#runs[this.#chosen % this.#runs.length];
		if (run === undefined) throw new Error("call `ensureRunning` first");
		return run;
	}

	/** All runs that go on, the oldest first. */
	get runs(): readonly ServerRun[] {
		return this.#runs;
	}

	/** Chooses the run that the present step is about, by a number modulo their count. */
	choose(engine: number): void {
		this.#chosen = engine;
	}

	/** False from the moment at which a run has ended. */
	get isRunning(): boolean {
		return this.#runs.length > 0 && this.#runs.every(({ alive }) => alive);
	}

	/** The engines that can be asked. */
	get engines(): readonly Engine[] {
		return this.#runs.flatMap(({ alive, engine, isCurrent, isFrozen }) =>
			engine === null || !alive || !isCurrent || isFrozen ? [] : [engine],
		);
	}

	/** Whether every engine has its share of the work. */
	get isShared(): boolean {
		const { sharing } = this.world;
		return sharing === null || (sharing.cluster.isSettled && this.engines.length === this.#runs.length);
	}

	/** Whether every engine can do its work, and no call of the store is under way. */
	get isWorking(): boolean {
		return this.isShared && this.#runs.every(({ engine, store }) => engine !== null && store.idle);
	}

	/** The latest wall time so far. */
	get latestNow(): number {
		this.noteTime();
		return this.#latestNow;
	}

	/** To be called before each step of the wall clock. */
	noteTime(): void {
		this.#latestNow = Math.max(this.#latestNow, this.world.clock.now());
	}

	/** Whether so much is under way that deliveries must wait for each other. */
	get isCrowded(): boolean {
		const ready = (run: ServerRun) => run.engine?.gauges().readyDeliveries ?? 0;
		return this.world.settings.limits.maxReady !== undefined && this.#runs.some((run) => ready(run) > 0);
	}

	get callsUnderWay(): number {
		return this.#underWay.size;
	}

	/** Begins runs if there are fewer than this. A start that fails is tried again, like a supervisor does. */
	async ensureRunning(count = 1): Promise<void> {
		await this.#noteEnds();
		for (let starts = 0; this.#runs.length < count; starts++) {
			if (starts === MAX_STARTS) throw new Error(`the server did not start ${MAX_STARTS} times in a row`);
			await this.#start();
		}
	}

	/** Another engine begins, unless there are as many as there may be. */
	async join(): Promise<void> {
		const { settings } = this.world;
		if (settings.sharing !== null && this.#runs.length < settings.sharing.engines) await this.#start();
	}

	async #start(): Promise<void> {
		const { clock } = this.world;
		const run = new ServerRun(this.world, this.#started++);
		const isFirst = this.#runs.length === 0;
		this.#runs = [...this.#runs, run];
		if (isFirst) this.dueTimes.forget();
		this.world.disturbed();
		let failure: unknown = null;
		let isOpen = false;
		run.open().then(
			() => (isOpen = true),
			(error: unknown) => (failure = error),
		);
		const isOver = await clock.advance(START_MS, () => isOpen || failure !== null || !run.alive);
		if (!isOver) this.world.breach("stuck", `the server did not start within ${START_MS} ms`);
		if (failure !== null) {
			if (!isExpected(failure)) throw failure;
			run.end("died");
		}
		if (run.firstKey !== null) await this.#addFirstKey(run.firstKey);
		if (isOpen && run.alive) {
			await this.#watch.pullIns.checkStart(run.now());
			if (isFirst) await this.#noteDueTimes(run);
		}
		await this.#noteEnds();
	}

	/** What waits when a run begins is due by the time of that run, whenever it is looked at next. */
	async #noteDueTimes(run: ServerRun): Promise<void> {
		for (const { id: projectId } of this.book.projects.values()) {
			for (const { id, status, nextAttemptAt } of await readDeliveries(this.world.store, projectId)) {
				if (status === "Pending") this.dueTimes.note(id, nextAttemptAt ?? 0, run.now());
			}
		}
	}

	async #addFirstKey(secretKey: string): Promise<void> {
		const [key] = await this.world.store.keys();
		if (key !== undefined) this.keys.add({ id: key.id, secretKey, scope: "admin", project: null });
	}

	/** Every process goes on, reaches its store, reads changes, and is told everything. */
	mend(): void {
		for (const run of this.#runs) {
			run.thaw();
			run.mend();
			run.see();
		}
		if (this.world.sharing !== null) this.world.sharing.cluster.wireMode = QUICK_WIRE;
	}

	/** Ends the run at once, like a crash. */
	async die(run: ServerRun): Promise<void> {
		run.end("died");
		await this.#noteEnds();
	}

	/** Stops a server and waits for it. */
	async stop(run: ServerRun, graceMs: number): Promise<void> {
		const { engine } = run;
		if (engine === null) return this.die(run);
		const askedAt = this.world.clock.monotonicMs();
		let isStopped = false;
		run.act(() => {
			engine.stop(graceMs).then(
				() => (isStopped = true),
				(error: unknown) => this.world.breach("problem", `the stop failed: ${String(error)}`),
			);
		});
		const isOver = await this.world.clock.advance(graceMs + STOP_MARGIN_MS, () => isStopped || !run.alive);
		if (!isOver) this.world.breach("stuck", `the server did not stop within ${graceMs + STOP_MARGIN_MS} ms`);
		// Also if the store was too slow for the grace period.
		const { disturbedAt, faultyAt, sharing } = this.world;
		// Among several, members that come and go are no excuse.
		const excusedAt = sharing === null ? disturbedAt : faultyAt;
		const wasCutShort = run.sender.aborted || !run.store.idle || excusedAt > askedAt - CALM_MS;
		run.end(wasCutShort ? "forced" : "stopped");
		await this.#noteEnds();
	}

	async #noteEnds(): Promise<void> {
		for (const run of this.#runs) if (run.how !== null) await this.#noteEnd(run, run.how);
	}

	/** A run has ended: reads what it has left behind, and tells its calls under way. */
	async #noteEnd(run: ServerRun, how: RunEndKind): Promise<void> {
		this.#runs = this.#runs.filter((other) => other !== run);
		this.live.runEnded(how);
		this.sharing.runEnded(run, how === "stopped");
		for (const [lost, caller] of this.#underWay) {
			if (caller !== run) continue;
			this.#underWay.delete(lost);
			lost();
		}
		const isLast = this.#runs.length === 0;
		for (const { secrets } of this.book.webhooks) secrets.runEnded(run.number, isLast);
		if (isLast) await this.noteDeleted();
		const log = await readLog(this.world.store, this.book.projects.keys());
		this.ends.push({ how: how === "died" ? "killed" : how, log });
	}

	/** A deletion that was lost with its run may have been executed or not: the store knows. No call is under way. */
	async noteDeleted(): Promise<void> {
		const { store } = this.world;
		const projects = new Set((await store.projects()).map(({ id }) => id));
		for (const project of this.book.projects.values()) {
			project.deleteIssued = !projects.has(project.id);
			project.deleted = project.deleteIssued;
		}
		const summaries = (await allSummaries(store)).filter(({ deleteDate }) => deleteDate === null);
		const webhooks = new Set(summaries.map(({ id }) => id));
		// The deletion of a customer goes on in the next run.
		const deleting = new Set((await store.deletingCustomers(null)).map(keyOf));
		for (const webhook of this.book.webhooks) {
			if (webhook.id === null) continue;
			const { project, customerId } = webhook;
			const isDeleting = customerId !== null && deleting.has(keyOf({ projectId: project.id, customerId }));
			webhook.deleteIssued = isDeleting || !webhooks.has(webhook.id);
		}
		await this.keys.runEnded();
	}

	/** Makes a call that changes something, which the audit log must have. */
	manage<T>(
		managed: ManagedCall<T>,
		make: (engine: Engine, change: Change) => T | Promise<T>,
		{ answered, refused, lost }: Outcomes<T> = {},
	): number {
		const audited = this.audit.ask(managed);
		const change = { scope: projectScope(managed.project?.id ?? ""), audit: audited.draft };
		return this.call((engine) => make(engine, change), {
			answered: (result) => {
				audited.answered(result);
				answered?.(result);
			},
			refused: (error) => {
				audited.refused();
				refused?.(error);
			},
			lost: () => lost?.(),
		});
	}

	/** Makes a call of the engine. It may end in a later step. */
	call<T>(make: (engine: Engine) => T | Promise<T>, { answered, refused, lost }: Outcomes<T> = {}): number {
		const { run } = this;
		const { engine } = run;
		const number = ++this.#calls;
		if (engine === null) return number;
		const ifLost = () => lost?.();
		this.#underWay.set(ifLost, run);
		const end = (tell: () => void) => {
			// What arrives after the end of the run has not arrived.
			if (!run.alive || !this.#underWay.delete(ifLost)) return;
			tell();
		};
		const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
		run.act(begin);
		begun
			.then(() => {
				if (!run.isCurrent) throw new StoreError("store_unavailable", OUTDATED);
				return make(engine);
			})
			.then(
				(result) => end(() => answered?.(result)),
				(error: unknown) =>
					end(() => {
						this.#checkRefusal(error);
						if (isInDoubt(error)) lost?.();
						else refused?.(error);
					}),
			)
			.catch((error: unknown) => this.world.breach("simulation", stackOf(error)));
		return number;
	}

	#checkRefusal(error: unknown): void {
		this.world.trace.add("refusal", error instanceof FanfareError ? error.code : String(error));
		if (!isExpected(error)) this.world.breach("problem", `a call failed in a way it should not: ${stackOf(error)}`);
	}
}

/** Whether a call has failed in a way that does not say whether it had an effect. */
export function isInDoubt(error: unknown): boolean {
	return error instanceof StoreInDoubtError || (error instanceof FanfareError && error.code === "outcome_unknown");
}

function stackOf(error: unknown): string {
	return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function keyOf({ projectId, customerId }: { readonly projectId: string; readonly customerId: string }): string {
	return `${projectId} ${customerId}`;
}
