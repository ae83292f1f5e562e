// Runs the story as a user does, on the embedded store and on PostgreSQL. It must succeed.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { postgresIssue, startPostgres } from "@fanfare/testkit/programs/postgres";
import { expect, it } from "vitest";

async function tells(env: Readonly<Record<string, string>>): Promise<void> {
	const main = fileURLToPath(new URL("main.ts", import.meta.url));
	const options = { env: { ...process.env, ...env } };
	const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@fanfare/source", main], options);
	expect(stdout).toMatch(/Fanfare disables the webhook: no success for \d+ hours and \d+ exhausted deliveries/);
	expect(stdout).toMatch(/support +finds it by its tag: Failed after 2 attempts, the last one with the response 503/);
	expect(stdout).toMatch(/portal +Acme sees its own 3 deliveries and none of Globex/);
	expect(stdout).toContain("Each of 100 events was accepted exactly once, and the stats agree with the log.");
}

it("the story ends with every event accepted exactly once and stats that agree with the log", () => tells({}));

it.skipIf(postgresIssue() !== null)("it ends so on PostgreSQL, too", async () => {
	await using postgres = await startPostgres();
	await tells({ FANFARE_DATABASE_URL: await postgres.createDatabase() });
});
