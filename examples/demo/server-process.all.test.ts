import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { freePort, ServerProcess } from "./server-process.ts";

let home = "";
let server: ServerProcess;
let unexpected: PromiseWithResolvers<Error>;
beforeEach(async () => {
	home = await mkdtemp(join(tmpdir(), "fanfare-demo-test-"));
	unexpected = Promise.withResolvers();
	server = new ServerProcess({
		port: await freePort(),
		dataDir: join(home, "data"),
		adminKey: `sk_${"a".repeat(43)}`,
		logFile: join(home, "server.log"),
		detached: false,
		onUnexpectedExit: unexpected.resolve,
	});
});
afterEach(async () => {
	await server.kill();
	await rm(home, { recursive: true });
});

describe("a server process", () => {
	it("comes back on its port after a SIGKILL", async () => {
		await server.start();
		const firstPid = server.pid;
		await server.kill();
		await expect(fetch(`${server.url}/healthz`)).rejects.toThrow("fetch failed");
		await server.start();
		expect(server.pid).not.toBe(firstPid);
		expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
	});

	it("does not start on a port that is in use, and its log says so", async () => {
		await using other = createServer((_request, response) => response.writeHead(404).end());
		await once(other.listen(Number(new URL(server.url).port), "127.0.0.1"), "listening");
		await expect(server.start()).rejects.toThrow(`The server at ${server.url} did not start`);
		expect(server.logTail().join("\n")).toContain("is in use");
	});

	it("reports when it ends without having been killed by the demo", async () => {
		await server.start();
		process.kill(server.pid!, "SIGKILL");
		expect((await unexpected.promise).message).toContain("SIGKILL");
	});
});
