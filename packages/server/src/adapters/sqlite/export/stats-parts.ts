// The parts of the stats: the tables, and what the journal has that is not in them yet.
import type { DatabaseSync } from "node:sqlite";

import type { DeliveryStatus } from "../../../core/delivery.ts";
import type { TransferRows } from "../../../ports/store/transfer/rows.ts";
import type { TransferStep } from "../../../ports/store/transfer/transfer.ts";
import { idText } from "../codec/ids.ts";
import { bytes, number, numberOrNull, type Row } from "../codec/rows.ts";
import type { Numbers } from "../deliveries/numbers.ts";
import { decodeEntry } from "../stats/stats-bytes.ts";
import {
	ACCEPTED,
	ATTEMPTS_FAILED,
	ATTEMPTS_SUCCEEDED,
	COUNTER_COUNT,
	emptyStats,
	EXHAUSTED,
	StatsSums,
	SUCCEEDED,
	type PeriodStats,
} from "../stats/stats-sums.ts";
import { addStatsRow, STATS_COLUMNS, STATUS_COUNT_COLUMNS, toStatusCounts } from "../stats/stats-tables.ts";
import type { DeliveryIds } from "./delivery-ids.ts";
import { createPartReader, type PartReader } from "./part-reader.ts";

type Changes = TransferRows["statsChanges"];

/** Prepares the reading of the parts. */
export function createStatsParts(db: DatabaseSync, numbers: Numbers, ids: DeliveryIds) {
	return {
		stats: createPartReader(db, {
			columns: ["width_ms", "start", "owner", ...STATS_COLUMNS],
			from: "stats",
			key: ["width_ms", "start", "owner"],
			toRow: (row): TransferRows["stats"] => {
				const stats = emptyStats();
				addStatsRow(stats, row);
				return {
					owner: ownerOf(row),
					widthMs: number(row["width_ms"]),
					start: number(row["start"]),
					...countersOf(stats),
				};
			},
		}),
		statsChanges: createChanges(db, numbers, ids),
		statusCounts: createPartReader(db, {
			columns: ["owner", "last_attempt", ...STATUS_COUNT_COLUMNS],
			from: "status_counts",
			key: ["owner"],
			toRow: (row): TransferRows["statusCounts"] => {
				const lastAttempt = numberOrNull(row["last_attempt"]);
				const lastAttemptId = lastAttempt === null ? null : ids.of(lastAttempt);
				return { owner: ownerOf(row), counts: toStatusCounts(row, []), lastAttemptId };
			},
		}),
		storedBytes: createPartReader(db, {
			columns: ["project", "bytes"],
			from: "stored_bytes",
			where: "project IN (SELECT number FROM projects)",
			key: ["project"],
			toRow: (row): TransferRows["storedBytes"] => ({
				projectId: numbers.projects.at(number(row["project"])).id,
				bytes: number(row["bytes"]),
			}),
		}),
	};
}

/** The UUID of a webhook or a project. */
function ownerOf(row: Row): string {
	return idText("webhook", bytes(row["owner"])).slice("webhook_".length);
}

function countersOf({ counts, latency, causes }: PeriodStats) {
	return {
		accepted: counts[ACCEPTED] ?? 0,
		attemptsSucceeded: counts[ATTEMPTS_SUCCEEDED] ?? 0,
		attemptsFailed: counts[ATTEMPTS_FAILED] ?? 0,
		succeeded: counts[SUCCEEDED] ?? 0,
		exhausted: counts[EXHAUSTED] ?? 0,
		latencies: [...(latency ?? [])],
		causes: [...(causes ?? [])],
	};
}

/** Rows of a step. */
const STEP = 200;

/** All of them are in memory: they are what happened since the last round of rolling up has begun. A place is a number of them. */
function createChanges(db: DatabaseSync, numbers: Numbers, ids: DeliveryIds): PartReader<Changes> {
	let known: readonly Changes[] | null = null;
	const all = () => (known ??= [...changesOf(readJournal(db), numbers, ids)]);
	return {
		count: () => all().length,
		read(after): TransferStep<Changes> {
			const from = after === null ? 0 : Number(after);
			const end = from + STEP;
			return { rows: all().slice(from, end), next: end >= all().length ? null : String(end) };
		},
	};
}

/** The sums of the journal, without those parts that are in the tables already. */
function readJournal(db: DatabaseSync): StatsSums {
	const sums = new StatsSums();
	const entries = db.prepare(
		"SELECT changes FROM stats_journal WHERE seq > (SELECT through FROM stats_state) ORDER BY seq",
	);
	for (const row of entries.iterate()) sums.absorb(decodeEntry(bytes(row["changes"])));
	for (const row of db.prepare("SELECT changes FROM stats_done").iterate()) {
		sums.subtract(decodeEntry(bytes(row["changes"])));
	}
	return sums;
}

/** What was counted of webhooks and projects that are deleted completely is dropped, as by rolling up. */
function* changesOf(sums: StatsSums, { webhooks, projects }: Numbers, ids: DeliveryIds): Iterable<Changes> {
	for (const [minute, { webhooks: ofWebhooks, projects: ofProjects }] of sums.minutes) {
		for (const [place, accepted] of ofProjects) {
			const project = projects.atOrNull(place);
			if (project !== null) yield { ...NOTHING, projectId: project.id, minute, accepted };
		}
		for (const [place, stats] of ofWebhooks) {
			const webhook = webhooks.atOrNull(place);
			const project = webhook === null ? null : projects.atOrNull(webhook.project);
			if (webhook === null || project === null) continue;
			yield {
				...NOTHING,
				...countersOf(stats),
				projectId: project.id,
				webhookId: webhook.id,
				minute,
				counts: changedCounts(stats),
				lastAttemptId: stats.lastAttempt === 0 ? null : ids.of(stats.lastAttempt),
			};
		}
	}
	for (const [place, storedBytes] of sums.stored) {
		const project = projects.atOrNull(place);
		if (project !== null) yield { ...NOTHING, projectId: project.id, storedBytes };
	}
}

const NOTHING: Omit<Changes, "projectId"> = {
	...countersOf(emptyStats()),
	webhookId: null,
	minute: 0,
	counts: changedCounts(emptyStats()),
	storedBytes: 0,
	lastAttemptId: null,
};

function changedCounts({ counts }: PeriodStats): Record<DeliveryStatus, number> {
	return toStatusCounts(undefined, counts.slice(COUNTER_COUNT));
}
