// `npm run postgres`: says where the PostgreSQL for the tests of its store is. If there is none, installs Debian's, as root on Debian.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";

import { findPostgresPrograms, HOW_TO_GET_POSTGRES } from "../../packages/testkit/src/programs/find-postgres.ts";

const SETTINGS = "/etc/postgresql-common";
const isDebian = existsSync("/etc/debian_version");
const isRoot = process.getuid?.() === 0;

if (process.env["FANFARE_TEST_POSTGRES_URL"] === undefined && findPostgresPrograms() === null && isDebian && isRoot) {
	const apt = (...args: readonly string[]) =>
		execFileSync("apt-get", args, {
			stdio: ["ignore", "inherit", "inherit"],
			env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
		});
	// Tests start servers of their own: Debian's need not make and start one.
	if (!existsSync(SETTINGS)) {
		mkdirSync(SETTINGS, { recursive: true });
		writeFileSync(`${SETTINGS}/createcluster.conf`, "create_main_cluster = false\n");
	}
	apt("update", "-q");
	apt("install", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", "postgresql");
}
const programs = findPostgresPrograms();
if (process.env["FANFARE_TEST_POSTGRES_URL"] !== undefined) {
	console.log("PostgreSQL for tests: the server that FANFARE_TEST_POSTGRES_URL names");
} else if (programs === null) {
	console.error(HOW_TO_GET_POSTGRES);
	process.exitCode = 1;
} else console.log(`PostgreSQL for tests: ${programs}`);
