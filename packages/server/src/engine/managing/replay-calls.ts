// Replays: started, estimated, read and cancelled here. The replayer in background/ executes them.
import { customerOf, isInScope, projectOf, type Scope } from "../../core/access/principal.ts";
import { Turns } from "../../core/concurrency/turns.ts";
import { FanfareError } from "../../core/errors.ts";
import { idTime } from "../../core/ids.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { customerLimitsOf, type CustomerLimits } from "../../core/policies/customer-limits.ts";
import {
	filterOfStored,
	MAX_RUNNING_REPLAYS,
	upToNow,
	type Replay,
	type ReplayFilter,
	type ReplayNow,
} from "../../core/replay.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { LogStore } from "../../ports/store/log.ts";
import type { NewReplay, ReplayCount, ReplayCountStep, ReplayRefusal, ReplayStore } from "../../ports/store/replays.ts";
import type { Quotas } from "../accepting/quotas/quotas.ts";
import { nextTurn } from "../background/next-turn.ts";
import type { Replayer } from "../background/replayer.ts";
import type { Change, ReplayEstimate, ReplayRequest, Replays } from "../calls.ts";
import type { Directory } from "../directory/directory.ts";
import { webhooksNotFound } from "../directory/not-found.ts";
import { eventTypesOf, type KnownWebhook } from "../directory/webhook-table.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { EngineLimits, PartsOn } from "../parts.ts";
import { auditEntry } from "./changes/audit-entries.ts";
import { findChosen, type Chosen } from "./changes/chosen-events.ts";
import { writeInProject } from "./changes/write-in-project.ts";

type Parts = Pick<PartsOn<ReplayStore & Pick<LogStore, "eventsById">>, "store" | "clock" | "ids" | "changeRates">;

type Limits = CustomerLimits & Pick<EngineLimits, "maxReplays">;

interface Neighbours {
	readonly directory: Directory;
	readonly replayer: Replayer;
	readonly live: Pick<LiveReporter, "replayUpdated">;
	readonly quotas: Pick<Quotas, "hasRoom">;
}

/** Events examined in one step, which takes about 2 ms. Other work goes on between steps. */
const COUNT_STEP = 500;
/** A count that takes longer ends early, as incomplete. */
const COUNT_MS = 20_000;
/** An estimate that waits longer is refused: nobody may be there any more who wants it. */
const MOST_WAIT_MS = 2 * COUNT_MS;
/** Estimates of a project that wait for those before them. Each takes up to `COUNT_MS`. */
const MOST_WAITING = 64;

/** The replays of all projects. A project has a limited number of running ones, and so has each customer; its estimates run one at a time. */
export class ReplayCalls implements Replays {
	readonly #parts: Parts;
	readonly #limits: Limits;
	readonly #near: Neighbours;
	/** A project counts one after the other, in turns of its customers: none waits for another project's. */
	readonly #counts: Turns;
	#closed = false;

	constructor(parts: Parts, limits: Limits, near: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
		const refusal = (message: string) =>
			new FanfareError("overloaded", `Too many replays are being estimated: ${message}.`);
		this.#counts = new Turns({ most: Infinity, mostOfOne: 1, maxWaitMs: MOST_WAIT_MS, clock: parts.clock, refusal });
	}

	async start({ scope, audit }: Change, webhookId: string, request: ReplayRequest): Promise<ReplayNow> {
		const [replay] = await this.#start({ scope, audit }, [this.#near.directory.webhookIn(scope, webhookId)], request);
		if (replay === undefined) throw new Error("the replay is missing");
		return replay;
	}

	startAll(change: Change, webhookIds: readonly string[], request: ReplayRequest): Promise<readonly ReplayNow[]> {
		return this.#start(change, this.#webhooks(change.scope, webhookIds), request);
	}

	async #start(
		{ scope, audit }: Change,
		webhooks: readonly KnownWebhook[],
		request: ReplayRequest,
	): Promise<readonly ReplayNow[]> {
		const { eventIds = null } = request;
		const projectId = projectOf(scope);
		if (audit !== null && webhooks.length > 0) this.#parts.changeRates.check(audit, projectId);
		const chosen = await findChosen(this.#parts.store, scope, webhooks, eventIds);
		// All or none: otherwise each try would use up what the next one needs.
		if (audit !== null) this.#parts.changeRates.take(audit, projectId, { count: webhooks.length });
		const added = webhooks.map((webhook): NewReplay => {
			const replay = this.#make(webhook, request, chosen);
			const entry = auditEntry(this.#parts, audit, { objectId: replay.id, projectId }, { count: 0 });
			return { replay, eventIds, limit: this.#limitOf(webhook), projectLimit: this.#limits.maxReplays, entry };
		});
		const refusal = await writeInProject(this.#near.directory, projectId, () => this.#parts.store.insertReplays(added));
		if (refusal !== null) throw this.#tooMany(webhooks, refusal);
		for (const { replay } of added) {
			this.#near.replayer.add(replay);
			this.#near.live.replayUpdated(replay);
		}
		return this.#now(
			projectId,
			added.map(({ replay }) => replay),
		);
	}

	#make(webhook: KnownWebhook, request: ReplayRequest, chosen: Chosen | null): Replay {
		const { clock, ids } = this.#parts;
		const id = ids.make("replay", clock.now());
		// Lists are ordered by id. The date is taken from the id, which never goes back when the clock does.
		const now = idTime(id);
		return {
			id,
			projectId: webhook.projectId,
			webhookId: webhook.id,
			customerId: webhook.customerId,
			filter: filterOf(request, chosen, eventTypesOf(webhook), now),
			chosenCount: chosen?.count ?? null,
			status: "Running",
			scannedCount: 0,
			deliveryCount: 0,
			firstEventDate: null,
			lastEventDate: null,
			position: null,
			createDate: now,
			updateDate: now,
			endDate: null,
		};
	}

	#limitOf({ customerId, projectId }: KnownWebhook): number {
		if (customerId === null) return MAX_RUNNING_REPLAYS;
		return customerLimitsOf(this.#limits, this.#near.directory.project(projectId)).maxReplaysPerCustomer;
	}

	/** The webhooks of a scope with these ids. */
	#webhooks(scope: Scope, webhookIds: readonly string[]): readonly KnownWebhook[] {
		const projectId = projectOf(scope);
		this.#near.directory.project(projectId);
		const found = this.#near.directory.webhooksIn(projectId, webhookIds).filter((webhook) => isInScope(scope, webhook));
		const byId = new Map(found.map((webhook) => [webhook.id, webhook]));
		const unknown = webhookIds.flatMap((id, index) => (byId.has(id) ? [] : [`webhookIds.${index}`]));
		if (unknown.length > 0) throw webhooksNotFound(unknown);
		return webhookIds.flatMap((id) => byId.get(id) ?? []);
	}

	#tooMany(webhooks: readonly KnownWebhook[], refusal: ReplayRefusal): FanfareError {
		if (refusal === "project") return tooManyOfProject();
		const [first] = webhooks;
		const customers = new Set(webhooks.map(({ customerId }) => customerId));
		if (first !== undefined && webhooks.length === 1) return tooMany(first.customerId, this.#limitOf(first));
		const [limit] = webhooks.map((webhook) => this.#limitOf(webhook)).toSorted((a, b) => a - b);
		const owner = customers.size === 1 && !customers.has(null) ? "this customer" : "a project, or of a customer";
		return new FanfareError(
			"too_many_replays",
			`Too many replays for ${owner} would run at once: some are running, and ${webhooks.length} more were asked for. ` +
				`The limit that is reached first is ${limit ?? 0}. None was started: ask for fewer webhooks, or wait until some have ended.`,
		);
	}

	async estimate(scope: Scope, webhookIds: readonly string[], request: ReplayRequest): Promise<ReplayEstimate> {
		const webhooks = this.#webhooks(scope, webhookIds);
		const { eventIds = null } = request;
		const chosen = await findChosen(this.#parts.store, scope, webhooks, eventIds);
		const place = { mostWaiting: MOST_WAITING, part: customerOf(scope) ?? "" };
		return this.#counts.run(projectOf(scope), place, async () => {
			const endAt = this.#parts.clock.monotonicMs() + COUNT_MS;
			// By the clock of the dates of replays. One time for all, which the caller can have the replays end at.
			const now = idTime(this.#parts.ids.make("replay", this.#parts.clock.now()));
			let sum = { count: 0, complete: true };
			let newest = now;
			for (const webhook of webhooks) {
				const filter = filterOf(request, chosen, eventTypesOf(webhook), now);
				// What a replay would have that is made now.
				const stored = filterOfStored({ filter, createDate: now });
				const of = { scope, webhookId: webhook.id, filter: stored, eventIds };
				const { count, newestDate, complete } = await this.#count(of, endAt);
				sum = { count: sum.count + count, complete: sum.complete && complete };
				newest = Math.max(newest, newestDate ?? now);
			}
			// A replay that is given this end takes it as it is. So it has to include what was counted, also what is ahead of this process's clock.
			return { ...sum, until: chosen === null ? (request.until ?? upToNow(newest)) : null };
		});
	}

	async list(scope: Scope, webhookId: string | null, page: PageRequest): Promise<Page<ReplayNow>> {
		this.#near.directory.project(projectOf(scope));
		const found: Page<Replay> = await this.#parts.store.replays(scope, webhookId, page);
		return { ...found, rows: await this.#now(projectOf(scope), found.rows) };
	}

	async get(scope: Scope, replayId: string): Promise<ReplayNow> {
		const [replay] = await this.#now(projectOf(scope), [await this.#find(scope, replayId)]);
		if (replay === undefined) throw new Error("the replay is missing");
		return replay;
	}

	/** Says what each of some replays of a project waits for, as the replayer of any process sees it. */
	async #now(projectId: string, replays: readonly Replay[]): Promise<readonly ReplayNow[]> {
		const isRunning = replays.some(({ status }) => status === "Running");
		const waits = isRunning && !(await this.#hasRoom(projectId));
		return replays.map((replay) => ({
			...replay,
			waitingFor: waits && replay.status === "Running" ? "storedBytes" : null,
		}));
	}

	/** True also while it can't be read: then nothing is said. */
	async #hasRoom(projectId: string): Promise<boolean> {
		try {
			return await this.#near.quotas.hasRoom(this.#near.directory.project(projectId));
		} catch (error) {
			if (error instanceof StoreError) return true;
			throw error;
		}
	}

	async #find(scope: Scope, replayId: string): Promise<Replay> {
		this.#near.directory.project(projectOf(scope));
		const replay = await this.#parts.store.replay(scope, replayId);
		if (replay === null) {
			throw new FanfareError("replay_not_found", "No such replay in this project. GET …/replays lists them.");
		}
		return replay;
	}

	async cancel({ scope, audit }: Change, replayId: string): Promise<ReplayNow> {
		const before = await this.#find(scope, replayId);
		const { status, projectId } = before;
		const entry = auditEntry(this.#parts, audit, { objectId: replayId, projectId });
		const at = this.#parts.clock.now();
		const cancelled = await this.#parts.store.cancelReplay(replayId, at, entry);
		if (!cancelled) {
			const how = status === "Cancelled" ? "was cancelled earlier" : "has already created all its deliveries";
			throw new FanfareError(
				"replay_ended",
				`This replay ${how}. Its deliveries that are still waiting can be cancelled separately.`,
			);
		}
		this.#near.replayer.forget(replayId);
		const replay = await this.#cancelled(scope, before, at);
		this.#near.live.replayUpdated(replay);
		return replay;
	}

	async #cancelled(scope: Scope, before: Replay, at: number): Promise<ReplayNow> {
		try {
			return await this.get(scope, before.id);
		} catch (error) {
			if (!(error instanceof StoreError)) throw error;
			// It is cancelled although the read was refused. Its counts may be those from a moment before.
			return { ...before, status: "Cancelled", updateDate: at, endDate: at, waitingFor: null };
		}
	}

	/** Ends the counts under way, and resolves when they have ended. */
	close(): Promise<void> {
		this.#closed = true;
		return this.#counts.idle();
	}

	async #count(
		of: Pick<ReplayCountStep, "scope" | "webhookId" | "filter" | "eventIds">,
		endAt: number,
	): Promise<Omit<ReplayEstimate, "until"> & Pick<ReplayCount, "newestDate">> {
		const { clock, store } = this.#parts;
		let count = 0;
		let newestDate: number | null = null;
		let afterEventId: string | null = null;
		while (!this.#closed && clock.monotonicMs() <= endAt) {
			const step = { ...of, afterEventId, scanLimit: COUNT_STEP };
			const found: ReplayCount = await store.countReplay(step);
			count += found.matching;
			if (found.newestDate !== null) newestDate = Math.max(newestDate ?? 0, found.newestDate);
			if (found.lastEventId === null) return { count, newestDate, complete: true };
			afterEventId = found.lastEventId;
			await nextTurn(clock);
		}
		return { count, newestDate, complete: false };
	}
}

/**
 * A range without an end is one up to now. An end is taken as it is, also if this process's clock has not come to it: another process may
 * have accepted events until then. Of missed events only those of the types that the webhook wants are included, unless the caller names
 * the types.
 */
function filterOf(
	request: ReplayRequest,
	chosen: Chosen | null,
	wanted: readonly string[] | null,
	now: number,
): ReplayFilter {
	const { since, until, outcomes, eventTypes } = request;
	return {
		since: chosen?.since ?? since,
		until: chosen?.until ?? until ?? upToNow(now),
		outcomes,
		eventTypes,
		missedEventTypes: eventTypes === null ? wanted : null,
	};
}

/** Says nothing of the others, since a customer may read it. */
function tooManyOfProject(): FanfareError {
	return new FanfareError(
		"too_many_replays",
		"Many replays are running, so a customer can have only one at a time now. None was started: wait until the customer's replay has " +
			"ended, or cancel it.",
	);
}

function tooMany(customerId: string | null, limit: number): FanfareError {
	const owner = customerId === null ? "to webhooks of this project without a customer" : "of this customer";
	const [running, end] = limit === 1 ? [`A replay ${owner} is`, "it"] : [`${limit} replays ${owner} are`, "one"];
	return new FanfareError("too_many_replays", `${running} running. Wait until ${end} has ended, or cancel ${end}.`);
}
