// Clients follow the live stream while the load runs: some are cut off and resume, some read slowly or not at all, over the end of the server.
import { setTimeout as delay } from "node:timers/promises";

import { eventually } from "@fanfare/testkit/eventually";
import { between, pick, type Random } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import { PostgresData } from "../../harness/stores/postgres-data.ts";
import {
	catchUp,
	checkAccepted,
	checkCommitted,
	checkDeliveries,
	checkSlow,
} from "../../harness/streams/stream-checks.ts";
import { StreamFollower } from "../../harness/streams/stream-follower.ts";
import { openUnread, openStream } from "../../harness/streams/unread-stream.ts";
import type { Round } from "../../round.ts";

const CUTS = 12;
const CUT_EVERY_MS = 80;
const SLOW_PAUSE_MS = 40;
const UNREAD = 3;
const TOLD_WITHIN_MS = 5_000;
/** Streams wait two seconds for what a process that is gone has published, and then some looks. */
const FORGOTTEN_WITHIN_MS = 5_000;
/** All streams of the server. One project may have half of them. */
const ALL_STREAMS = 50;
const MOST_STREAMS = ALL_STREAMS / 2;
const ORDERS = "?kinds=event.accepted&eventTypes=order.*";

export const streamClients: Fault = {
	name: "stream-clients",
	summary:
		"clients of the live stream that are cut off and resume, read slowly or not at all, and follow over the server's end",
	weight: 2,
	prepare: (round) => {
		round.env["FANFARE_MAX_STREAMS"] = String(ALL_STREAMS);
	},
	strike: async (round) => {
		const random = round.random("streams");
		const [all, slow] = [new StreamFollower(round), new StreamFollower(round, { pauseMs: SLOW_PAUSE_MS })];
		const orders = new StreamFollower(round, { query: ORDERS });
		const followers = [all, orders, slow];
		try {
			await connected(followers);
			using _unread = await openUnread(round, UNREAD);
			await cutOff(round, [all, orders], random);
			await verifyStreams(round, all, orders, slow);
			const isKilled = await endServer(round, [all, orders], random);
			slow.cut();
			await eventually("all streams to report a gap", () => followers.every(({ gapCount }) => gapCount > 0));
			const most = isKilled ? await gapsOfKilled(round, followers) : 1;
			using _unreadToo = await openUnread(round, UNREAD);
			await cutOff(round, [all, orders], random);
			await expectLimit(round, followers.length);
			await verifyStreams(round, all, orders, slow);
			const gaps = followers.map(({ gapCount }) => gapCount);
			round.expect(
				gaps.every((count) => count <= most),
				`one end of the server made ${gaps.join()} gaps`,
			);
		} finally {
			await Promise.all(followers.map((follower) => follower.stop()));
		}
	},
};

async function connected(followers: readonly StreamFollower[]): Promise<void> {
	await eventually("all streams to begin", () => followers.every(({ isConnected }) => isConnected));
}

/** Cuts connections at random moments, while other clients come and go. */
async function cutOff(round: Round, followers: readonly StreamFollower[], random: Random): Promise<void> {
	for (let n = 0; n < CUTS; n++) {
		await delay(between(random, 0, CUT_EVERY_MS));
		pick(random, followers).cut();
		const passing = new StreamFollower(round);
		await delay(between(random, 0, CUT_EVERY_MS));
		await passing.stop();
	}
}

/**
 * Waits until no further gap comes of the kill, and returns how many a stream may have. On a database, the row of the killed process is there for some
 * seconds more. When it goes, streams that were there by then are told that it may have had items for them.
 */
async function gapsOfKilled(round: Round, followers: readonly StreamFollower[]): Promise<number> {
	const { data } = round;
	if (!(data instanceof PostgresData)) return 1;
	let aloneSince = Infinity;
	await eventually("the killed process to be forgotten", async () => {
		if (followers.every(({ gapCount }) => gapCount > 1)) return true;
		const members = await data.query("SELECT 1 FROM members");
		aloneSince = members.length > 1 ? Infinity : Math.min(aloneSince, Date.now());
		return Date.now() - aloneSince > FORGOTTEN_WITHIN_MS;
	});
	return 2;
}

/** Ends the server by SIGKILL or SIGTERM, and returns whether it was killed. After SIGTERM, each client that reads is told so. */
async function endServer(round: Round, followers: readonly StreamFollower[], random: Random): Promise<boolean> {
	await connected(followers);
	const isKilled = random() < 0.5;
	if (isKilled) await round.kill();
	else {
		round.server.kill("SIGTERM");
		const { code } = await round.ended("stopped");
		round.expect(code === 0, `a stop with clients of the live stream ended with ${code}`);
		const isTold = ({ ends }: StreamFollower) => ends.includes("end");
		await round.time.within(TOLD_WITHIN_MS, () => followers.every(isTold));
		const untold = followers.filter((follower) => !isTold(follower)).map((follower) => follower.describe());
		round.expect(untold.length === 0, `a stop did not tell its clients: ${untold.join("; ")}`);
	}
	await round.restart();
	return isKilled;
}

async function verifyStreams(
	round: Round,
	all: StreamFollower,
	orders: StreamFollower,
	slow: StreamFollower,
): Promise<void> {
	const until = await catchUp(round, [all, orders]);
	const deliveries = await Array.fromAsync(round.project.deliveries.list());
	await catchUp(round, [all, orders]);
	checkAccepted(round, all, until, () => true);
	checkDeliveries(round, all, until, deliveries);
	checkAccepted(round, orders, until, (type) => type.startsWith("order."));
	await checkSlow(round, slow, all);
	await checkCommitted(round, [all, orders, slow]);
}

/** Opens streams until one is refused. */
async function expectLimit(round: Round, others: number): Promise<void> {
	using streams = new DisposableStack();
	for (let n = others + 1; n <= MOST_STREAMS + 1; n++) {
		const connection = streams.use(openStream(round));
		await eventually("a stream to begin or to be refused", () => connection.unread.includes("\r\n\r\n"));
		if (connection.unread.startsWith("HTTP/1.1 503 ")) return;
	}
	round.breach("fault", `more than ${MOST_STREAMS} streams of a project are open`);
}
