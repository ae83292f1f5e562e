// Reads the stats of a time range: every bucket, their sum, and how many deliveries are in each status now.
import { wholeProject, type Scope } from "../../core/access/principal.ts";
import { invalidRequest } from "../../core/errors.ts";
import { fillBuckets, statsRange, sumBuckets, type StatsRequest } from "../../core/stats/stats.ts";
import type { StatsStore } from "../../ports/store/stats.ts";
import type { Stats, StatsReport } from "../calls.ts";
import type { Directory } from "../directory/directory.ts";
import type { PartsOn } from "../parts.ts";

type Parts = Pick<PartsOn<StatsStore>, "store" | "clock">;

/** The stats of a webhook or of a whole project. */
export class StatsCalls implements Stats {
	readonly #parts: Parts;
	readonly #directory: Directory;

	constructor(parts: Parts, directory: Directory) {
		this.#parts = parts;
		this.#directory = directory;
	}

	async read(scope: Scope, webhookId: string | null, request: StatsRequest): Promise<StatsReport> {
		const { clock, store } = this.#parts;
		const projectId = wholeProject(scope);
		if (webhookId === null) this.#directory.project(projectId);
		else this.#directory.webhookIn(projectId, webhookId);
		const { width } = request;
		const range = statsRange(request, clock.now());
		if ("path" in range) throw invalidRequest([range]);
		const [buckets, deliveries] = await Promise.all([
			store.stats({ scope, webhookId, width, ...range }),
			store.statusCounts(scope, webhookId),
		]);
		const totals = sumBuckets(buckets, range.from);
		return { width, ...range, buckets: fillBuckets(buckets, width, range), totals, deliveries };
	}
}
