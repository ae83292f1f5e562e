// The settings of traces.
import { parseRatio, parseTracesUrl } from "./parse.ts";
import { setting } from "./setting.ts";

export const TRACING_SETTINGS = {
	tracesUrl: setting(parseTracesUrl, null, {
		expected: "a URL such as http://127.0.0.1:4318/v1/traces, without user name and fragment",
		meaning:
			"Where spans of sends and attempts go, by OTLP over HTTP, usually an OpenTelemetry Collector. Headers for it are in " +
			"OpenTelemetry's own variable `OTEL_EXPORTER_OTLP_HEADERS`. See docs/operating.md.",
		defaultText: "none: there are no traces",
		example: "http://127.0.0.1:4318/v1/traces",
	}),
	tracesRatio: setting(parseRatio, 1, {
		expected: "a number from 0 to 1",
		meaning:
			"The share of traces that is kept of those that begin with Fanfare. Whether a trace of a caller is kept is in its `traceparent`.",
		defaultText: "`1`",
		example: "0.05",
	}),
};
