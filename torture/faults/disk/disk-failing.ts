// Every write of the server fails for a while, as on a disk that has become read-only.
import { execFileSync } from "node:child_process";

import { eventually } from "@fanfare/testkit/eventually";

import type { Fault } from "../../fault.ts";
import { rawEvent, sendRaw } from "../../harness/raw-sends.ts";
import type { Round } from "../../round.ts";

/**
 * Sets the process's limit for file sizes to 0, so that every write fails. For the server that is like a disk that has become
 * read-only. (A file system can't be remounted read-only while files on it are open for writing.)
 */
export const diskFailing: Fault = {
	name: "disk-failing",
	summary: "every write fails, as on a disk that became read-only: sends get 503, and the server recovers by itself",
	weight: 1,
	profiles: ["embedded"],
	issue: () => {
		try {
			execFileSync("prlimit", ["--version"], { stdio: "ignore" });
			return null;
		} catch {
			return "prlimit is not installed, which is part of util-linux";
		}
	},
	strike: async (round) => {
		setFileSizeLimit(round, "0");
		await eventually("a send to be refused", async () => {
			const { status, json, headers } = await sendRaw(round, rawEvent(round, "filling.event"));
			if (status === 202) return false;
			const { code } = json as { code?: string };
			round.expect(status === 503 && code === "store_unavailable", `a send got ${status} ${code}`);
			round.expect(/^\d+$/.test(headers.get("retry-after") ?? ""), "a 503 had no Retry-After");
			return true;
		});
		const isUnready = async () => (await round.server.call("GET", "/readyz")).status === 503;
		await eventually("/readyz to report the disk", isUnready);
		await round.moment(round.random("failing"), 500);
		setFileSizeLimit(round, "unlimited");
		round.recovering();
		const isReady = async () => (await round.server.call("GET", "/readyz")).status === 200;
		await eventually("the server to be ready once writes succeed", isReady);
	},
};

/** Sets only the soft limit, so that it can be raised again. */
function setFileSizeLimit({ server }: Round, limit: string): void {
	execFileSync("prlimit", ["--pid", String(server.pid), `--fsize=${limit}:`], { stdio: "pipe" });
}
