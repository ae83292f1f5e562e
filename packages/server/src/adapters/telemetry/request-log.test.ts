// The log line of a request.
import { describe, expect, it } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import type { LogLevel, RequestLine } from "../../ports/log.ts";
import { createLogger } from "./logger.ts";
import { logRequest, RequestLog } from "./request-log.ts";

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

describe("lines of requests", () => {
	/** The log after these requests, and after `ms` more. */
	function openLog(level: LogLevel) {
		const lines: Record<string, unknown>[] = [];
		const clock = new ManualClock();
		const logger = createLogger(level, { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });
		let leftOut = 0;
		const log = new RequestLog(logger, clock, () => leftOut++);
		const write = (count: number, line: Partial<RequestLine>) => {
			for (let n = 0; n < count; n++) log.write({ ...REQUEST, ...line });
		};
		return { lines, clock, logger, log, write, leftOut: () => leftOut };
	}
	const refused = { status: 401, code: "unauthenticated", reason: "No key." } as const;

	it("that are refused are written up to a rate, and then their number, with whose they were", () => {
		const { lines, clock, write, leftOut } = openLog("info");
		write(1_000, { ...refused, clientAddress: "192.0.2.1" });
		expect([lines.length, leftOut()]).toEqual([100, 900]);
		write(5, { ...refused, clientAddress: "192.0.2.2" });
		expect(lines).toHaveLength(105);
		clock.advance(10_000);
		const most = [{ clientAddress: "192.0.2.1", lines: 900, failures: 0, code: "unauthenticated" }];
		expect(lines.splice(0)[105]).toMatchObject({ level: "warn", leftOutLines: 900, leftOutFailures: 0, most });
		write(1_000, { ...refused, clientAddress: "192.0.2.1" });
		expect(lines).toHaveLength(100);
		clock.advance(10_000);
		expect(lines).toHaveLength(101);
		clock.advance(60_000);
		expect(lines).toHaveLength(101);
	});

	it("are divided by key, portal session and address; what keys do is written in any case", () => {
		const { lines, write } = openLog("info");
		write(1_000, { ...refused, clientAddress: "2001:db8::1" });
		write(1_000, { ...refused, clientAddress: "2001:db8::2" });
		expect(lines.splice(0)).toHaveLength(100);
		const failure = { status: 500, code: "internal", cause: new Error("broken") } as const;
		for (const keyId of ["key_1", "key_2"]) {
			write(300, { keyId });
			write(300, { keyId, ...refused, status: 403 });
			write(300, { keyId, ...failure });
			expect(lines.splice(0)).toHaveLength(500);
		}
		write(300, { portalSessionId: "portal_1" });
		write(300, { portalSessionId: "portal_2", ...refused });
		expect(lines.splice(0)).toHaveLength(200);
	});

	it("of failures are hidden by no number of refusals, also of others", () => {
		const { lines, clock, write } = openLog("info");
		const projectId = "proj_1";
		for (const keyId of ["key_1", "key_2", "key_3", "key_4", "key_5", "key_6"]) {
			write(300, { keyId, projectId, status: 409, code: "conflict" });
		}
		// Of a project together.
		expect(lines.splice(0)).toHaveLength(500);
		const failure = { status: 500, code: "internal", cause: new Error("broken") } as const;
		write(1, { keyId: "key_1", projectId, ...failure });
		write(1, { keyId: "key_9", projectId: "proj_2", status: 409, code: "conflict" });
		expect(lines.splice(0)).toMatchObject([{ level: "error", keyId: "key_1" }, { keyId: "key_9" }]);
		write(200, { keyId: "key_1", projectId, ...failure });
		lines.splice(0);
		clock.advance(10_000);
		expect(lines).toMatchObject([{ level: "error", leftOutLines: 1_300 + 101, leftOutFailures: 101 }]);
		expect(lines[0]?.["most"]).toMatchObject([{ lines: 301, failures: 101, projectId }, {}, {}]);
	});

	it("are reported at the level error if nothing below it is written", () => {
		const { lines, log, write } = openLog("error");
		write(500, { keyId: "key_1", status: 500, code: "internal", cause: new Error("broken") });
		write(500, { keyId: "key_1", ...refused });
		log.close();
		expect(lines).toHaveLength(101);
		expect(lines[100]).toMatchObject({ level: "error", leftOutLines: 400, leftOutFailures: 400 });
	});

	it("of keys are named beside any number of addresses, and probes that report a problem are written", () => {
		const { lines, log, write } = openLog("info");
		for (let n = 0; n < 2_000; n++) write(1, { ...refused, clientAddress: `2001:db8:${n.toString(16)}::1` });
		write(5_000, { keyId: "key_1", ...refused });
		lines.splice(0);
		for (let n = 0; n < 1_000; n++) {
			write(1, {
				isProbe: true,
				path: "/healthz",
				status: 400,
				code: "invalid_request",
				clientAddress: `2001:db8:${n.toString(16)}::1`,
			});
		}
		lines.splice(0);
		write(1, { isProbe: true, path: "/readyz", status: 503, clientAddress: "2001:db8:1::1" });
		expect(lines.splice(0)).toMatchObject([{ level: "warn", path: "/readyz" }]);
		log.close();
		expect(lines[0]?.["most"]).toMatchObject([{ keyId: "key_1", lines: 4_900 }, {}, {}, {}]);
	});

	it("have a bound for all addresses together", () => {
		const { lines, clock, log, write, leftOut } = openLog("info");
		for (let n = 0; n < 5_000; n++) write(1, { ...refused, clientAddress: `2001:db8:${n.toString(16)}::1` });
		expect([lines.length, leftOut()]).toEqual([500, 4_500]);
		write(1, { keyId: "key_1", ...refused });
		expect(lines.splice(0)).toHaveLength(501);
		clock.advance(1_000);
		log.close();
		expect(lines).toMatchObject([{ leftOutLines: 4_500 }]);
		expect(lines[0]?.["most"]).toHaveLength(3);
	});

	it("are all written at level debug, and probes that are well use up nothing", () => {
		const debug = openLog("debug");
		debug.write(1_000, refused);
		expect(debug.lines).toHaveLength(1_000);
		// Where nothing would be written, nothing is left out.
		const warn = openLog("warn");
		warn.write(1_000, refused);
		warn.clock.advance(60_000);
		expect([warn.lines.length, warn.leftOut()]).toEqual([0, 0]);
		const info = openLog("info");
		info.write(1_000, { isProbe: true, path: "/healthz" });
		info.write(100, refused);
		expect([info.lines.length, info.leftOut()]).toEqual([100, 0]);
		// The level can change while the server runs.
		info.logger.level = "debug";
		info.write(500, refused);
		expect(info.lines).toHaveLength(600);
	});
});

it("gives the duration of a request in milliseconds, rounded to microseconds", () => {
	const durations = [0.2673710000090068, 78.5554919999995, 4_000.0004];
	expect(linesAt("info", ...durations.map((durationMs) => ({ durationMs })))).toMatchObject([
		{ durationMs: 0.267 },
		{ durationMs: 78.555 },
		{ durationMs: 4_000 },
	]);
});
