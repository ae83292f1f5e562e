// Whether tests with PostgreSQL run, are skipped, or fail.
import { describe, expect, it } from "vitest";

import { HOW_TO_GET_POSTGRES, postgresIssue, URL_VARIABLE } from "./find-postgres.ts";

const missing = () => null;
const found = () => "/usr/lib/postgresql/15/bin";

describe("tests with PostgreSQL", () => {
	it("fail in CI if there is none, and are skipped with a reason elsewhere", () => {
		expect(() => postgresIssue({ CI: "true" }, missing)).toThrow(HOW_TO_GET_POSTGRES);
		expect(postgresIssue({}, missing)).toBe(HOW_TO_GET_POSTGRES);
	});

	it.each([
		["its programs", {}, found],
		["its programs in CI", { CI: "true" }, found],
		["a server that is named", { CI: "true", [URL_VARIABLE]: "postgres://postgres@127.0.0.1/postgres" }, missing],
	])("run with %s", (_what, env, programs) => {
		expect(postgresIssue(env, programs)).toBeNull();
	});
});
