import { expect, it } from "vitest";

import { createLogger } from "./logger.ts";
import { logRequest } from "./request-log.ts";

it("tells how long a request took in milliseconds, to the microsecond", () => {
	const lines: string[] = [];
	const logger = createLogger("info", { write: (line) => lines.push(line) });
	const line = { requestId: "req_1", method: "GET", path: "/", status: 404, bodyBytes: 0, keyId: null, code: null };
	for (const durationMs of [0.2673710000090068, 78.5554919999995, 4_000.0004])
		logRequest(logger, { ...line, durationMs, cause: null });
	expect(lines.map((text) => (JSON.parse(text) as { durationMs: number }).durationMs)).toEqual([0.267, 78.555, 4_000]);
});
