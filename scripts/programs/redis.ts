// `npm run redis`: says where the redis-server for the benchmark beside other job queues is. If there is none, gets Debian's, as root on Debian.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";

import { findRedisServer, HOW_TO_GET_REDIS, LINKED_REDIS } from "../../packages/testkit/src/programs/find-redis.ts";

/** Debian's package of tools has the server itself under this name, without the service that its package `redis-server` starts. */
const DEBIAN_PROGRAM = "/usr/bin/redis-check-rdb";

if (findRedisServer() === null && existsSync("/etc/debian_version") && process.getuid?.() === 0) {
	const apt = (...args: readonly string[]) =>
		execFileSync("apt-get", args, {
			stdio: ["ignore", "inherit", "inherit"],
			env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
		});
	if (!existsSync(DEBIAN_PROGRAM)) {
		apt("update", "-q");
		apt("install", "-q", "-y", "--no-install-recommends", "redis-tools");
	}
	mkdirSync(dirname(LINKED_REDIS), { recursive: true });
	rmSync(LINKED_REDIS, { force: true });
	symlinkSync(DEBIAN_PROGRAM, LINKED_REDIS);
}
const path = findRedisServer();
if (path === null) {
	console.error(HOW_TO_GET_REDIS);
	process.exitCode = 1;
} else
	console.log(`Redis for the benchmark: ${path} (${execFileSync(path, ["--version"], { encoding: "utf8" }).trim()})`);
