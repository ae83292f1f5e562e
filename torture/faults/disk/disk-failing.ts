import { execFileSync } from "node:child_process";

import { eventually } from "@fanfare/testkit/eventually";

import type { Fault } from "../../fault.ts";
import { rawEvent, sendRaw } from "../../harness/raw-sends.ts";
import type { Round } from "../../round.ts";

/**
 * Writes to files fail while the system allows the process no file of any size: to the server that is a disk which has become
 * read-only under it. (A file system can't be remounted read-only while files are open for writing.)
 */
export const diskFailing: Fault = {
	name: "disk-failing",
	summary: "every write fails, as on a disk that became read-only: sends get 503, and it recovers by itself",
	weight: 1,
	issue: () => {
		try {
			execFileSync("prlimit", ["--version"], { stdio: "ignore" });
			return null;
		} catch {
			return "prlimit is not here, which comes with util-linux";
		}
	},
	strike: async (round) => {
		setFileSizeLimit(round, "0");
		await eventually("a send to be refused", async () => {
			const { status, json, headers } = await sendRaw(round, rawEvent(round, "filling.event"));
			if (status === 202) return false;
			const { code } = json as { code?: string };
			round.expect(status === 503 && code === "store_unavailable", `a send was answered ${status} ${code}`);
			round.expect(/^\d+$/.test(headers.get("retry-after") ?? ""), "a 503 had no Retry-After");
			return true;
		});
		const isUnready = async () => (await round.server.call("GET", "/readyz")).status === 503;
		await eventually("/readyz to tell of the disk", isUnready);
		await round.moment(round.random("failing"), 500);
		setFileSizeLimit(round, "unlimited");
		round.recovering();
		const isReady = async () => (await round.server.call("GET", "/readyz")).status === 200;
		await eventually("the server to be ready when writes work", isReady);
	},
};

/** The soft limit alone, so that it can be lifted again. */
function setFileSizeLimit({ server }: Round, limit: string): void {
	execFileSync("prlimit", ["--pid", String(server.pid), `--fsize=${limit}:`], { stdio: "pipe" });
}
