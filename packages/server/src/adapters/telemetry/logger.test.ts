// The log in the hands of another program's logger.
import { describe, expect, it } from "vitest";

import type { GivenLogger } from "../../ports/log.ts";
import { createLogger } from "./logger.ts";

function recorder() {
	const lines: unknown[][] = [];
	const method =
		(level: string) =>
		(...args: unknown[]) =>
			void lines.push([level, ...args]);
	const [debug, info, warn, error, fatal] = ["debug", "info", "warn", "error", "fatal"].map(method);
	return { lines, given: { debug, info, warn, error, fatal } as GivenLogger };
}

it("writes no characters that a terminal would obey, and JSON with the same text", () => {
	const lines: string[] = [];
	const logger = createLogger("info", { write: (line) => lines.push(line) });
	const hostile = "a\u001B[2J\u009B2J\u202Egnp.exe\u2066";
	logger.info({ reason: hostile }, hostile);
	expect(JSON.parse(lines[0] ?? "")).toMatchObject({ reason: hostile, msg: hostile });
	expect(lines[0]).not.toMatch(/[^\n -~]/);
	expect(lines[0]).toContain(String.raw`\u202egnp.exe\u2066`);
});

describe("a given logger", () => {
	it("gets level, fields and message as they are, with errors as objects", () => {
		const { lines, given } = recorder();
		const logger = createLogger("trace", given);
		const err = new Error("disk full");
		logger.trace("detail");
		logger.debug({ a: 1 }, "small");
		logger.info({ path: "/x" }, "request");
		logger.warn("only a message");
		logger.error({ err }, "failed");
		logger.fatal({ err }, "the end");
		expect(lines).toEqual([
			["debug", {}, "detail"],
			["debug", { a: 1 }, "small"],
			["info", { path: "/x" }, "request"],
			["warn", {}, "only a message"],
			["error", { err }, "failed"],
			["fatal", { err }, "the end"],
		]);
		const [, fields] = lines[4] ?? [];
		expect(fields).toHaveProperty("err", err);
	});

	it("gets nothing below the level of the settings, and nothing at all if that is silent", () => {
		const { lines, given } = recorder();
		createLogger("warn", given).info({}, "request");
		createLogger("silent", given).fatal({}, "the end");
		expect(lines).toEqual([]);
		expect(createLogger("warn", given).isLevelEnabled("info")).toBe(false);
	});
});
