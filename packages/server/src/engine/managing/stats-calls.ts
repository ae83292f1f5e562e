// Reads the stats of a time range: every bucket, their sum, and how many deliveries are in each status now.
import { invalidRequest } from "../../core/errors.ts";
import { fillBuckets, statsRange, sumBuckets, type StatsRequest } from "../../core/stats/stats.ts";
import type { StatsStore } from "../../ports/store/stats.ts";
import type { Projects, Stats, StatsReport, Webhooks } from "../calls.ts";
import type { PartsOn } from "../parts.ts";

type Parts = Pick<PartsOn<StatsStore>, "store" | "clock">;

interface Neighbours {
	readonly projects: Pick<Projects, "get">;
	readonly webhooks: Pick<Webhooks, "get">;
}

/** The stats of a webhook or of a whole project. */
export class StatsCalls implements Stats {
	readonly #parts: Parts;
	readonly #near: Neighbours;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	async read(projectId: string, webhookId: string | null, request: StatsRequest): Promise<StatsReport> {
		const { clock, store } = this.#parts;
		this.#near.projects.get(projectId);
		if (webhookId !== null) this.#near.webhooks.get(projectId, webhookId);
		const { width } = request;
		const range = statsRange(request, clock.now());
		if ("path" in range) throw invalidRequest([range]);
		const [buckets, deliveries] = await Promise.all([
			store.stats({ projectId, webhookId, width, ...range }),
			store.statusCounts(projectId, webhookId),
		]);
		const totals = sumBuckets(buckets, range.from);
		return { width, ...range, buckets: fillBuckets(buckets, width, range), totals, deliveries };
	}
}
