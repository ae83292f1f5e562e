// Statistics as people ask for them: every bucket of a range, their sum, and how many deliveries are in each status now.
import { invalidRequest } from "../../core/errors.ts";
import { fillBuckets, statsRange, sumBuckets, type StatsRequest } from "../../core/stats/stats.ts";
import type { Projects, Stats as StatisticsCalls, StatsReport, Webhooks } from "../calls.ts";
import type { EngineParts } from "../parts.ts";

interface Neighbours {
	readonly projects: Pick<Projects, "get">;
	readonly webhooks: Pick<Webhooks, "get">;
}

export class StatsCalls implements StatisticsCalls {
	readonly #parts: Pick<EngineParts, "store" | "clock">;
	readonly #near: Neighbours;

	constructor(parts: Pick<EngineParts, "store" | "clock">, near: Neighbours) {
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
