// Fanfare's metrics for Prometheus. Names follow its conventions: base units, `_total` for counters.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

import { SharedRuns } from "../../core/concurrency/shared-runs.ts";
import type { ErrorCode } from "../../core/errors.ts";
import { ATTEMPT_ERRORS } from "../../core/log/attempt-cause.ts";
import type { AttemptReport, EngineGauges } from "../../ports/observer.ts";
import { OWN_FAILURES, type OwnFailure } from "../../ports/sender.ts";
import { NOTHING_PURGED, type Purged } from "../../ports/store/retention.ts";
import type { StoreUsage } from "../../ports/store/usage.ts";
import { watchCluster, type ClusterState } from "./cluster-metrics.ts";
import { watchEventLoopLag } from "./event-loop-lag.ts";

/** From one millisecond to longer than the longest attempt. */
const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60];
const COMMIT_BUCKETS_S = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
const SIZE_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048];
const MS_PER_S = 1_000;
/** The longest delay of a timer. prom-client's own measurement of event-loop lag is replaced, so it should not run. */
const PRACTICALLY_NEVER_MS = 2 ** 31 - 1;

/** The error codes with which the engine refuses sends. */
const REFUSAL_CODES = [
	"invalid_request",
	"unknown_webhook",
	"payload_too_large",
	"idempotency_conflict",
	"event_rate_exceeded",
	"stored_bytes_exceeded",
	"overloaded",
	"shutting_down",
	"store_full",
	"store_unavailable",
	"outcome_unknown",
] as const satisfies readonly ErrorCode[];

/** The error codes with which the API refuses request bodies before it has read them. */
const BODY_REFUSAL_CODES = [
	"overloaded",
	"payload_too_large",
	"request_timeout",
	"invalid_encoding",
	"invalid_request",
] as const satisfies readonly ErrorCode[];

/** What a gauge has for each value of its label; null for what is not known. */
type Values = Readonly<Record<string, number | null>>;

/** Values that are read on each scrape. */
export interface MetricSources {
	gauges(): EngineGauges;
	/** The bytes of the responses that their clients have not read yet. */
	unreadResponseBytes(): number;
	/** Deliveries that are not final, by status. */
	openDeliveries(): Promise<Readonly<Record<"Pending" | "Held", number>>>;
	/** The sizes of the store's files and of their volume; null for what the store has not. */
	room(): Promise<Pick<StoreUsage, "fileBytes" | "walBytes" | "volume">>;
	/** What the process is among others; null for one that runs alone, which has no such metrics. */
	readonly cluster: (() => ClusterState) | null;
}

/** Counts what the observer reports, and renders everything for Prometheus. */
export class Metrics {
	readonly #registry = new Registry();
	readonly #renderings = new SharedRuns<{ contentType: string; text: string }>();
	readonly #accepted: Counter;
	readonly #deliveries: Counter;
	readonly #refused: Counter<"code">;
	readonly #refusedBodies: Counter<"code">;
	readonly #refusedReads: Counter;
	readonly #attempts: Counter<"result" | "error">;
	readonly #returned: Counter<"reason">;
	readonly #attemptSeconds: Histogram<"result">;
	readonly #acceptedToSent: Histogram;
	readonly #commitSeconds: Histogram;
	readonly #commitSize: Histogram;
	readonly #purged: Counter<"kind">;
	readonly #released: Counter;
	readonly #connectionsRefused: Counter;
	readonly #linesLeftOut: Counter;
	readonly #problems: Counter;

	/** `version` is that of the server. */
	constructor(version: string) {
		const registers = [this.#registry];
		const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
			new Counter({ name: `fanfare_${name}`, help, labelNames, registers });
		const histogram = <L extends string>(name: string, help: string, buckets: number[], labelNames: L[] = []) =>
			new Histogram({ name: `fanfare_${name}`, help, buckets, labelNames, registers });
		this.#accepted = counter("events_accepted_total", "Events accepted: committed and synced.");
		this.#deliveries = counter("deliveries_created_total", "Deliveries created for accepted events.");
		this.#refused = counter("events_refused_total", "Sends refused, by error code.", ["code"]);
		this.#refusedBodies = counter(
			"request_bodies_refused_total",
			"Request bodies that were not read to their end, by error code.",
			["code"],
		);
		this.#refusedReads = counter(
			"reads_refused_total",
			"Reads refused because too many responses have not been read by their clients.",
		);
		this.#attempts = counter("attempts_total", "Attempts, by result and error.", ["result", "error"]);
		this.#returned = counter(
			"attempts_returned_total",
			"Attempts that say nothing about their receivers and used no retry, by reason: Fanfare had no descriptor or memory for them, or no turn in time, or cut them short.",
			["reason"],
		);
		this.#attemptSeconds = histogram("attempt_duration_seconds", "How long attempts took.", LATENCY_BUCKETS_S, [
			"result",
		]);
		this.#acceptedToSent = histogram(
			"accepted_to_sent_seconds",
			"From the acceptance of an event to the start of its first attempt.",
			LATENCY_BUCKETS_S,
		);
		this.#commitSeconds = histogram("commit_duration_seconds", "How long a group commit took.", COMMIT_BUCKETS_S);
		this.#commitSize = histogram("commit_size", "Events and outcomes in one group commit.", SIZE_BUCKETS);
		this.#purged = counter("retention_deleted_total", "Records deleted by retention, by kind.", ["kind"]);
		this.#released = counter("retention_released_bytes_total", "Bytes given back to the file system.");
		this.#connectionsRefused = counter(
			"connections_refused_total",
			"Connections of clients that were closed at once, because there were too many.",
		);
		this.#linesLeftOut = counter(
			"request_log_lines_left_out_total",
			"Requests without a line in the log, because there were too many of their caller, their project or their kind.",
		);
		this.#problems = counter("problems_total", "Internal failures that were handled; the log describes them.");
		const build = new Gauge({
			name: "fanfare_build_info",
			help: "Always 1, with the version.",
			labelNames: ["version"],
			registers,
		});
		build.set({ version }, 1);
		this.#beginSeries();
		// Memory, CPU, open handles, garbage collection.
		collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: PRACTICALLY_NEVER_MS });
		watchEventLoopLag(this.#registry);
	}

	/** Adds the gauges, which are read on each scrape. */
	watch(sources: MetricSources): void {
		if (sources.cluster !== null) watchCluster(this.#registry, sources.cluster);
		const registers = [this.#registry];
		const gauge = (name: string, help: string, read: () => number) =>
			new Gauge({
				name: `fanfare_${name}`,
				help,
				registers,
				collect() {
					this.set(read());
				},
			});
		gauge("ready_deliveries", "Deliveries ready in memory.", () => sources.gauges().readyDeliveries);
		gauge("in_flight_attempts", "Attempts under way.", () => sources.gauges().inFlightAttempts);
		gauge("waiting_sends", "Sends waiting for their commit.", () => sources.gauges().waitingSends);
		gauge("stored_bytes", "About how many bytes all projects have stored.", () => sources.gauges().storedBytes);
		gauge(
			"unread_response_bytes",
			"Bytes of the responses of 16 KiB or more that their clients have not read yet.",
			() => sources.unreadResponseBytes(),
		);
		gauge(
			"oldest_due_seconds",
			"Age of the oldest due delivery in the store that nothing works on yet.",
			() => sources.gauges().oldestDueMs / MS_PER_S,
		);
		const labelled = <L extends string>(name: string, help: string, label: L, read: () => Promise<Values>) =>
			new Gauge({
				name: `fanfare_${name}`,
				help,
				labelNames: [label],
				registers,
				async collect() {
					this.reset();
					// While the store can't be read, all other metrics are shown: an alert says why.
					const values = await read().catch(() => ({}));
					for (const [value, count] of Object.entries(values)) {
						if (count !== null) this.labels(value).set(count);
					}
				},
			});
		labelled("open_deliveries", "Deliveries that are not final, by status.", "status", () => sources.openDeliveries());
		labelled("webhooks", "Webhooks, by status.", "status", async () => sources.gauges().webhooks);
		labelled("store_bytes", "What the files of the store take, by file.", "file", async () => {
			const { fileBytes, walBytes } = await sources.room();
			return { database: fileBytes === null ? null : fileBytes - (walBytes ?? 0), wal: walBytes };
		});
		labelled("volume_bytes", "The volume with the store: its size, and how much of it is free.", "kind", async () => {
			const { volume } = await sources.room();
			return { size: volume?.sizeBytes ?? null, free: volume?.freeBytes ?? null };
		});
	}

	/** Creates every series with 0: otherwise rates and alerts would miss its first increment. */
	#beginSeries(): void {
		this.purged(NOTHING_PURGED);
		for (const code of REFUSAL_CODES) this.#refused.inc({ code }, 0);
		for (const code of BODY_REFUSAL_CODES) this.#refusedBodies.inc({ code }, 0);
		this.#attempts.inc({ result: "success", error: "none" }, 0);
		for (const error of ["status", ...ATTEMPT_ERRORS]) this.#attempts.inc({ result: "failure", error }, 0);
		for (const reason of OWN_FAILURES) this.#returned.inc({ reason }, 0);
		for (const result of ["success", "failure"] as const) this.#attemptSeconds.zero({ result });
	}

	eventAccepted(deliveryCount: number): void {
		this.#accepted.inc();
		this.#deliveries.inc(deliveryCount);
	}

	eventRefused(code: string): void {
		this.#refused.inc({ code });
	}

	bodyRefused(code: string): void {
		this.#refusedBodies.inc({ code });
	}

	readRefused(): void {
		this.#refusedReads.inc();
	}

	attemptFinished(report: AttemptReport): void {
		const { result } = report;
		this.#attempts.inc({ result, error: report.error ?? (result === "success" ? "none" : "status") });
		this.#attemptSeconds.observe({ result }, report.durationMs / MS_PER_S);
		if (report.acceptedToSentMs !== null) this.#acceptedToSent.observe(report.acceptedToSentMs / MS_PER_S);
	}

	attemptReturned(reason: OwnFailure): void {
		this.#returned.inc({ reason });
	}

	committed(commit: { readonly events: number; readonly updates: number; readonly durationMs: number }): void {
		this.#commitSeconds.observe(commit.durationMs / MS_PER_S);
		this.#commitSize.observe(commit.events + commit.updates);
	}

	purged(purged: Purged): void {
		for (const [kind, count] of Object.entries(purged)) this.#purged.inc({ kind }, count);
	}

	spaceReleased(bytes: number): void {
		this.#released.inc(bytes);
	}

	connectionRefused(): void {
		this.#connectionsRefused.inc();
	}

	requestLineLeftOut(): void {
		this.#linesLeftOut.inc();
	}

	problem(): void {
		this.#problems.inc();
	}

	/** All metrics in Prometheus' text format. Anybody may ask, and some are read from the store: callers that come at once share a rendering. */
	render(): Promise<{ contentType: string; text: string }> {
		return this.#renderings.run("", async () => ({
			contentType: this.#registry.contentType,
			text: await this.#registry.metrics(),
		}));
	}
}
