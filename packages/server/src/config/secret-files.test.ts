// Secrets in files: read as if their variables had them, and refused with what to do.
import { writeFileSync } from "node:fs";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { ConfigError, readConfig } from "../config.ts";

const MASTER = Buffer.alloc(32, 7);

function problemsOf(environment: Record<string, string>): readonly string[] {
	try {
		readConfig(environment);
	} catch (error) {
		if (error instanceof ConfigError) return error.problems;
		throw error;
	}
	return [];
}

describe("secrets in files", () => {
	const dir = new TemporaryDir();
	const write = (text: string) => {
		writeFileSync(dir.join("secret"), text);
		return { FANFARE_MASTER_KEY_FILE: dir.join("secret") };
	};

	it("are read without the white space around them, as if the variable had them", () => {
		expect(readConfig(write(` ${MASTER.toString("base64")}\n`)).masterKey).toEqual(MASTER);
		const url = "postgres://fanfare:hunter2@db.example/fanfare";
		expect(problemsOf(write(url))).toEqual([
			expect.stringMatching(/^the content of FANFARE_MASTER_KEY_FILE must be 32 bytes.* is secret$/),
		]);
		expect(
			readConfig({ FANFARE_MASTER_KEY: MASTER.toString("hex"), FANFARE_DATABASE_URL_FILE: dir.join("secret") }),
		).toMatchObject({
			databaseUrl: url,
		});
		expect(problemsOf({ FANFARE_DATABASE_URL_FILE: dir.join("secret") })).toEqual([
			expect.stringMatching(/^FANFARE_DATABASE_URL_FILE is set, but FANFARE_MASTER_KEY is not/),
		]);
	});

	it.each<[why: string, given: () => Record<string, string>, problem: RegExp]>([
		[
			"both variables",
			() => ({ ...write("x"), FANFARE_MASTER_KEY: "x" }),
			/^FANFARE_MASTER_KEY and FANFARE_MASTER_KEY_FILE are both set: leave one/,
		],
		["no path", () => ({ FANFARE_MASTER_KEY_FILE: "" }), /^FANFARE_MASTER_KEY_FILE is set but empty/],
		[
			"a missing file",
			() => ({ FANFARE_MASTER_KEY_FILE: dir.join("none") }),
			/^FANFARE_MASTER_KEY_FILE must name a file that can be read: ENOENT/,
		],
		["a directory", () => ({ FANFARE_MASTER_KEY_FILE: dir.path }), /must name a file that can be read: EISDIR/],
		["an empty file", () => write("\n"), /, which is empty$/],
		[
			"a device without an end",
			() => ({ FANFARE_MASTER_KEY_FILE: "/dev/zero" }),
			/^FANFARE_MASTER_KEY_FILE names \/dev\/zero, which is too large for a secret/,
		],
		[
			"a setting that is no secret",
			() => ({ FANFARE_PORT_FILE: dir.join("secret") }),
			/^FANFARE_PORT_FILE is not a setting of Fanfare/,
		],
	])("are refused with %s", (_, given, problem) => {
		expect(problemsOf(given())).toEqual([expect.stringMatching(problem)]);
	});
});
