// Clients of the live stream read nothing while far more items arrive than are kept for them.
import { setTimeout as delay } from "node:timers/promises";

import { eventually } from "@fanfare/testkit/eventually";

import type { Fault } from "../../fault.ts";
import { rawEventFor, sendRawBatch } from "../../harness/raw-sends.ts";
import { catchUp, checkAccepted } from "../../harness/streams/stream-checks.ts";
import { StreamFollower } from "../../harness/streams/stream-follower.ts";
import { openUnread } from "../../harness/streams/unread-stream.ts";

const CLIENTS = 5;
/** Each event makes one item, since its webhook is paused. 10,000 are kept, and a connection's buffers hold some thousands. */
const FLOOD = { batches: 32, size: 1_000 };
/** A client that does not read even its last item is disconnected after five seconds. */
const DISCONNECTED_WITHIN_MS = 8_000;
const CLOSED_WITHIN_MS = 5_000;

export const streamUnread: Fault = {
	name: "stream-unread",
	summary:
		"clients of the live stream that read nothing during a flood: they are dropped, memory is bounded, others miss nothing",
	weight: 0.3,
	strike: async (round) => {
		const held = round.webhook("held").id;
		const follower = new StreamFollower(round);
		try {
			await eventually("the stream to begin", () => follower.isConnected);
			using unread = await openUnread(round, CLIENTS);
			for (let n = 0; n < FLOOD.batches; n++) {
				const events = Array.from({ length: FLOOD.size }, () => rawEventFor(round, "flood.event", held));
				const { status } = await sendRawBatch(round, events);
				round.expect(status === 202, `a batch of the flood got ${status}`);
			}
			const until = await catchUp(round, [follower]);
			checkAccepted(round, follower, until, () => true);
			round.expect(
				follower.gapCount === 0 && follower.ends.length === 0,
				`a client that reads has ${follower.describe()}`,
			);
			await delay(DISCONNECTED_WITHIN_MS);
			for (const connection of unread.connections) connection.resume();
			const isClosed = () => unread.connections.every((connection) => connection.isClosed);
			const closed = await round.time.within(CLOSED_WITHIN_MS, isClosed);
			round.expect(closed !== null, "a client that read nothing during the flood is still connected");
		} finally {
			await follower.stop();
		}
	},
};
