// The disk is full for a while; in one of the two faults the server is also killed.
import { eventually } from "@fanfare/testkit/eventually";
import { smallDiskIssue } from "@fanfare/testkit/small-disk";

import type { Fault } from "../../fault.ts";
import { rawEvent, sendRaw } from "../../harness/raw-sends.ts";
import type { Round } from "../../round.ts";

const DISK_MIB = 24;
const LEFT_BYTES = 192 * 1_024;
const PAYLOAD = JSON.stringify("x".repeat(8 * 1_024));

export const diskFull: Fault = {
	name: "disk-full",
	summary: "the disk is full for a while: sends get 503, and the server recovers without a restart",
	weight: 1,
	profiles: ["embedded"],
	issue: smallDiskIssue,
	prepare: (round) => round.useSmallDisk(DISK_MIB),
	strike: async (round) => {
		await fillUp(round);
		await round.moment(round.random("full"), 500);
		round.disk.removeFiller();
		round.recovering();
		const isReady = async () => (await round.server.call("GET", "/readyz")).status === 200;
		await eventually("the server to be ready once there is space", isReady);
	},
};

export const diskFullKill: Fault = {
	name: "disk-full-kill",
	summary: "SIGKILL while the disk is full: a start reports the problem, and nothing is lost once there is space",
	weight: 1,
	profiles: ["embedded"],
	issue: smallDiskIssue,
	prepare: (round) => round.useSmallDisk(DISK_MIB),
	strike: async (round) => {
		await fillUp(round);
		await round.moment(round.random("full"), 300);
		await round.kill();
		round.disk.fill();
		await round.begin();
		// Either it refuses to start with a message, or it starts and refuses each send because the disk is full.
		const outcome = await Promise.race([
			round.server.exited,
			round.server.ready().then(
				() => null,
				() => round.server.exited,
			),
		]);
		if (outcome === null) await round.kill();
		else {
			round.expect(outcome.code === 1, `a start on a full disk ended with ${JSON.stringify(outcome)}`);
			round.expect(/^fanfare: .*(full|space).*\n$/m.test(round.server.stderr), `it printed: ${round.server.stderr}`);
			await round.ended("killed");
		}
		round.disk.removeFiller();
		await round.restart();
	},
};

/** Leaves little space, and sends until that is used up. */
async function fillUp(round: Round): Promise<void> {
	round.disk.fill(LEFT_BYTES);
	await eventually("a send to be refused", async () => {
		const { status, json, headers } = await sendRaw(round, rawEvent(round, "filling.event", PAYLOAD));
		if (status === 202) return false;
		const { code } = json as { code?: string };
		round.expect(status === 503 && code === "store_full", `on a full disk a send got ${status} ${code}`);
		round.expect(/^\d+$/.test(headers.get("retry-after") ?? ""), "a 503 had no Retry-After");
		return true;
	});
	round.disk.fill();
	const { status } = await eventually("/readyz to report the full disk", async () => {
		const answer = await round.server.call("GET", "/readyz");
		return answer.status === 503 ? answer : null;
	});
	round.expect(status === 503, "/readyz does not report the full disk");
}
