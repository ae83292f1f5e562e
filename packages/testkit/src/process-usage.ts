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
	const [stat, status] = await Promise.all([
		readFile(`/proc/${pid}/stat`, "utf8"),
		readFile(`/proc/${pid}/status`, "utf8"),
	]);
	// The second field is the program's name in brackets, and may contain anything. utime and stime are fields 14 and 15.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	const ticks = Number(fields[11]) + Number(fields[12]);
	const mb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) / KIB_PER_MB;
	return { cpuUs: ticks * TICK_US, residentMb: mb("VmRSS"), peakMb: mb("VmHWM") };
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
