// The URL of the database: what is refused, and that its password is not shown then.
import { expect, it } from "vitest";

import { ConfigError, readConfig } from "../config.ts";

it.each([
	[
		"another scheme",
		"mysql://u:hidden@h/d",
		/FANFARE_DATABASE_URL must be a URL such as .*, with a user, one host and a database/,
	],
	["no database", "postgres://u:hidden@h", /FANFARE_DATABASE_URL must be a URL such as/],
	["no user", "postgres://h/d", /FANFARE_DATABASE_URL must be a URL such as/],
	["several hosts", "postgres://u:hidden@one.example,other.example/d", /one host/],
	["several hosts with ports", "postgres://u:hidden@one:5432,other:5432/d", /one host/],
	["several hosts in its query", "postgres://u:hidden@h/d?host=one,other", /one host/],
	["TLS or not", "postgres://u:hidden@h/d?sslmode=prefer", /sslmode/],
	["no master key", "postgres://u:hidden@h/d", /but FANFARE_MASTER_KEY is not: set it too/],
])("is refused with %s", (what, url, problem) => {
	const masterKey = what === "no master key" ? {} : { FANFARE_MASTER_KEY: "0".repeat(64) };
	expect(problemsOf({ FANFARE_DATABASE_URL: url, ...masterKey })).toEqual([expect.stringMatching(problem)]);
	expect(problemsOf({ FANFARE_DATABASE_URL: url, ...masterKey }).join()).not.toContain("hidden");
});

it("must be set where a standby is expected", () => {
	expect(problemsOf({ FANFARE_EXPECT_STANDBY: "true" })).toEqual([
		expect.stringMatching(/^FANFARE_EXPECT_STANDBY is set, but FANFARE_DATABASE_URL is not: set it too/),
	]);
});

function problemsOf(environment: Record<string, string>): readonly string[] {
	try {
		readConfig(environment);
		return [];
	} catch (error) {
		if (error instanceof ConfigError) return error.problems;
		throw error;
	}
}
