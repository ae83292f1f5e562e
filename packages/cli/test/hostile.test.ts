// What a person meets beside a well-behaved server and a tidy file: silent and other servers, odd lines, folders where files should be.
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterEach, expect, it, vi } from "vitest";

import { runInProcess } from "./support/in-process.ts";
import { startAnswering, startOther } from "./support/other-server.ts";

/** A server that accepts connections and never answers, and the environment of a command that uses it. */
async function startSilent() {
	const sockets: Socket[] = [];
	const connected = Promise.withResolvers<void>();
	const server = createServer((socket) => {
		sockets.push(socket.on("error", () => {}));
		connected.resolve();
	});
	await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
	const env = { FANFARE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, FANFARE_KEY: "sk_x" };
	const close = () => {
		for (const socket of sockets) socket.destroy();
		server.close();
	};
	return { env, connected: connected.promise, [Symbol.dispose]: close };
}

afterEach(() => void vi.useRealTimers());

it("says that it waits for a silent server, and gives up after FANFARE_TIMEOUT for all tries together", async () => {
	using server = await startSilent();
	vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
	const running = runInProcess(["webhooks", "list"], { env: { ...server.env, FANFARE_TIMEOUT: "4s" } });
	await server.connected;
	const ended = running.then(() => true);
	for (let passed = 0; passed < 20_000; passed += 250) {
		if (await Promise.race([ended, nextTurn(false)])) break;
		await vi.advanceTimersByTimeAsync(250);
	}
	const { code, stdout, stderr } = await running;
	expect([code, stdout]).toEqual([5, ""]);
	expect(stderr).toMatch(/^… Waiting for http.* for 4 s at most \(FANFARE_TIMEOUT\)\n/);
	expect(stderr).toMatch(/has not answered for 4 s[^]*next {5}fanfare doctor\n$/);
});

it("prints nothing but the error with --json, and refuses a timeout that is none", async () => {
	using server = await startSilent();
	const env = { ...server.env, FANFARE_TIMEOUT: "100ms" };
	const { code, stderr } = await runInProcess(["webhooks", "list", "--json"], { env });
	expect([code, JSON.parse(stderr)]).toMatchObject([5, { error: { exitCode: 5 } }]);
	const wrong = await runInProcess(["webhooks", "list"], { env: { ...env, FANFARE_TIMEOUT: "soon" } });
	expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/FANFARE_TIMEOUT must be .* got "soon"/)]);
});

it.runIf(process.platform === "linux")("does not hang where a folder for profiles can't be made", async () => {
	const { code, stderr } = await runInProcess(["use", "--list"], { env: { FANFARE_CONFIG_DIR: "/proc/x" } });
	expect([code, stderr]).toEqual([0, expect.stringContaining("no profile yet")]);
	const { writeProfiles } = await import("../src/frame/profiles.ts");
	const write = () => writeProfiles({ current: null, profiles: {} }, "/proc/x/y/profiles.json");
	expect(write).toThrow(/could not be written/);
});

it("profiles that can't be read are named with the reason", async () => {
	using dir = new TemporaryDir();
	mkdirSync(dir.join("profiles.json"), { mode: 0o700 });
	const { code, stderr } = await runInProcess(["whoami"], { env: { FANFARE_CONFIG_DIR: dir.path } });
	const reason = /^fanfare: The keys could not be read from \S+profiles\.json: EISDIR/;
	expect([code, stderr]).toEqual([1, expect.stringMatching(reason)]);
});

it("an import splits lines at line feeds only, and names a line that is not UTF-8", async () => {
	using dir = new TemporaryDir();
	const lines = ['{"type":"a","data":"x\u2028y"}\n', Buffer.of(0xff, 0x0a), '{"type":"a","data":2}\r\n'];
	writeFileSync(dir.join("lines"), Buffer.concat(lines.map((line) => Buffer.from(line as string))));
	const env = { FANFARE_CONFIG_DIR: dir.join("config") };
	const { stdout, stderr } = await runInProcess(["events", "import", dir.join("lines"), "--dry-run"], { env });
	expect(stdout).toBe("Valid    2 events\nRefused  1 line\n");
	expect(stderr).toMatch(/^! Whether .* was not checked: .*\n! line 2: not UTF-8\n$/);
});

it("a server that knows no such page is not a Fanfare that has no such webhook", async () => {
	await using server = await startOther((_, response) => {
		response.writeHead(404, { "content-type": "text/plain" }).end("404 \u001B[2Jpage not found");
	});
	const { code, stderr } = await runInProcess(["webhooks", "get", "billing"], { env: server.env });
	expect([code, stderr]).toEqual([5, expect.stringContaining("instead of Fanfare's JSON")]);
	expect(stderr).not.toContain("\u001B");
});

it("release counts one webhook as one, also while it goes on", async () => {
	let calls = 0;
	await using server = await startOther((_, response) => {
		const body = { object: "webhooksReleased", released: calls === 0 ? 1 : 0, complete: calls++ > 0 };
		response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
	});
	const { stderr } = await runInProcess(["release"], { env: server.env });
	expect(stderr).toBe("1 webhook was released so far.\n1 webhook was released.\n");
});

it.each([
	["without a key", [], {}, "FANFARE_KEY is not set"],
	[
		"of a webhook without its project",
		["--webhook", "webhook_1"],
		{ FANFARE_KEY: "sk_1" },
		"--webhook needs --project",
	],
	["with an unusable address", ["--url", "nowhere"], { FANFARE_KEY: "sk_1" }, "--url must be an absolute http"],
	["with one in its variable", [], { FANFARE_KEY: "sk_1", FANFARE_URL: "nowhere" }, "FANFARE_URL must be an absolute"],
])("a release %s is refused", async (_how, args, env, expected) => {
	const { code, stdout, stderr } = await runInProcess(["release", ...args], { env });
	expect([code, stdout, stderr]).toEqual([1, "", expect.stringContaining(expected)]);
	expect(stderr).not.toMatch(/^ {4}at /m);
});

it("doctor sees another version, and a clock that is off", async () => {
	await using server = await startOther((_, response) => {
		response.setHeader("date", new Date(Date.now() - 600_000).toUTCString());
		response.writeHead(200, { "content-type": "application/json" }).end('{"status":"ok","version":"9.9.9"}');
	});
	const { code, stdout } = await runInProcess(["doctor"], { env: server.env });
	expect(code).toBe(1);
	expect(stdout).toMatch(/! The server is 9\.9\.9, this command is /);
	expect(stdout).toMatch(/✗ The clock here is (9|10) min ahead of the server's/);
});

it("status shows what a server of an earlier version says, which knows nothing of its database and of messages", async () => {
	const member = { id: "m1", name: "host-1", address: null, port: 8_787, version: "0.1.9", role: "all", state: "live" };
	const counts = { shards: 256, duties: [], readyDeliveries: 0, inFlightAttempts: 0, lagMs: 0 };
	await using server = await startAnswering({
		object: "workspaceStatus",
		version: "0.1.9",
		startDate: 1,
		date: 2,
		limits: [],
		warnings: [],
		store: { storedBytes: 3, fileBytes: null, volumeBytes: null, freeBytes: null },
		backlog: { pending: 0, held: 0, readyDeliveries: 0, inFlightAttempts: 0, waitingSends: 0, oldestDueMs: 0 },
		commits: { count: 0, p50Ms: null, p99Ms: null },
		members: [{ ...member, ...counts, self: true, joinDate: 1, seenDate: 2, seenAgoMs: 3 }],
	});
	const { code, stdout, stderr } = await runInProcess(["status"], { env: server.env });
	expect([code, stderr]).toEqual([0, ""]);
	expect(stdout).toContain("host-1");
	expect(stdout).toContain("How the processes find each other's deliveries is not known.");
	expect(stdout).not.toContain("Database");
});
