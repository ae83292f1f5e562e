import {
	appendFileSync,
	closeSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	statSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
// What a person meets beside a well-behaved server and a tidy file: endless lines, other servers, folders where files should be.
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

/** Answers every request as `answer` says. The environment of a command that takes it for its server. */
async function startOther(answer: RequestListener) {
	const server = createServer((request, response) => {
		request.resume();
		answer(request, response);
	});
	await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const env = { FANFARE_URL: url, FANFARE_KEY: "sk_x", FANFARE_PROJECT: `proj_${"0".repeat(32)}` };
	const close = async () => {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	};
	return { env, [Symbol.asyncDispose]: close };
}

/** Tells the test of a signal. */
const TELL = `data:text/javascript,process.on("SIGINT", () => process.send("interrupted"))`;
const JSON_TYPE = { "content-type": "application/json" };

describe("an import", () => {
	it("keeps no more of an endless line than a line can have, and goes on with the next one", async () => {
		using dir = new TemporaryDir();
		writeFileSync(dir.join("endless"), "");
		// Longer than the longest string, and without taking room on the disk.
		truncateSync(dir.join("endless"), 600 * 1_024 * 1_024);
		appendFileSync(dir.join("endless"), '\n{"type":"a","data":1}');
		const args = ["events", "import", dir.join("endless"), "--dry-run"];
		const { code, stdout, stderr } = await runFanfare(args, { env: { FANFARE_CONFIG_DIR: dir.join("config") } });
		expect([code, stdout]).toEqual([1, "Valid    1 event\nRefused  1 line\n"]);
		expect(stderr).toMatch(/^! Whether .* was not checked: .*\n! line 1: longer than 5242880 bytes\n$/);
	});

	it("splits lines at line feeds only, and names a line that is not UTF-8", async () => {
		using dir = new TemporaryDir();
		const lines = [
			Buffer.from('{"type":"a","data":"x\u2028y"}\n'),
			Buffer.of(0xff, 0x0a),
			Buffer.from('{"type":"a","data":2}\r\n'),
		];
		writeFileSync(dir.join("lines"), Buffer.concat(lines));
		const env = { FANFARE_CONFIG_DIR: dir.join("config") };
		const { stdout, stderr } = await runFanfare(["events", "import", dir.join("lines"), "--dry-run"], { env });
		expect(stdout).toBe("Valid    2 events\nRefused  1 line\n");
		expect(stderr).toMatch(/^! Whether .* was not checked: .*\n! line 2: not UTF-8\n$/);
	});

	it("ends at Ctrl-C after the request under way, and says from which line on nothing was sent", async () => {
		using dir = new TemporaryDir();
		writeFileSync(dir.join("many"), '{"type":"a","data":1}\n'.repeat(3_000));
		const event = { status: 202, event: { object: "event", duplicate: false } };
		const body = JSON.stringify({ data: Array.from({ length: 1_000 }, () => event) });
		let answer: (() => void) | null = null;
		let requests = 0;
		await using server = await startOther((_, response) => {
			requests++;
			answer = () => void response.writeHead(202, JSON_TYPE).end(body);
		});
		const args = ["events", "import", dir.join("many")];
		// It answers only when the command has had the signal.
		const onMessage = () => answer?.();
		await using command = new FanfareProcess(args, { env: server.env, preload: [TELL], onMessage });
		await eventually("the first request", () => requests === 1);
		command.kill("SIGINT");
		expect(await command.exited).toEqual({ code: 130, signal: null });
		expect(command.stderr).toBe("! Stopped: everything before line 1001 was sent, and nothing from there on.\n");
		expect(requests).toBe(1);
	});
});

describe("an export to a file", () => {
	/** Sends rows, and never ends. */
	const startEndless = () =>
		startOther((_, response) => {
			response.writeHead(200, { "content-type": "application/x-ndjson" });
			response.write(`${JSON.stringify({ id: "dlv_1" })}\n`.repeat(10_000));
		});

	it.each([
		["SIGINT", 130],
		["SIGTERM", 143],
	] as const)("leaves no file after %s, and exits with %i", async (signal, code) => {
		using dir = new TemporaryDir();
		await using server = await startEndless();
		const args = ["deliveries", "export", "--output", dir.join("rows.jsonl")];
		await using command = new FanfareProcess(args, { env: server.env });
		const written = () => readdirSync(dir.join(".")).some((name) => statSync(dir.join(name)).size > 0);
		await eventually("a part of the rows to be written", written);
		command.kill(signal);
		expect(await command.exited).toEqual({ code, signal: null });
		expect(readdirSync(dir.join("."))).toEqual([]);
	});

	it("does not replace a file that another program has written meanwhile", async () => {
		using dir = new TemporaryDir();
		const { promise: asked, resolve } = Promise.withResolvers<ServerResponse>();
		await using server = await startOther((_, response) => {
			response.writeHead(200, { "content-type": "application/x-ndjson" });
			response.write(`${JSON.stringify({ id: "dlv_1" })}\n`);
			resolve(response);
		});
		const args = ["deliveries", "export", "--output", dir.join("rows.jsonl")];
		await using command = new FanfareProcess(args, { env: server.env });
		await eventually("the export to begin", () => readdirSync(dir.join(".")).length === 1);
		const response = await asked;
		writeFileSync(dir.join("rows.jsonl"), "mine");
		response.end();
		expect([await command.exited, command.stderr]).toEqual([
			{ code: 1, signal: null },
			expect.stringContaining("could not be written: EEXIST"),
		]);
		expect(readdirSync(dir.join(".")).map((name) => readFileSync(dir.join(name), "utf8"))).toEqual(["mine"]);
	});
});

describe.runIf(process.platform === "linux")("standard output on a full disk", () => {
	const LINE = /^fanfare: Standard output could not be written: .*ENOSPC.*\n$/;
	const row = { id: "dlv_1", status: "Failed", attempts: [] };
	it.each<[string, readonly string[], string]>([
		["an export", ["deliveries", "export"], `${JSON.stringify(row)}\n`],
		["a list", ["webhooks", "list", "--quiet"], JSON.stringify({ data: [row], nextPage: null, prevPage: null })],
		["a call of the API", ["api", "GET", "/x"], JSON.stringify(row)],
		["a help", ["--help"], ""],
		["the help of a command", ["deliveries", "list", "--help"], ""],
		["the version", ["--version"], ""],
		["a secret", ["generate-secret"], ""],
		["a completion", ["complete", "--", "deliveries", ""], ""],
	])("%s says so in one line, and exits with 1", async (_name, args, body) => {
		await using server = await startOther((_, response) => {
			const type = args[1] === "export" ? "application/x-ndjson" : "application/json";
			response.writeHead(200, { "content-type": type }).end(body);
		});
		const full = openSync("/dev/full", "w");
		try {
			const { code, stderr } = await runFanfare(args, { env: server.env, stdout: full });
			expect([code, stderr]).toEqual([1, expect.stringMatching(LINE)]);
		} finally {
			closeSync(full);
		}
	});

	it("is JSON on standard error with --json", async () => {
		await using server = await startOther((_, response) => {
			response.writeHead(200, JSON_TYPE).end(JSON.stringify({ data: [row], nextPage: null, prevPage: null }));
		});
		const full = openSync("/dev/full", "w");
		const { code, stderr } = await runFanfare(["webhooks", "list", "--json"], { env: server.env, stdout: full });
		closeSync(full);
		expect([code, JSON.parse(stderr)]).toMatchObject([1, { error: { exitCode: 1, code: null } }]);
	});
});

it("a server that knows no such page is not a Fanfare that has no such webhook", async () => {
	await using server = await startOther((_, response) => {
		response.writeHead(404, { "content-type": "text/plain" }).end("404 \u001B[2Jpage not found");
	});
	const { code, stderr } = await runFanfare(["webhooks", "get", "billing"], { env: server.env });
	expect([code, stderr]).toEqual([5, expect.stringContaining("instead of Fanfare's JSON")]);
	expect(stderr).not.toContain("\u001B");
});

it("status shows what a server of an earlier version says, which knows nothing of its database and of messages", async () => {
	const member = {
		id: "m1",
		name: "host-1",
		address: null,
		port: 8_787,
		version: "0.1.9",
		role: "all",
		state: "live",
		self: true,
		joinDate: 1,
		seenDate: 2,
		seenAgoMs: 3,
		shards: 256,
		duties: [],
		readyDeliveries: 0,
		inFlightAttempts: 0,
		lagMs: 0,
	};
	const status = {
		object: "workspaceStatus",
		version: "0.1.9",
		startDate: 1,
		date: 2,
		store: { storedBytes: 3, fileBytes: null, volumeBytes: null, freeBytes: null },
		backlog: { pending: 0, held: 0, readyDeliveries: 0, inFlightAttempts: 0, waitingSends: 0, oldestDueMs: 0 },
		commits: { count: 0, p50Ms: null, p99Ms: null },
		limits: [],
		members: [member],
		warnings: [],
	};
	await using server = await startOther((_, response) =>
		response.writeHead(200, JSON_TYPE).end(JSON.stringify(status)),
	);
	const { code, stdout, stderr } = await runFanfare(["status"], { env: server.env });
	expect([code, stderr]).toEqual([0, ""]);
	expect(stdout).toContain("host-1");
	expect(stdout).toContain("How the processes find each other's deliveries is not known.");
	expect(stdout).not.toContain("Database");
});

it("release counts one webhook as one, also while it goes on", async () => {
	let calls = 0;
	await using server = await startOther((_, response) => {
		const body = JSON.stringify({ object: "webhooksReleased", released: calls === 0 ? 1 : 0, complete: calls++ > 0 });
		response.writeHead(200, JSON_TYPE).end(body);
	});
	const { stderr } = await runFanfare(["release"], { env: server.env });
	expect(stderr).toBe("1 webhook was released so far.\n1 webhook was released.\n");
});

it("profiles that can't be read or written are named with the reason", async () => {
	using dir = new TemporaryDir();
	mkdirSync(dir.join("profiles.json"), { mode: 0o700 });
	const read = await runFanfare(["whoami"], { env: { FANFARE_CONFIG_DIR: dir.join(".") } });
	expect([read.code, read.stderr]).toEqual([
		1,
		expect.stringMatching(/^fanfare: The keys could not be read from \S+profiles\.json: EISDIR/),
	]);
});
