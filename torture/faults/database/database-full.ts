// The disk of the database is full for a while: that of its tables, or that of its write-ahead log, which it does not survive.
import { eventually } from "@fanfare/testkit/eventually";
import type { Answer } from "@fanfare/testkit/server-process";
import { smallDiskIssue } from "@fanfare/testkit/small-disk";

import type { Fault } from "../../fault.ts";
import { rawEvent, sendRaw } from "../../harness/raw-sends.ts";
import type { Round } from "../../round.ts";

/** A new database takes 8 MB, and the schema some more. */
const TABLES_MIB = 48;
/** For some of its files, which have 16 MB each. */
const WAL_MIB = 96;
const PAYLOAD = JSON.stringify("x".repeat(8 * 1_024));
const FULL_MS = 1_500;

export const databaseFull: Fault = {
	name: "database-full",
	summary: "the disk of the database's tables is full for a while: sends get 503, and all goes on without a restart",
	weight: 2,
	profiles: ["postgres"],
	issue: smallDiskIssue,
	async prepare(round) {
		round.useSmallDisk(TABLES_MIB);
		await round.database.moveTables(round.disk.join("tables"));
	},
	async strike(round) {
		round.disk.fill();
		const { status, json } = await refusedSend(round);
		const { code } = json as { code?: string };
		round.expect(status === 503 && code === "store_full", `while the disk was full, a send got ${status} ${code}`);
		await round.moment(round.random("full"), FULL_MS);
		round.disk.removeFiller();
		await goesOn(round);
	},
};

export const databaseWalFull: Fault = {
	name: "database-wal-full",
	summary:
		"the disk of the write-ahead log is full, so that the database crashes and is started again once there is space",
	weight: 2,
	profiles: ["postgres"],
	issue: smallDiskIssue,
	async prepare(round) {
		round.useSmallDisk(WAL_MIB);
		await round.database.moveWal(round.disk.join("wal"));
	},
	async strike(round) {
		const { cluster } = round.database;
		round.disk.fill();
		// One of the next files can't be made.
		const crashed = () =>
			round.database.query("SELECT pg_switch_wal()").then(
				() => false,
				() => true,
			);
		await eventually("the database to crash", crashed);
		const { status } = await refusedSend(round);
		round.expect(status === 503, `while the database was down, a send got ${status}`);
		await round.moment(round.random("full"), FULL_MS);
		await cluster.stop("immediate");
		round.disk.removeFiller();
		await cluster.start();
		await goesOn(round);
	},
};

/** Sends large events until one is refused. */
function refusedSend(round: Round): Promise<Answer> {
	return eventually("a send to be refused", async () => {
		const answer = await sendRaw(round, rawEvent(round, "filling.event", PAYLOAD));
		if (answer.status === 202) return null;
		round.expect(/^\d+$/.test(answer.headers.get("retry-after") ?? ""), "a 503 had no Retry-After");
		return answer;
	});
}

async function goesOn(round: Round): Promise<void> {
	round.recovering();
	const isReady = async () => (await round.server.call("GET", "/readyz")).status === 200;
	await eventually("the server to be ready once there is space", isReady);
}
