// The log line of a request.
import { expect, it } from "vitest";

import type { LogLevel, RequestLine } from "../../ports/log.ts";
import { createLogger } from "./logger.ts";
import { logRequest } from "./request-log.ts";

const REQUEST: RequestLine = {
	requestId: "req_1",
	isProbe: false,
	method: "GET",
	path: "/",
	route: null,
	status: 200,
	durationMs: 1,
	bodyBytes: 0,
	clientAddress: null,
	keyId: null,
	sessionId: null,
	portalSessionId: null,
	projectId: null,
	webhookId: null,
	code: null,
	reason: null,
	cause: null,
};

/** The lines of a log of level `level`, parsed. */
function linesAt(level: LogLevel, ...requests: readonly Partial<RequestLine>[]): unknown[] {
	const lines: unknown[] = [];
	const logger = createLogger(level, { write: (line) => lines.push(JSON.parse(line)) });
	for (const request of requests) logRequest(logger, { ...REQUEST, ...request });
	return lines;
}

it("names levels in words", () => {
	const failure = { status: 503, code: "overloaded", reason: "Too much.", cause: new Error("full") };
	const refusal = { ...failure, cause: null };
	const lines = linesAt("info", {}, failure, refusal);
	expect(lines).toMatchObject([
		{ level: "info", status: 200 },
		{ level: "error", status: 503, reason: "Too much.", err: { message: "full" } },
		{ level: "info", status: 503, reason: "Too much." },
	]);
	expect(lines[2]).not.toHaveProperty("err");
});

it("has probes at level debug, and at warn if they find a problem", () => {
	const probe = { isProbe: true, path: "/readyz" };
	const ill = { ...probe, status: 503 };
	expect(linesAt("info", probe, ill)).toMatchObject([{ level: "warn", status: 503 }]);
	expect(linesAt("debug", probe)).toMatchObject([{ level: "debug", status: 200 }]);
});

it("names project and webhook, and gives the reason of a refusal, shortened", () => {
	const ids = { projectId: "proj_1", webhookId: "webhook_1" };
	const refused = { status: 400, code: "invalid_request", reason: "x".repeat(400) };
	expect(linesAt("info", { ...ids, ...refused }, {})).toMatchObject([
		{ ...ids, code: "invalid_request", reason: `${"x".repeat(300)}…` },
		{ projectId: null, code: null },
	]);
	expect(linesAt("info", {})[0]).not.toHaveProperty("reason");
});

it("gives the duration of a request in milliseconds, rounded to microseconds", () => {
	const durations = [0.2673710000090068, 78.5554919999995, 4_000.0004];
	expect(linesAt("info", ...durations.map((durationMs) => ({ durationMs })))).toMatchObject([
		{ durationMs: 0.267 },
		{ durationMs: 78.555 },
		{ durationMs: 4_000 },
	]);
});
