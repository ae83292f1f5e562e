// Describes the machine and the disk of a measurement.
import { execFile } from "node:child_process";
import { closeSync, fdatasyncSync, mkdirSync, openSync, readFileSync, statfsSync, writeSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem, type } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { median } from "./percentiles.ts";

export interface Machine {
	readonly cpu: string;
	readonly cores: number;
	readonly memoryGb: number;
	/** Of the minute before the start. If it is not well below 1, other programs affect the measurements. */
	readonly loadAverage: number;
	readonly node: string;
	readonly sqlite: string;
	readonly kernel: string;
	readonly filesystem: string;
	/** The median time to write 4 KiB and sync it. */
	readonly syncMs: number;
	readonly date: string;
	/** The commit of the checkout, with a `+` if there are uncommitted changes. */
	readonly commit: string;
}

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
const CACHE = join(ROOT, "node_modules", ".cache", "fanfare-bench");
const SYNCS = 100;
const BLOCK_BYTES = 4_096;
const [FEW_SYNCS, QUIET_TIMES, QUIET_FACTOR, QUIET_EVERY_MS, QUIET_WITHIN_MS] = [10, 5, 2, 50, 10_000];

export async function describeMachine(dataDir: string): Promise<Machine> {
	const [processor] = cpus();
	return {
		cpu: processor?.model.trim() ?? "unknown",
		cores: cpus().length,
		memoryGb: totalmem() / 2 ** 30,
		loadAverage: loadavg()[0] ?? 0,
		node: process.version,
		sqlite: process.versions["sqlite"] ?? "unknown",
		kernel: `${type()} ${release()}`,
		filesystem: filesystemOf(dataDir),
		syncMs: measureSync(join(dataDir, "sync-test")),
		date: new Date().toISOString(),
		commit: await commit(),
	};
}

/** The system's directory for temporary files if it is on a disk; otherwise a directory in the checkout. */
export function defaultParentDir(): string {
	if (!isInMemory(tmpdir())) return tmpdir();
	mkdirSync(CACHE, { recursive: true });
	return CACHE;
}

/** Whether the path is on a `tmpfs` or `ramfs`, where syncs cost nothing and can't be measured. */
export function isInMemory(path: string): boolean {
	const { type } = statfsSync(path);
	return process.platform === "linux" && (type === 0x0102_1994 || type === 0x8584_58f6);
}

function filesystemOf(path: string): string {
	if (process.platform !== "linux") return `${process.platform}, type ${statfsSync(path).type}`;
	const mounts = readFileSync("/proc/self/mounts", "utf8").trim().split("\n");
	const covering = mounts
		.map((line) => line.split(" "))
		.filter(([, point = ""]) => `${path}/`.startsWith(point.endsWith("/") ? point : `${point}/`))
		.sort(([, a = ""], [, b = ""]) => a.length - b.length);
	const [device = "?", , kind = "?"] = covering.at(-1) ?? [];
	return `${kind} (${device})`;
}

function measureSync(path: string, count = SYNCS): number {
	const file = openSync(path, "w");
	const block = Buffer.alloc(BLOCK_BYTES, 1);
	try {
		const times = Array.from({ length: count }, () => {
			const startedAt = performance.now();
			writeSync(file, block);
			fdatasyncSync(file);
			return performance.now() - startedAt;
		});
		return median(times);
	} finally {
		closeSync(file);
	}
}

/**
 * Waits until syncs are about as fast as on a quiet disk. They are slower while the operating system is still writing a big file
 * that was copied or removed. Gives up after some seconds, because other programs may use the disk.
 */
export async function quietDisk(dataDir: string): Promise<void> {
	const path = join(dataDir, "sync-test");
	const giveUpAt = performance.now() + QUIET_WITHIN_MS;
	let quickest = Infinity;
	for (let quiet = 0; quiet < QUIET_TIMES && performance.now() < giveUpAt;) {
		const ms = measureSync(path, FEW_SYNCS);
		quickest = Math.min(quickest, ms);
		quiet = ms < quickest * QUIET_FACTOR ? quiet + 1 : 0;
		await sleep(QUIET_EVERY_MS);
	}
}

async function commit(): Promise<string> {
	const git = async (...args: string[]) => (await promisify(execFile)("git", ["-C", ROOT, ...args])).stdout.trim();
	try {
		const isClean = (await git("status", "--porcelain")) === "";
		return `${await git("rev-parse", "--short", "HEAD")}${isClean ? "" : "+"}`;
	} catch {
		return "unknown";
	}
}
