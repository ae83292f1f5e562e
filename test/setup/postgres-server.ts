// The PostgreSQL server of a test run: one for all test files, which starts only if one of them needs it.
import { sharePostgres } from "@fanfare/testkit/programs/postgres";

let shared: AsyncDisposable | null = null;

/** vitest calls it for each project, before its first test file. */
export async function setup(): Promise<void> {
	if (process.env["TEST_POSTGRES"] !== undefined) return;
	// Some tests start twenty processes with a pool of connections each.
	shared = await sharePostgres({ settings: ["max_connections = 800"] });
}

export async function teardown(): Promise<void> {
	await shared?.[Symbol.asyncDispose]();
}
