// Replays: started, estimated, read and cancelled here. The replayer in background/ executes them.
import { FanfareError } from "../../core/errors.ts";
import { idTime } from "../../core/ids.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { MAX_RUNNING_REPLAYS, type Replay, type ReplayFilter } from "../../core/replay.ts";
import type { ReplayStore } from "../../ports/store/replays.ts";
import { nextTurn } from "../background/next-turn.ts";
import type { Replayer } from "../background/replayer.ts";
import type { Projects, ReplayEstimate, ReplayRequest, Replays, Webhooks } from "../calls.ts";
import type { PartsOn } from "../parts.ts";
import { SerialByKey } from "./serial-by-key.ts";

type Parts = Pick<PartsOn<ReplayStore>, "store" | "clock" | "ids">;

interface Neighbours {
	readonly projects: Pick<Projects, "get">;
	readonly webhooks: Pick<Webhooks, "get">;
	readonly replayer: Replayer;
}

/** Events examined in one step, which takes about 2 ms. Other work goes on between steps. */
const COUNT_STEP = 500;
/** A count that takes longer ends early, as incomplete. */
const COUNT_MS = 20_000;
const COUNTS = "counts";

/** The replays of all projects. A project has a limited number of running ones; estimates run one at a time. */
export class ReplayCalls implements Replays {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	/** How many replays of a project are being inserted into the store. */
	readonly #starting = new Map<string, number>();
	/** Counts run one after the other, under one key: side by side, each would take its own share of the store. */
	readonly #counts = new SerialByKey();
	#closed = false;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	async start(projectId: string, webhookId: string, request: ReplayRequest): Promise<Replay> {
		const { clock, ids, store } = this.#parts;
		const { eventTypes } = this.#near.webhooks.get(projectId, webhookId);
		const starting = this.#starting.get(projectId) ?? 0;
		if (this.#near.replayer.countIn(projectId) + starting >= MAX_RUNNING_REPLAYS) throw tooMany();
		const id = ids.make("replay", clock.now());
		// Lists are ordered by id. The date is taken from the id, which never goes back when the clock does.
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
			const how = status === "Cancelled" ? "was cancelled earlier" : "has already created all its deliveries";
			throw new FanfareError(
				"replay_ended",
				`This replay ${how}. Its deliveries that are still waiting can be cancelled separately.`,
			);
		}
		this.#near.replayer.forget(replayId);
		return this.get(projectId, replayId);
	}

	/** Ends the counts under way, and resolves when they have ended. */
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
 * The range includes the present millisecond, so that every event accepted before this call is in it, and nothing
 * later. Of missed events only those of the types that the webhook wants are included, unless the caller names the
 * types.
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
