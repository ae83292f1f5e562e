// A process that really has no free file descriptor: its limit is lowered while it runs.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";

/** Why the limit of another process can't be changed here; null if it can. */
export function descriptorsIssue(): string | null {
	try {
		openDescriptors(process.pid);
		execFileSync("prlimit", ["--pid", String(process.pid), "--nofile"], { stdio: "pipe" });
		return null;
	} catch (error) {
		return `a process's limit of descriptors can't be changed here, which needs Linux and prlimit: ${String(error)}`;
	}
}

/**
 * Lowers the limit of a process to `spare` more descriptors than it has open. What is open stays open. The returned object
 * gives it its earlier limit again.
 *
 * @example
 * {
 * 	using _ = takeDescriptors(server.pid);
 * 	// The server can open no file and no connection.
 * }
 */
export function takeDescriptors(pid: number, spare = 0): Disposable {
	const before = softLimit(pid);
	const open = new Set(openDescriptors(pid));
	// A new descriptor gets the lowest free number, which must be below the limit.
	let limit = 0;
	for (let left = spare; open.has(limit) || left > 0; limit += 1) if (!open.has(limit)) left -= 1;
	setSoftLimit(pid, String(limit));
	return { [Symbol.dispose]: () => setSoftLimit(pid, before) };
}

function openDescriptors(pid: number): number[] {
	return readdirSync(`/proc/${pid}/fd`).map(Number);
}

function softLimit(pid: number): string {
	const args = ["--pid", String(pid), "--nofile", "--output=SOFT", "--noheadings"];
	return execFileSync("prlimit", args, { encoding: "utf8" }).trim();
}

function setSoftLimit(pid: number, limit: string): void {
	execFileSync("prlimit", ["--pid", String(pid), `--nofile=${limit}:`]);
}
