// The server is started on a read-only data directory.
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { smallDiskIssue } from "@fanfare/testkit/small-disk";

import type { Fault } from "../../fault.ts";

const DISK_MIB = 24;

export const readOnlyStart: Fault = {
	name: "read-only-start",
	summary: "a start on a read-only data directory is refused with a message, and changes nothing",
	weight: 0.5,
	profiles: ["embedded"],
	issue: smallDiskIssue,
	prepare: (round) => round.useSmallDisk(DISK_MIB),
	strike: async (round) => {
		await round.kill();
		round.disk.setReadOnly(true);
		const env = { ...round.env, FANFARE_PORT: "0", FANFARE_DATA_DIR: round.dataDir };
		const { code, stderr } = await runFanfare(["serve"], { env });
		round.disk.setReadOnly(false);
		round.expect(code === 1, `a start on a read-only directory ended with code ${code}`);
		round.expect(/^fanfare: .*(read-only|may not write).*FANFARE_DATA_DIR.*\n$/.test(stderr), `it printed: ${stderr}`);
		await round.restart();
	},
};
