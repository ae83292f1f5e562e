// The first start of a server on a store of version 0.1: how long it moves rows, and how much memory and disk that takes.
import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

import { processUsage } from "@fanfare/testkit/process-usage";
import { freePort } from "@fanfare/testkit/programs/free-port";
import { quietDisk } from "@fanfare/testkit/report/machine";
import { ServerProcess } from "@fanfare/testkit/server-process";

import { nowMs } from "../measure/clock.ts";
import type { Resources } from "../process/resources.ts";
import { readFormerLog, readMovedLog } from "./moved-log.ts";
import { copyStore, databaseOf, type PreparedStore } from "./store-copy.ts";

/** What the moves of all rows have taken, in one start or in several. */
export interface Upgrade {
	/** From the start of the process until it is ready; the times of several starts added up. */
	readonly seconds: number;
	readonly cpuS: number;
	/** The most memory of a process. */
	readonly peakMb: number;
	/** The longest wait for the answer of `/healthz`, once the server listens. */
	readonly longestHealthMs: number;
	/** The database and its write-ahead log together: before, at their largest, and when the server has stopped. */
	readonly beforeBytes: number;
	readonly peakBytes: number;
	readonly afterBytes: number;
}

export interface UpgradeOptions {
	readonly resources: Resources;
	/** The checkout whose server moves the rows. */
	readonly codeDir: string;
	readonly parentDir: string;
	readonly store: PreparedStore;
	/** The server is killed when this share of the rows is moved, and started again. Null: never. */
	readonly killAt: number | null;
}

/** How often the sizes of the files are read. */
const LOOK_EVERY_MS = 10;
/** More than a share: the server is ready. */
const READY = 2;
/** How often the server is asked: seldom, since answering takes CPU. */
const ASK_EVERY_MS = 100;

/**
 * Has a server move the rows of a copy of a store. Throws if the server ends by itself, if it is not alive by `/healthz` meanwhile, or if the
 * copy has other contents afterwards.
 */
export async function measureUpgrade(options: UpgradeOptions): Promise<Upgrade> {
	const { resources, codeDir, parentDir, store, killAt } = options;
	const copy = { ...store, dataDir: copyStore(store, parentDir) };
	const database = databaseOf(copy.dataDir);
	const { contents, waiting } = readFormerLog(database);
	await quietDisk(parentDir);
	const beforeBytes = diskBytesOf(database);
	const starts: Start[] = [];
	for (const at of killAt === null ? [null] : [killAt, null]) starts.push(await start(codeDir, copy, at));
	const moved = readMovedLog(database, waiting);
	if (!isDeepStrictEqual(moved, contents)) {
		throw new Error(`a store of ${JSON.stringify(contents)} became one of ${JSON.stringify(moved)}`);
	}
	const afterBytes = diskBytesOf(database);
	resources.removeDirectory(copy.dataDir);
	const sum = (name: "seconds" | "cpuS") => starts.reduce((sum, each) => sum + each[name], 0);
	const most = (name: "peakMb" | "longestHealthMs" | "peakBytes") => Math.max(...starts.map((each) => each[name]));
	return {
		seconds: sum("seconds"),
		cpuS: sum("cpuS"),
		peakMb: most("peakMb"),
		longestHealthMs: most("longestHealthMs"),
		beforeBytes,
		peakBytes: most("peakBytes"),
		afterBytes,
	};
}

type Start = Omit<Upgrade, "beforeBytes" | "afterBytes">;

/** Starts the server, and ends it when it is ready, or kills it when this share of the rows is moved. */
async function start(codeDir: string, { dataDir, key }: PreparedStore, killAt: number | null): Promise<Start> {
	const startedAt = nowMs();
	const env = { FANFARE_ADMIN_KEY: key };
	await using server = new ServerProcess({ dataDir, codeDir, env }, await freePort());
	using sizes = watchSize(databaseOf(dataDir));
	let longestHealthMs = 0;
	let usage = await processUsage(server.pid);
	for (let moved = 0; moved < (killAt ?? READY);) {
		await sleep(ASK_EVERY_MS);
		usage = await processUsage(server.pid);
		const healthMs = await healthMsOf(server.url);
		if (healthMs === null) continue;
		longestHealthMs = Math.max(longestHealthMs, healthMs);
		moved = await movedShareOf(server.url);
		if (moved === READY && killAt !== null) throw new Error("the rows were moved before the server was killed");
	}
	const seconds = (nowMs() - startedAt) / 1_000;
	server.kill(killAt === null ? "SIGTERM" : "SIGKILL");
	await server.exited;
	return { seconds, cpuS: usage.cpuUs / 1e6, peakMb: usage.peakMb, longestHealthMs, peakBytes: sizes.most };
}

/** The size of the database and its write-ahead log. */
function diskBytesOf(database: string): number {
	const sizes = [database, `${database}-wal`].map((path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0);
	return sizes.reduce((sum, size) => sum + size, 0);
}

/** Notes the largest size until it is disposed. */
function watchSize(database: string) {
	let most = 0;
	const timer = setInterval(() => (most = Math.max(most, diskBytesOf(database))), LOOK_EVERY_MS);
	return {
		get most() {
			return most;
		},
		[Symbol.dispose]: () => clearInterval(timer),
	};
}

/** How long the server took to say that it is alive; null if it does not listen yet. Throws if it says that it is not alive. */
async function healthMsOf(url: string): Promise<number | null> {
	const askedAt = nowMs();
	const response = await fetch(`${url}/healthz`).catch(() => null);
	if (response === null) return null;
	if (!response.ok) throw new Error(`/healthz answered ${response.status} while rows were moved`);
	return nowMs() - askedAt;
}

async function movedShareOf(url: string): Promise<number> {
	const response = await fetch(`${url}/readyz`);
	const text = await response.text();
	return response.ok ? READY : Number(/: (\d+) %/.exec(text)?.[1] ?? 0) / 100;
}
