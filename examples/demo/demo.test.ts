// Runs the demo as a user does.
import { readdirSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { readOptions, UsageError } from "./options.ts";
import { DemoHome } from "./test/run-demo.ts";

describe("the demo", () => {
	it("loses nothing through a SIGKILL, and exits with 0", async () => {
		await using home = await DemoHome.make();
		const { code, output } = await home.demo("--events", "200");
		expect(output).toMatch(/^ {2}sent +200 /m);
		expect(output).toMatch(/^ {2}delivered +200 /m);
		expect(output).toMatch(/^ {2}lost +0 /m);
		expect(output).toContain("server killed (SIGKILL)");
		for (const step of ["create", "test", "list", "update", "update secret", "delete"]) {
			expect(output).toMatch(new RegExp(`^✓ ${step} `, "m"));
		}
		expect(output).toContain("Nothing was lost");
		expect(code).toBe(0);
		// Into a pipe it prints plain lines of at most 80 columns. It leaves no files.
		expect(output).not.toContain("\u001b");
		expect(output).not.toContain("\r");
		expect(tooWide(output)).toEqual([]);
		expect(readdirSync(home.path)).toEqual([]);
	});

	it.each(["--events 0", "--events many", "--kills 11", "--sends 3", "more"])("refuses %s", (line) => {
		expect(() => readOptions(line.split(" "))).toThrow(UsageError);
	});

	it("exits with 2 and says how to get help if its command line is wrong", async () => {
		await using home = await DemoHome.make();
		const { code, errors } = await home.demo("--events", "0");
		expect(errors).toContain("npm run demo -- --help");
		expect(code).toBe(2);
	});
});

/** The lines that a terminal of 80 columns would break. */
function tooWide(output: string): string[] {
	return output.split("\n").filter((line) => line.length > 80);
}
