// `npm run nats`: says where the nats-server for tests is. If there is none, gets Debian's or builds the Go module, into a folder of the checkout.
import { execFileSync } from "node:child_process";

import { getNatsServer } from "../../packages/testkit/src/programs/find-nats.ts";

try {
	const path = await getNatsServer();
	const version = execFileSync(path, ["--version"], { encoding: "utf8" }).trim();
	console.log(`NATS for tests: ${path} (${version})`);
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
}
