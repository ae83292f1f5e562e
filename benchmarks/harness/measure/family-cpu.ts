// The CPU time of a process and its children, those that have ended included: a database with a process for each connection.
import { readdir } from "node:fs/promises";

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
