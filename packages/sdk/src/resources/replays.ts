// project.replays: new deliveries for old events. `project.batch.webhooks.replay` starts a replay to one webhook.
import { milliseconds, objectArgument } from "../arguments.ts";
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { path, type RequestOptions, type Transport } from "../transport.ts";
import type * as wire from "../wire/generated/types.ts";

/** The status of the event's newest delivery to the webhook. `Missed`: there was no delivery to it. */
export type ReplayOutcome = "Succeeded" | "Failed" | "Cancelled" | "Missed";

/** Selects the events to replay. */
export interface ReplayWebhook {
	/** Events accepted at this time or later. Required, unless `eventIds` is there. */
	readonly since?: Date | number | undefined;
	/**
	 * Events accepted before this time. Defaults to now by the server's clock. Events that are accepted after the replay was started are
	 * not part of it. Not with `eventIds`.
	 */
	readonly until?: Date | number | undefined;
	/** Only these events, at most 1,000, in place of `since`. If one of them is not there, the call rejects and nothing is sent. */
	readonly eventIds?: readonly string[] | undefined;
	/** Defaults to all that did not succeed; with `eventIds` to every outcome. Events with a pending delivery are never replayed. */
	readonly status?: readonly ReplayOutcome[] | undefined;
	/**
	 * Exact names or `prefix.*`. Defaults to all types, but for missed events only those that the webhook's filter matches
	 * now.
	 */
	readonly eventTypes?: readonly string[] | undefined;
}

/** Starts a replay. */
export interface StartReplay extends ReplayWebhook {
	/** Defaults to false. */
	readonly dryRun?: false | undefined;
}

/** Counts the events that a replay would send. */
export interface EstimateReplay extends ReplayWebhook {
	/** True to only count the events. */
	readonly dryRun: true;
}

/** The webhooks that get events again. */
export interface ReplayTargets {
	/** Their ids, at most 10. */
	readonly webhookIds: readonly string[];
}

/** The result of a replay with `dryRun`. */
export interface ReplayEstimate {
	/** Always `"replayEstimate"`. */
	readonly object: "replayEstimate";
	/** The number of events that would be replayed; for several webhooks, the number of deliveries to all of them. */
	readonly count: number;
	/** False if there are so many events that counting stopped early. */
	readonly complete: boolean;
	/**
	 * The end of the range that was counted, in milliseconds since the epoch: your `until`, or now by the server's clock, or just after the
	 * newest event that was counted if that is later. Pass it as `until` so that the replay has none of the events that are accepted after
	 * the count. Null with `eventIds`.
	 */
	readonly until: number | null;
}

/** A replay and its progress. */
export interface Replay {
	/** Such as `replay_…`. */
	readonly id: string;
	/** Always `"replay"`. */
	readonly object: "replay";
	/** The project that it belongs to. */
	readonly projectId: string;
	/** The webhook that gets the events again. */
	readonly webhookId: string;
	/** The customer whom the webhook belongs to. Present only if set. */
	readonly customerId?: string;
	/** `Finished`: every matching event has a new delivery. The deliveries themselves may still be pending. */
	readonly status: "Running" | "Finished" | "Cancelled";
	/**
	 * What a Running replay waits for, besides its webhook. `storedBytes`: its project has used up its quota of stored bytes, and the replay goes on
	 * by itself when there is room. Present only while it waits.
	 */
	readonly waitingFor?: "storedBytes";
	/** Only events accepted at this time or later are replayed, in milliseconds since the epoch. */
	readonly since: number;
	/** Only events accepted before this time are replayed, in milliseconds since the epoch. */
	readonly until: number;
	/** The number of `eventIds` given when the replay was created; null if it is about a range. */
	readonly chosenCount: number | null;
	/** The `status` given when the replay was created. */
	readonly outcomes: readonly ReplayOutcome[];
	/** The types that are replayed; null for all. */
	readonly eventTypes: readonly string[] | null;
	/**
	 * The types of missed events that are replayed, from the webhook's filter when the replay was created; null for all.
	 */
	readonly missedEventTypes: readonly string[] | null;
	/** Events examined so far. */
	readonly scannedCount: number;
	/** Deliveries created so far, one per matching event. */
	readonly deliveryCount: number;
	/** From 0 to 1: the part that is done of the time between the oldest and the newest event in the range, or of the chosen events. */
	readonly progress: number;
	/** In milliseconds since the epoch. */
	readonly createDate: number;
	/** In milliseconds since the epoch. */
	readonly updateDate: number;
	/** When it ended, in milliseconds since the epoch; null while it runs. */
	readonly endDate: number | null;
}

/** Replays that have started. */
export interface ReplaysStarted {
	/** Always `"replaysStarted"`. */
	readonly object: "replaysStarted";
	/** One for each webhook, in the order of the call. */
	readonly data: readonly Replay[];
}

/** Filters for replays. */
export interface ReplayListFilter extends ListParams {
	/** Only replays to this webhook. */
	readonly webhookId?: string | undefined;
}

/** Options of `wait`. All are optional. */
export interface WaitOptions extends RequestOptions {
	/** Milliseconds between two checks. Defaults to 1,000. */
	readonly everyMs?: number | undefined;
}

/** The replays of a project. Use it as `project.replays`. */
export class Replays {
	readonly #transport: Transport;
	readonly #projectId: string;

	/** @internal */
	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/** Lists the project's replays, newest first, including those that have ended. */
	list(filter: ReplayListFilter = {}, options?: RequestOptions): PagePromise<Replay> {
		const { page, ...query } = filter;
		return listOf(this.#transport, { path: this.#path(), query: { ...query } }, page, options);
	}

	/**
	 * Sends old events to several webhooks again, in the background: a replay to each, or none if a webhook or an event is not there or too
	 * many replays would run. With `dryRun`, it only counts. Retried as `project.batch.webhooks.replay` is.
	 *
	 * @example
	 * const events = (await project.events.list({ tag: "order:42" })).data;
	 * const replays = await project.replays.create({
	 * 	webhookIds: [webhook.id],
	 * 	eventIds: events.map(({ id }) => id),
	 * });
	 */
	create(replays: ReplayTargets & EstimateReplay, options?: RequestOptions): Promise<ReplayEstimate>;
	/** Sends old events to several webhooks again, in the background. With `dryRun`, it only counts. */
	create(replays: ReplayTargets & StartReplay, options?: RequestOptions): Promise<readonly Replay[]>;
	async create(
		replays: ReplayTargets & (StartReplay | EstimateReplay),
		options?: RequestOptions,
	): Promise<readonly Replay[] | ReplayEstimate> {
		const { webhookIds, ...replay } = objectArgument(
			"replays",
			replays,
			'{ webhookIds: ["webhook_…"], eventIds: ["evt_…"] }',
		);
		const isDryRun = replay.dryRun === true;
		const request = {
			method: "POST",
			path: this.#path(),
			json: JSON.stringify({ webhookIds, ...wireReplay(replay) } satisfies wire.CreateReplays),
			repeat: isDryRun ? "any" : "refused",
			answer: isDryRun ? "replayEstimate" : "replaysStarted",
		} as const;
		const answer = await this.#transport.request<ReplaysStarted | ReplayEstimate>(request, options);
		return "data" in answer ? answer.data : answer;
	}

	/** Fetches one replay. */
	async get(replayId: string, options?: RequestOptions): Promise<Replay> {
		return this.#transport.request<Replay>(
			{ method: "GET", path: this.#path() + path`/${replayId}`, answer: "replay" },
			options,
		);
	}

	/** Stops a replay. Deliveries that it has created continue. Rejects with a `ConflictError` if it has already ended. */
	async cancel(replayId: string, options?: RequestOptions): Promise<Replay> {
		const request = { method: "POST", path: this.#path() + path`/${replayId}:cancel`, answer: "replay" } as const;
		return this.#transport.request<Replay>(request, options);
	}

	/**
	 * Waits until the replay has ended, by polling. A replay makes no progress while its webhook is paused or disabled, so
	 * set a signal if you cannot wait forever.
	 *
	 * @example
	 * const yesterday = Date.now() - 24 * 3_600_000;
	 * const { id } = await project.batch.webhooks.replay(webhook.id, { since: yesterday });
	 * const { deliveryCount } = await project.replays.wait(id, { signal: AbortSignal.timeout(60_000) });
	 */
	async wait(replayId: string, { everyMs = 1_000, ...options }: WaitOptions = {}): Promise<Replay> {
		for (;;) {
			const replay = await this.get(replayId, options);
			if (replay.status !== "Running") return replay;
			await this.#transport.sleep(everyMs, options.signal);
		}
	}

	#path(): string {
		return path`/projects/${this.#projectId}/replays`;
	}
}

/** The body of a replay request. */
export function wireReplay({ since, until, ...replay }: StartReplay | EstimateReplay): wire.ReplayWebhook {
	return { ...replay, since: milliseconds("since", since), until: milliseconds("until", until) };
}
