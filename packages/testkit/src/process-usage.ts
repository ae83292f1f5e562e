// The CPU time and the memory of a process, as the operating system reports them.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

export interface ProcessUsage {
	/** User and system time of all threads since the process's start. */
	readonly cpuUs: number;
	readonly residentMb: number;
	/** The peak of the resident memory; the current value where the system does not record a peak. */
	readonly peakMb: number;
}

/** `USER_HZ` is 100 on every Linux that Node supports. */
const TICK_US = 10_000;
const KIB_PER_MB = 1_000_000 / 1_024;

/** The usage of a running process. Rejects if there is no such process. */
export function processUsage(pid: number): Promise<ProcessUsage> {
	return process.platform === "linux" ? fromProc(pid) : fromPs(pid);
}

async function fromProc(pid: number): Promise<ProcessUsage> {
	const [{ ownUs }, status] = await Promise.all([readProcStat(pid), readFile(`/proc/${pid}/status`, "utf8")]);
	const mb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) / KIB_PER_MB;
	return { cpuUs: ownUs, residentMb: mb("VmRSS"), peakMb: mb("VmHWM") };
}

/** The parent of a process, its own CPU time, and that of its children that have ended. Linux only; rejects if there is no such process. */
export async function readProcStat(pid: number) {
	return parseProcStat(await readFile(`/proc/${pid}/stat`, "utf8"));
}

/** The same, of the text of `/proc/<pid>/stat`. */
export function parseProcStat(stat: string) {
	// The second field is the program's name in brackets, and may contain anything. The parent is field 4, the times are 14 to 17 (proc(5)).
	const fields = stat
		.slice(stat.lastIndexOf(")") + 2)
		.split(" ")
		.map(Number);
	const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
	return { parent: fields[1] ?? 0, ownUs: (user + system) * TICK_US, endedUs: (endedUser + endedSystem) * TICK_US };
}

async function fromPs(pid: number): Promise<ProcessUsage> {
	const { stdout } = await promisify(execFile)("ps", ["-o", "time=,rss=", "-p", String(pid)]);
	const [time = "", rss = ""] = stdout.trim().split(/\s+/);
	const residentMb = Number(rss) / KIB_PER_MB;
	return { cpuUs: parsePsTime(time) * 1e6, residentMb, peakMb: residentMb };
}

/** The seconds in `[dd-]hh:mm:ss` or `mm:ss.cc`. */
export function parsePsTime(text: string): number {
	const [time = "", days = "0"] = text.split("-").toReversed();
	const seconds = time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
	return Number(days) * 86_400 + seconds;
}
