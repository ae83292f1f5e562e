// What a person meets beside a well-behaved server and a tidy file, in processes: endless lines, signals in the middle, and full disks.
import {
	appendFileSync,
	closeSync,
	openSync,
	readdirSync,
	readFileSync,
	statSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import type { ServerResponse } from "node:http";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { startAnswering, startOther } from "./support/other-server.ts";

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
		await using server = await startAnswering({ data: [row], nextPage: null, prevPage: null });
		const full = openSync("/dev/full", "w");
		const { code, stderr } = await runFanfare(["webhooks", "list", "--json"], { env: server.env, stdout: full });
		closeSync(full);
		expect([code, JSON.parse(stderr)]).toMatchObject([1, { error: { exitCode: 1, code: null } }]);
	});
});
