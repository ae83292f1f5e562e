// Reads the stats of a time range: every bucket, their sum, and how many deliveries are in each status now.
import { isInScope, projectOf, type Scope } from "../../core/access/principal.ts";
import { invalidRequest } from "../../core/errors.ts";
import { fillBuckets, MAX_SERIES_BUCKETS, statsRange, sumBuckets, type StatsRequest } from "../../core/stats/stats.ts";
import type { StatsStore } from "../../ports/store/stats.ts";
import type { Directory } from "../directory/directory.ts";
import { webhooksNotFound } from "../directory/not-found.ts";
import type { PartsOn } from "../parts.ts";
import type { SeriesReport, Stats, StatsReport } from "../stats-calls.ts";

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
		if (webhookId === null) this.#directory.project(projectOf(scope));
		else this.#directory.webhookIn(scope, webhookId);
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

	async readSeries(scope: Scope, webhookIds: readonly string[], request: StatsRequest): Promise<SeriesReport> {
		const { clock, store } = this.#parts;
		const projectId = projectOf(scope);
		this.#directory.project(projectId);
		const known = this.#directory.webhooksIn(projectId, webhookIds).filter((webhook) => isInScope(scope, webhook));
		const knownIds = new Set(known.map(({ id }) => id));
		const unknown = webhookIds.flatMap((id, index) => (knownIds.has(id) ? [] : [`ids.${index}`]));
		if (unknown.length > 0) throw webhooksNotFound(unknown);
		const { width } = request;
		const range = statsRange(request, clock.now(), MAX_SERIES_BUCKETS);
		if ("path" in range) throw invalidRequest([range]);
		return { width, ...range, series: await store.webhookSeries({ scope, webhookIds, width, ...range }) };
	}
}
