// Reads the stats of a time range: every bucket, their sum, and how many deliveries are in each status now.
import { isInScope, projectOf, type Scope } from "../../core/access/principal.ts";
import { invalidRequest } from "../../core/errors.ts";
import type { PageRequest } from "../../core/page.ts";
import { fillBuckets, MAX_SERIES_BUCKETS, statsRange, sumBuckets, type StatsRequest } from "../../core/stats/stats.ts";
import type { DeliveryFilter, LogStore } from "../../ports/store/log.ts";
import type { StatsStore } from "../../ports/store/stats.ts";
import type { Directory } from "../directory/directory.ts";
import { webhooksNotFound } from "../directory/not-found.ts";
import type { PartsOn } from "../parts.ts";
import type { SeriesReport, Stats, StatsReport } from "../stats-calls.ts";

type Parts = Pick<PartsOn<StatsStore & LogStore>, "store" | "clock">;

const ANY_DELIVERY: DeliveryFilter = {
	webhookId: null,
	eventId: null,
	statuses: null,
	eventTypes: null,
	responseCodes: null,
	causes: null,
	after: null,
	before: null,
	updatedAfter: null,
	updatedBefore: null,
};
/** The first row after the lowest id. */
const OLDEST: PageRequest = {
	limit: 1,
	cursor: { direction: "newer", id: "dlv_00000000-0000-7000-8000-000000000000" },
};

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
		const since = async (status: "Pending" | "Held") =>
			deliveries[status] === 0 ? null : this.#oldest(scope, webhookId, status);
		const [Pending, Held] = await Promise.all([since("Pending"), since("Held")]);
		const totals = sumBuckets(buckets, range.from);
		const waitingSince = { Pending, Held };
		return { width, ...range, buckets: fillBuckets(buckets, width, range), totals, deliveries, waitingSince };
	}

	/** When the oldest delivery in a status was created: one seek into the log, however many there are. */
	async #oldest(scope: Scope, webhookId: string | null, status: "Pending" | "Held"): Promise<number | null> {
		const filter = { ...ANY_DELIVERY, webhookId, statuses: [status] };
		const { rows } = await this.#parts.store.deliveries(scope, filter, OLDEST);
		return rows[0]?.createDate ?? null;
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
