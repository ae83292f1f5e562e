// Traces by OpenTelemetry, sent to a collector by OTLP over HTTP. Loaded only if they are asked for.
import { isSpanContextValid, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from "@opentelemetry/api";
import type { Attributes, Context, Span as OtelSpan } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
	defaultResource,
	detectResources,
	envDetector,
	resourceFromAttributes,
	serviceInstanceIdDetector,
} from "@opentelemetry/resources";
import {
	BatchSpanProcessor,
	ParentBasedSampler,
	TraceIdRatioBasedSampler,
	TracerProvider,
	type SpanExporter,
} from "@opentelemetry/sdk-trace";

import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { Span, SpanFacts, Tracing } from "../../ports/tracing.ts";

/** Where traces go, and how many. */
export interface TracingOptions {
	/** The collector's address for traces, such as `http://collector:4318/v1/traces`. */
	readonly url: string;
	/** The share of the traces that begin here, from 0 to 1. The caller of a send decides about its own. */
	readonly ratio: number;
	readonly version: string;
	/** Called when spans could not be sent, at most once a minute. They are lost. */
	readonly onLost: (reason: string) => void;
	/** The time in ms, of a clock that never steps back. */
	readonly monotonicMs: () => number;
}

/** Traces that can be ended. */
export interface OpenTracing extends Tracing {
	/** Sends what waits, for 2 seconds at most. No span may begin afterwards. */
	close(): Promise<void>;
}

/** Spans that wait to be sent; more are dropped, so that a collector that is away costs no memory. */
const MAX_WAITING_SPANS = 8_192;
const MAX_SPANS_A_REQUEST = 512;
const SEND_AFTER_MS = 1_000;
const REQUEST_TIMEOUT_MS = 2_000;
const REPORT_EVERY_MS = 60_000;

/**
 * Opens traces. The exporter and the resource also read OpenTelemetry's own variables, such as `OTEL_EXPORTER_OTLP_HEADERS`,
 * `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`.
 *
 * @example
 * const tracing = openTracing({ url: "http://127.0.0.1:4318/v1/traces", ratio: 1, version, onLost, monotonicMs });
 * const span = tracing.accepting("proj_…", null);
 * span.end({ "fanfare.event.id": "evt_…" }, null);
 * await tracing.close();
 */
export function openTracing({ url, ratio, version, onLost, monotonicMs }: TracingOptions): OpenTracing {
	const exporter = reporting(new OTLPTraceExporter({ url, timeoutMillis: REQUEST_TIMEOUT_MS }), onLost, monotonicMs);
	const provider = new TracerProvider({
		resource: defaultResource()
			.merge(resourceFromAttributes({ "service.name": "fanfare", "service.version": version }))
			.merge(detectResources({ detectors: [serviceInstanceIdDetector, envDetector] })),
		sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
		spanProcessors: [
			new BatchSpanProcessor({
				exporter,
				maxQueueSize: MAX_WAITING_SPANS,
				maxExportBatchSize: MAX_SPANS_A_REQUEST,
				scheduledDelayMillis: SEND_AFTER_MS,
				exportTimeoutMillis: REQUEST_TIMEOUT_MS,
			}),
		],
	});
	const tracer = provider.getTracer("fanfare", version);
	const begin = (name: string, kind: SpanKind, attributes: Attributes, parent: string | null): Span =>
		new ExportedSpan(tracer.startSpan(name, { kind, attributes }, contextOf(parent)));
	return {
		accepting: (projectId, parent) => begin("accept", SpanKind.SERVER, { "fanfare.project.id": projectId }, parent),
		attempting: (delivery, endpoint) =>
			begin("attempt", SpanKind.CLIENT, attemptAttributes(delivery, endpoint), delivery.traceparent),
		// What the last request loses is reported like that of any other.
		close: () => provider.shutdown().catch(() => {}),
	};
}

/** A span that is sent to the collector once it has ended, if its trace is sampled. */
class ExportedSpan implements Span {
	readonly #span: OtelSpan;

	constructor(span: OtelSpan) {
		this.#span = span;
	}

	get traceparent(): string {
		const { traceId, spanId, traceFlags } = this.#span.spanContext();
		return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
	}

	end(facts: SpanFacts, error: string | null): void {
		this.#span.setAttributes(facts);
		if (error !== null) this.#span.setAttribute("error.type", error).setStatus({ code: SpanStatusCode.ERROR });
		this.#span.end();
	}
}

/** The context of a `traceparent` of any version; without one, or with ids that stand for none, a new trace begins. */
function contextOf(traceparent: string | null): Context {
	const [, traceId = "", spanId = "", flags = ""] = traceparent?.split("-") ?? [];
	const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
	return isSpanContextValid(spanContext) ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : ROOT_CONTEXT;
}

/** The endpoint's path and query are left out: they may hold secrets. */
function attemptAttributes(delivery: LeasedDelivery, endpoint: string): Attributes {
	const url = URL.parse(endpoint);
	return {
		"fanfare.project.id": delivery.projectId,
		"fanfare.webhook.id": delivery.webhookId,
		"fanfare.event.id": delivery.eventId,
		"fanfare.event.type": delivery.eventType,
		"fanfare.delivery.id": delivery.id,
		"fanfare.attempt.number": delivery.attemptCount + 1,
		"fanfare.attempt.trigger": delivery.trigger,
		"http.request.method": "POST",
		...(url !== null && url.host !== "" && { "server.address": url.hostname, "server.port": portOf(url) }),
	};
}

function portOf({ port, protocol }: URL): number {
	return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

/** The exporter, and a report when it fails. */
function reporting(exporter: SpanExporter, onLost: TracingOptions["onLost"], monotonicMs: () => number): SpanExporter {
	let nextReportAt = -Infinity;
	return {
		export(spans, done) {
			exporter.export(spans, (result) => {
				if (result.error !== undefined && monotonicMs() >= nextReportAt) {
					nextReportAt = monotonicMs() + REPORT_EVERY_MS;
					onLost(result.error.message);
				}
				done(result);
			});
		},
		shutdown: () => exporter.shutdown(),
		forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
	};
}
