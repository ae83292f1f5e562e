// The CPU time of a process and its children, those that have ended included: a database with a process for each connection.
import { readdir, readFile } from "node:fs/promises";

/** `USER_HZ` is 100 on every Linux that Node supports. */
const TICK_US = 10_000;

/** In µs since the start of the process `pid`. NaN where there is no /proc. */
export async function familyCpuUs(pid: number): Promise<number> {
	let pids: string[];
	try {
		pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
	} catch {
		return Number.NaN;
	}
	const stats = await Promise.all(pids.map(readStat));
	// Children that have ended count as their parent's (`cutime` and `cstime`) when it has noticed their end.
	return stats.reduce((sum, stat) => {
		if (stat?.pid === pid) return sum + stat.ownUs + stat.endedUs;
		return stat?.parent === pid ? sum + stat.ownUs : sum;
	}, 0);
}

/** Null for a process that has ended meanwhile. */
async function readStat(pid: string) {
	const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
	if (text === null) return null;
	// The second field is the program's name in brackets, and may contain anything. The parent is field 4, the times are 14 to 17 (proc(5)).
	const fields = text
		.slice(text.lastIndexOf(")") + 2)
		.split(" ")
		.map(Number);
	const [, parent] = fields;
	const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
	return {
		pid: Number(pid),
		parent,
		ownUs: (user + system) * TICK_US,
		endedUs: (endedUser + endedSystem) * TICK_US,
	};
}
