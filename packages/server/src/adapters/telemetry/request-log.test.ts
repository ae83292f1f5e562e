// The log line of a request.
import { expect, it } from "vitest";

import { createLogger } from "./logger.ts";
import { logRequest } from "./request-log.ts";

it("gives the duration of a request in milliseconds, rounded to microseconds", () => {
	const lines: string[] = [];
	const logger = createLogger("info", { write: (line) => lines.push(line) });
	const request = {
		requestId: "req_1",
		method: "GET",
		path: "/",
		route: null,
		bodyBytes: 0,
		clientAddress: null,
		keyId: null,
	};
	for (const durationMs of [0.2673710000090068, 78.5554919999995, 4_000.0004]) {
		logRequest(logger, { ...request, status: 404, durationMs, code: null, cause: null });
	}
	expect(lines.map((text) => (JSON.parse(text) as { durationMs: number }).durationMs)).toEqual([0.267, 78.555, 4_000]);
});
