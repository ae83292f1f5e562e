// Replays: started, estimated, read and cancelled here. The replayer in background/ executes them.
import { wholeProject, type Scope } from "../../core/access/principal.ts";
import { FanfareError } from "../../core/errors.ts";
import { idTime } from "../../core/ids.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { MAX_RUNNING_REPLAYS, type Replay, type ReplayFilter } from "../../core/replay.ts";
import type { ReplayStore } from "../../ports/store/replays.ts";
import { nextTurn } from "../background/next-turn.ts";
import type { Replayer } from "../background/replayer.ts";
import type { Change, ReplayEstimate, ReplayRequest, Replays } from "../calls.ts";
import type { Directory } from "../directory/directory.ts";
import type { PartsOn } from "../parts.ts";
import { auditEntry } from "./audit-entries.ts";
import { SerialByKey } from "./serial-by-key.ts";

type Parts = Pick<PartsOn<ReplayStore>, "store" | "clock" | "ids">;

interface Neighbours {
	readonly directory: Directory;
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
	/** Counts run one after the other, under one key: side by side, each would take its own share of the store. */
	readonly #counts = new SerialByKey();
	#closed = false;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	async start({ scope, audit }: Change, webhookId: string, request: ReplayRequest): Promise<Replay> {
		const { clock, ids, store } = this.#parts;
		const projectId = wholeProject(scope);
		const { eventTypes } = this.#near.directory.webhookIn(projectId, webhookId).webhook;
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
		const entry = auditEntry(this.#parts, audit, { objectId: id, projectId });
		if (!(await store.insertReplay(replay, { limit: MAX_RUNNING_REPLAYS, entry }))) throw tooMany();
		this.#near.replayer.add(replay);
		return replay;
	}

	async estimate(scope: Scope, webhookId: string, request: ReplayRequest): Promise<ReplayEstimate> {
		const { eventTypes } = this.#near.directory.webhookIn(wholeProject(scope), webhookId).webhook;
		const filter = filterOf(request, eventTypes, this.#parts.clock.now());
		return this.#counts.run(COUNTS, () => this.#count(scope, webhookId, filter));
	}

	async list(scope: Scope, webhookId: string | null, page: PageRequest): Promise<Page<Replay>> {
		this.#near.directory.project(wholeProject(scope));
		return this.#parts.store.replays(scope, webhookId, page);
	}

	async get(scope: Scope, replayId: string): Promise<Replay> {
		this.#near.directory.project(wholeProject(scope));
		const replay = await this.#parts.store.replay(scope, replayId);
		if (replay === null) {
			throw new FanfareError("replay_not_found", "No such replay in this project. GET …/replays lists them.");
		}
		return replay;
	}

	async cancel({ scope, audit }: Change, replayId: string): Promise<Replay> {
		const { status, projectId } = await this.get(scope, replayId);
		const entry = auditEntry(this.#parts, audit, { objectId: replayId, projectId });
		const cancelled = await this.#parts.store.cancelReplay(replayId, this.#parts.clock.now(), entry);
		if (!cancelled) {
			const how = status === "Cancelled" ? "was cancelled earlier" : "has already created all its deliveries";
			throw new FanfareError(
				"replay_ended",
				`This replay ${how}. Its deliveries that are still waiting can be cancelled separately.`,
			);
		}
		this.#near.replayer.forget(replayId);
		return this.get(scope, replayId);
	}

	/** Ends the counts under way, and resolves when they have ended. */
	close(): Promise<void> {
		this.#closed = true;
		return this.#counts.idle();
	}

	async #count(scope: Scope, webhookId: string, filter: ReplayFilter): Promise<ReplayEstimate> {
		const { clock, store } = this.#parts;
		const endAt = clock.monotonicMs() + COUNT_MS;
		let count = 0;
		let afterEventId: string | null = null;
		while (!this.#closed && clock.monotonicMs() <= endAt) {
			const step = { scope, webhookId, filter, afterEventId, scanLimit: COUNT_STEP };
			const { matching, lastEventId }: Awaited<ReturnType<typeof store.countReplay>> = await store.countReplay(step);
			count += matching;
			if (lastEventId === null) return { count, complete: true };
			afterEventId = lastEventId;
			await nextTurn(clock);
		}
		return { count, complete: false };
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
