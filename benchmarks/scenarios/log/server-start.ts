// The start of the built server, as a ratio to that of Node and of the least that a server with a database is, and its memory when idle.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { processUsage } from "@fanfare/testkit/process-usage";

import { nowMs } from "../../harness/measure/clock.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const STARTS = 15;
const QUICK_STARTS = 2;
/** Time for garbage of the start to be collected. */
const SETTLE_MS = 2_000;

/** A bare server: `node:http` and a database on the disk. It says where it listens as the server does. */
const BARE = `
	import { createServer } from "node:http";
	import { DatabaseSync } from "node:sqlite";
	const db = new DatabaseSync(process.env.FANFARE_DATA_DIR + "/bare.db");
	db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
	const server = createServer((request, response) => response.end("ok"));
	server.listen(0, "127.0.0.1", () => process.stderr.write("listens on http://127.0.0.1:" + server.address().port + " \\n"));
`;

export const serverStart: Scenario = {
	name: "server-start",
	group: "log",
	summary: "from the start of the built server to its first answer, on an empty store, and what it takes when idle",
	results: [
		{ measurement: "nodeRatio", label: "first answer ÷ node -e 0", unit: "×", limit: { atMost: 6 } },
		{ measurement: "bareRatio", label: "first answer ÷ bare server", unit: "×" },
		{ measurement: "cpuRatio", label: "CPU ÷ bare server", unit: "×" },
		{ measurement: "answerMs", label: "first answer after", unit: "ms" },
		{ measurement: "residentMb", label: "idle: memory", unit: "MB", limit: { atMost: 140 } },
	],
	run,
};

async function run({ buildCommand, quick }: RunContext): Promise<Measurements> {
	const main = await buildCommand();
	const starts = quick ? QUICK_STARTS : STARTS;
	const node: number[] = [];
	const bare: Started[] = [];
	const server: Started[] = [];
	// In turn, so that whatever else the machine does affects all alike.
	for (let start = 0; start < starts; start++) {
		node.push(await nodeMs());
		bare.push(await timeOf(["--input-type=module", "--eval", BARE]));
		server.push(await timeOf([main, "serve"], start === starts - 1 && !quick ? SETTLE_MS : 0));
	}
	// The fastest of each: everything that makes one slower is not the program's.
	const least = (runs: readonly Started[], name: keyof Started) => Math.min(...runs.map((one) => one[name]));
	const answerMs = least(server, "answerMs");
	return {
		nodeRatio: answerMs / Math.min(...node),
		bareRatio: answerMs / least(bare, "answerMs"),
		cpuRatio: least(server, "cpuUs") / least(bare, "cpuUs"),
		answerMs,
		residentMb: server.at(-1)?.residentMb ?? Number.NaN,
		sent: starts,
		received: server.length,
	};
}

interface Started {
	readonly answerMs: number;
	readonly cpuUs: number;
	readonly residentMb: number;
}

/** Starts a server on a new directory, asks it once, and ends it. */
async function timeOf(args: readonly string[], settleMs = 0): Promise<Started> {
	const dataDir = mkdtempSync(join(tmpdir(), "fanfare-start-"));
	const env = { PATH: process.env["PATH"], FANFARE_PORT: "0", FANFARE_DATA_DIR: dataDir };
	const begin = nowMs();
	const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
	try {
		let output = "";
		const url = await new Promise<string>((resolve, reject) => {
			child.stderr.setEncoding("utf8").on("data", (text: string) => {
				output += text;
				const found = /listens on (\S+) /.exec(output)?.[1];
				if (found !== undefined) resolve(found);
			});
			child.on("exit", () => reject(new Error(`the server ended before it listened:\n${output}`)));
		});
		const { ok } = await fetch(`${url}/readyz`);
		const answerMs = nowMs() - begin;
		if (!ok) throw new Error("the server said that it listens before it was ready");
		const { cpuUs } = await processUsage(child.pid ?? 0);
		await sleep(settleMs);
		return { answerMs, cpuUs, residentMb: (await processUsage(child.pid ?? 0)).residentMb };
	} finally {
		const exited = once(child, "exit");
		if (child.exitCode === null && child.kill("SIGKILL")) await exited;
		rmSync(dataDir, { recursive: true, force: true });
	}
}

async function nodeMs(): Promise<number> {
	const begin = nowMs();
	await once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "exit");
	return nowMs() - begin;
}
