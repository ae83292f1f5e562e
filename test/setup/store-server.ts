// The PostgreSQL server of the tests that run on it a second time: one for all of their processes.
import { startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";

let server: PostgresServer | null = null;

export async function setup(): Promise<void> {
	server = await startPostgres({ settings: ["max_connections = 500"] });
	// Other tests' programs inherit it, and a server refuses unknown variables that begin with FANFARE_.
	process.env["TEST_STORE_URL"] = server.url;
}

export async function teardown(): Promise<void> {
	await server?.[Symbol.asyncDispose]();
}
