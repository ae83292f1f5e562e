// The journal of the stats: what a transaction changes of them, as rows that it writes with its changes. A round of rolling up takes
// them away and adds them to the tables. Reads add both.
import type { DeliveryStatus } from "../../../core/delivery.ts";
import { NO_CAUSE } from "../../../core/log/attempt-cause.ts";
import { latencyBucket } from "../../../core/stats/latency-histogram.ts";
import { STATS_WIDTHS_MS } from "../../../core/stats/stats.ts";
import { binaryArray } from "../codec/arrays.ts";
import { statement } from "../codec/statements.ts";
import type { Session } from "../connection/session.ts";

/** Differences of counts; the names are those of columns. */
interface Counts {
	accepted: number;
	attempts_succeeded: number;
	attempts_failed: number;
	succeeded: number;
	exhausted: number;
	pending: number;
	succeeded_count: number;
	failed: number;
	held: number;
	cancelled: number;
	stored_bytes: number;
}

interface JournalRow extends Counts {
	readonly project: string;
	readonly webhook: string | null;
	readonly minute: number;
	lastAttempt: string | null;
	readonly latencies: number[];
	readonly causes: number[];
}

const COUNTS = [
	"accepted",
	"attempts_succeeded",
	"attempts_failed",
	"succeeded",
	"exhausted",
	"pending",
	"succeeded_count",
	"failed",
	"held",
	"cancelled",
] as const;
const STATUS_COLUMNS = {
	Pending: "pending",
	Succeeded: "succeeded_count",
	Failed: "failed",
	Held: "held",
	Cancelled: "cancelled",
} as const satisfies Record<DeliveryStatus, keyof Counts>;

const listIn = (column: string) =>
	`CASE ${column} WHEN '' THEN NULL ELSE string_to_array(${column}, ',')::integer[] END`;
const INSERT = statement(`
	INSERT INTO stats_journal (project_id, webhook_id, minute, ${COUNTS.join(", ")}, stored_bytes, last_attempt, latencies, causes)
	SELECT project_id, webhook_id, minute, ${COUNTS.join(", ")}, stored_bytes, last_attempt, ${listIn("latencies")}, ${listIn("causes")}
	FROM unnest(
		$1::uuid[], $2::uuid[], $3::bigint[], ${COUNTS.map((_, index) => `$${index + 4}::integer[]`).join(", ")},
		$${COUNTS.length + 4}::bigint[], $${COUNTS.length + 5}::uuid[], $${COUNTS.length + 6}::text[],
		$${COUNTS.length + 7}::text[]
	) AS given(project_id, webhook_id, minute, ${COUNTS.join(", ")}, stored_bytes, last_attempt, latencies, causes)
`);

/** A webhook and its project, by their UUIDs. */
export interface WebhookOf {
	readonly project: string;
	readonly webhook: string;
}

/** What is counted of an attempt. */
interface AttemptCounts {
	readonly success: boolean;
	readonly latencyMs: number | null;
	readonly cause: number;
}

/** The changes of one transaction. Every call that changes deliveries, or what is stored, reports it here. */
export class StatsChanges {
	readonly #rows = new Map<string, JournalRow>();

	/** Counts an event that a project accepted. */
	eventAccepted(project: string, at: number): void {
		this.#row(project, null, at).accepted += 1;
	}

	/** Counts a delivery of an event that is being accepted. */
	deliveryAccepted(of: WebhookOf, at: number, status: DeliveryStatus): void {
		this.#row(of.project, of.webhook, at).accepted += 1;
		this.moved(of, at, null, status);
	}

	/**
	 * Counts an attempt of a delivery. `latencyMs` is null if it says nothing about how fast the receiver responds. `cause` is the
	 * number of the cause of a failure, or `NO_CAUSE`.
	 */
	attempted(of: WebhookOf & { readonly id: string }, at: number, { success, latencyMs, cause }: AttemptCounts): void {
		const row = this.#row(of.project, of.webhook, at);
		row.lastAttempt = of.id;
		row[success ? "attempts_succeeded" : "attempts_failed"] += 1;
		if (latencyMs !== null) row.latencies.push(latencyBucket(latencyMs));
		if (cause !== NO_CAUSE) row.causes.push(cause);
	}

	/** Counts deliveries that change from one status to another. `from` null: they are new; `to` null: they are deleted. */
	moved(of: WebhookOf, at: number, from: DeliveryStatus | null, to: DeliveryStatus | null, times = 1): void {
		if (from === to) return;
		const row = this.#row(of.project, of.webhook, at);
		if (from !== null) row[STATUS_COLUMNS[from]] -= times;
		if (to === null) return;
		row[STATUS_COLUMNS[to]] += times;
		if (to === "Succeeded") row.succeeded += times;
		else if (to === "Failed") row.exhausted += times;
	}

	/** Counts bytes that a project has stored, or (negative) that were deleted. */
	storedBytes(project: string, at: number, bytes: number): void {
		if (bytes !== 0) this.#row(project, null, at).stored_bytes += bytes;
	}

	/** Sends the rows, if there are any. A failure is that of the transaction. */
	write(session: Session): void {
		const rows = [...this.#rows.values()];
		if (rows.length === 0) return;
		const sent = session.run(INSERT, [
			binaryArray(
				"uuid",
				rows.map(({ project }) => project),
			),
			binaryArray(
				"uuid",
				rows.map(({ webhook }) => webhook),
			),
			binaryArray(
				"int8",
				rows.map(({ minute }) => minute),
			),
			...COUNTS.map((name) =>
				binaryArray(
					"int4",
					rows.map((row) => row[name]),
				),
			),
			binaryArray(
				"int8",
				rows.map(({ stored_bytes }) => stored_bytes),
			),
			binaryArray(
				"uuid",
				rows.map(({ lastAttempt }) => lastAttempt),
			),
			binaryArray(
				"text",
				rows.map(({ latencies }) => latencies.join(",")),
			),
			binaryArray(
				"text",
				rows.map(({ causes }) => causes.join(",")),
			),
		]);
		sent.catch(() => {});
	}

	#row(project: string, webhook: string | null, at: number): JournalRow {
		const minute = at - (at % STATS_WIDTHS_MS.minute);
		const key = `${webhook ?? project} ${minute}`;
		let row = this.#rows.get(key);
		if (row === undefined) {
			row = { ...NOTHING, project, webhook, minute, lastAttempt: null, latencies: [], causes: [] };
			this.#rows.set(key, row);
		}
		return row;
	}
}

const NOTHING: Counts = {
	accepted: 0,
	attempts_succeeded: 0,
	attempts_failed: 0,
	succeeded: 0,
	exhausted: 0,
	pending: 0,
	succeeded_count: 0,
	failed: 0,
	held: 0,
	cancelled: 0,
	stored_bytes: 0,
};
