// project.replays: old events on their way to a webhook again. `project.batch.webhooks.replay` begins one.
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { milliseconds, path, type RequestOptions, type Transport } from "../transport.ts";

/** How the newest delivery of an event to the webhook ended. `Missed`: it never had one. */
export type ReplayOutcome = "Succeeded" | "Failed" | "Cancelled" | "Missed";

/** Which events are sent again. */
export interface ReplayWebhook {
	/** Those accepted at this time or later. */
	readonly since: Date | number;
	/** Those accepted before this time. Default, and at most: now. */
	readonly until?: Date | number | undefined;
	/** Default: all that did not succeed. What is on its way is never replayed. */
	readonly status?: readonly ReplayOutcome[] | undefined;
	/** Exact names or `prefix.*`. Default: every type; but of the missed events only those of types that the webhook wants now. */
	readonly eventTypes?: readonly string[] | undefined;
}

/** What a replay would send. */
export interface ReplayEstimate {
	readonly object: "replayEstimate";
	readonly count: number;
	/** False: there are so many events to look at that counting was ended early. */
	readonly complete: boolean;
}

/** A replay and how far it has come. */
export interface Replay {
	readonly id: string;
	readonly object: "replay";
	readonly projectId: string;
	readonly webhookId: string;
	/** `Finished`: each matching event has its delivery, and those go their own way. */
	readonly status: "Running" | "Finished" | "Cancelled";
	readonly since: number;
	readonly until: number;
	/** The `status` that was asked for. */
	readonly outcomes: readonly ReplayOutcome[];
	readonly eventTypes: readonly string[] | null;
	/** Of missed events only these types. */
	readonly missedEventTypes: readonly string[] | null;
	/** Events looked at so far. */
	readonly scannedCount: number;
	/** Deliveries made so far, one for each event that matches. */
	readonly deliveryCount: number;
	/** From 0 to 1, by time. */
	readonly progress: number;
	readonly createDate: number;
	readonly updateDate: number;
	readonly endDate: number | null;
}

export interface ReplayListFilter extends ListParams {
	readonly webhookId?: string | undefined;
}

export interface WaitOptions extends RequestOptions {
	/** Between two looks. Default: 1,000. */
	readonly everyMs?: number | undefined;
}

export class Replays {
	readonly #transport: Transport;
	readonly #projectId: string;

	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/** The project's replays, newest first, those that have ended too. */
	list(filter: ReplayListFilter = {}, options?: RequestOptions): PagePromise<Replay> {
		const { page, ...query } = filter;
		return listOf(this.#transport, { path: this.#path(), query: { ...query } }, page, options);
	}

	async get(replayId: string, options?: RequestOptions): Promise<Replay> {
		return this.#transport.request<Replay>(
			{ method: "GET", path: this.#path() + path`/${replayId}`, answer: "replay" },
			options,
		);
	}

	/** Makes no more deliveries; those that are made go on. Throws a `ConflictError` if it has ended. */
	async cancel(replayId: string, options?: RequestOptions): Promise<Replay> {
		const request = { method: "POST", path: this.#path() + path`/${replayId}:cancel`, answer: "replay" } as const;
		return this.#transport.request<Replay>(request, options);
	}

	/**
	 * Looks again and again until the replay has ended. While its webhook is paused or disabled it waits, and so does this.
	 *
	 * @example
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

/** The body of a replay's call. */
export function wireReplay({
	since,
	until,
	...replay
}: ReplayWebhook & { readonly dryRun?: boolean | undefined }): string {
	return JSON.stringify({ ...replay, since: milliseconds("since", since), until: milliseconds("until", until) });
}
