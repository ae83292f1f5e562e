// Replays as callers see them: begun, counted beforehand, looked up and cancelled here; the replayer carries them on.
import { FanfareError } from "../../core/errors.ts";
import { idTime } from "../../core/ids.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { MAX_RUNNING_REPLAYS, type Replay, type ReplayFilter } from "../../core/replay.ts";
import { nextTurn } from "../background/next-turn.ts";
import type { Replayer } from "../background/replayer.ts";
import type { Projects, ReplayEstimate, ReplayRequest, Replays, Webhooks } from "../calls.ts";
import type { EngineParts } from "../parts.ts";
import { SerialByKey } from "./serial-by-key.ts";

interface Neighbours {
	readonly projects: Pick<Projects, "get">;
	readonly webhooks: Pick<Webhooks, "get">;
	readonly replayer: Replayer;
}

/** Events looked at before others get their turn: about 2 ms. */
const COUNT_STEP = 500;
/** A count that takes longer ends early and says so. */
const COUNT_MS = 20_000;
const COUNTS = "counts";

export class ReplayCalls implements Replays {
	readonly #parts: EngineParts;
	readonly #near: Neighbours;
	/** Replays by project that are on their way into the store. */
	readonly #starting = new Map<string, number>();
	/** Counts run one after the other, under one key: side by side, each would take its own share of the store. */
	readonly #counts = new SerialByKey();
	#closed = false;

	constructor(parts: EngineParts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	async start(projectId: string, webhookId: string, request: ReplayRequest): Promise<Replay> {
		const { clock, ids, store } = this.#parts;
		const { eventTypes } = this.#near.webhooks.get(projectId, webhookId);
		const starting = this.#starting.get(projectId) ?? 0;
		if (this.#near.replayer.countIn(projectId) + starting >= MAX_RUNNING_REPLAYS) throw tooMany();
		const id = ids.make("replay", clock.now());
		// Lists go by the id, so the date is the id's, which never goes back when the clock does.
		const now = idTime(id);
		const replay: Replay = {
			id,
			projectId,
			webhookId,
			filter: filterOf(request, eventTypes, now),
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
		this.#starting.set(projectId, starting + 1);
		try {
			await store.insertReplay(replay);
			this.#near.replayer.add(replay);
		} finally {
			this.#started(projectId);
		}
		return replay;
	}

	async estimate(projectId: string, webhookId: string, request: ReplayRequest): Promise<ReplayEstimate> {
		const { eventTypes } = this.#near.webhooks.get(projectId, webhookId);
		const filter = filterOf(request, eventTypes, this.#parts.clock.now());
		return this.#counts.run(COUNTS, () => this.#count(projectId, webhookId, filter));
	}

	async list(projectId: string, webhookId: string | null, page: PageRequest): Promise<Page<Replay>> {
		this.#near.projects.get(projectId);
		return this.#parts.store.replays(projectId, webhookId, page);
	}

	async get(projectId: string, replayId: string): Promise<Replay> {
		this.#near.projects.get(projectId);
		const replay = await this.#parts.store.replay(projectId, replayId);
		if (replay === null) {
			throw new FanfareError("replay_not_found", "No such replay in this project. GET …/replays lists them.");
		}
		return replay;
	}

	async cancel(projectId: string, replayId: string): Promise<Replay> {
		const { status } = await this.get(projectId, replayId);
		const cancelled = await this.#parts.store.cancelReplay(replayId, this.#parts.clock.now());
		if (!cancelled) {
			const how = status === "Cancelled" ? "was cancelled before" : "has made all its deliveries";
			throw new FanfareError(
				"replay_ended",
				`This replay ${how}. Deliveries that still wait can be cancelled by themselves.`,
			);
		}
		this.#near.replayer.forget(replayId);
		return this.get(projectId, replayId);
	}

	/** Ends the count under way. */
	close(): Promise<void> {
		this.#closed = true;
		return this.#counts.idle();
	}

	async #count(projectId: string, webhookId: string, filter: ReplayFilter): Promise<ReplayEstimate> {
		const { clock, store } = this.#parts;
		const endAt = clock.now() + COUNT_MS;
		let count = 0;
		let afterEventId: string | null = null;
		while (!this.#closed && clock.now() <= endAt) {
			const scope = { projectId, webhookId, filter, afterEventId, scanLimit: COUNT_STEP };
			const { matching, lastEventId }: Awaited<ReturnType<typeof store.countReplay>> = await store.countReplay(scope);
			count += matching;
			if (lastEventId === null) return { count, complete: true };
			afterEventId = lastEventId;
			await nextTurn();
		}
		return { count, complete: false };
	}

	#started(projectId: string): void {
		const rest = (this.#starting.get(projectId) ?? 1) - 1;
		if (rest === 0) this.#starting.delete(projectId);
		else this.#starting.set(projectId, rest);
	}
}

/**
 * `until` takes in the present millisecond, but nothing that comes later: what was sent before this call is in the range. Events that the
 * webhook never had are only those of the types that it wants, unless the caller names the types.
 */
function filterOf(request: ReplayRequest, wanted: readonly string[] | null, now: number): ReplayFilter {
	const { since, until, outcomes, eventTypes } = request;
	return {
		since,
		until: Math.min(until ?? Infinity, now + 1),
		outcomes,
		eventTypes,
		missedEventTypes: eventTypes === null ? wanted : null,
	};
}

function tooMany(): FanfareError {
	return new FanfareError(
		"too_many_replays",
		`${MAX_RUNNING_REPLAYS} replays of this project are running. Wait until one has ended, or cancel one.`,
	);
}
