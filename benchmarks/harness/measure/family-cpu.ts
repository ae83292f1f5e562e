// The CPU time of a process and its children, those that have ended included: a database with a process for each connection.
import { readdir, readFile } from "node:fs/promises";

import { readProcStat } from "@fanfare/testkit/process-usage";

/** In µs since the start of the process `pid`. NaN where there is no /proc. */
export async function familyCpuUs(pid: number): Promise<number> {
	let pids: number[];
	try {
		pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
	} catch {
		return Number.NaN;
	}
	const times = pids.map(async (each) => {
		// It may have ended meanwhile.
		const stat = await readProcStat(each).catch(() => null);
		// Children that have ended count as their parent's when it has noticed their end.
		if (each === pid) return (stat?.ownUs ?? 0) + (stat?.endedUs ?? 0);
		return stat?.parent === pid ? stat.ownUs : 0;
	});
	return (await Promise.all(times)).reduce((sum, us) => sum + us, 0);
}

/** How PostgreSQL calls the process of a connection. */
const SERVES_CLIENT = /^postgres: (?!parallel|autovacuum|logical)\S+ \S+ 127\.0\.0\.1\(/;
const NS_PER_US = 1_000;

/**
 * The CPU time of the processes of a database's connections by now, in µs, as the scheduler counts it: fine enough for one statement, where
 * the other clock has steps of 10 ms. What the database does in the background does not count, nor do connections that have ended.
 *
 * @param pid the main process of the database
 */
export async function connectionsCpuUs(pid: number): Promise<number> {
	const pids = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ");
	const times = pids.map(async (each) => {
		try {
			const name = await readFile(`/proc/${each}/cmdline`, "utf8");
			if (!SERVES_CLIENT.test(name)) return 0;
			return Number((await readFile(`/proc/${each}/schedstat`, "utf8")).split(" ")[0]) / NS_PER_US;
		} catch {
			return 0; // it has ended meanwhile
		}
	});
	return (await Promise.all(times)).reduce((sum, us) => sum + us, 0);
}
