// The server is killed in the middle of a replay.
import { between } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import { rawEvent, sendRawBatch } from "../../harness/raw-sends.ts";
import { replies, succeeds } from "../../harness/webhook-kinds.ts";

const EVENTS = 200;
const KILLS = 2;
/** The longest time to a kill: the replay takes about a quarter of a second. */
const KILL_WITHIN_MS = 200;

export const killReplay: Fault = {
	name: "kill-replay",
	summary: "SIGKILL in the middle of a replay: it continues, with one delivery for each event",
	weight: 1,
	setUp: async (round) => {
		const events = Array.from({ length: EVENTS }, () => rawEvent(round, "old.event"));
		const { status } = await sendRawBatch(round, events);
		round.expect(status === 202, `the batch to replay later got ${status}`);
	},
	strike: async (round) => {
		const random = round.random("replay");
		const { id: webhookId } = await round.addWebhook({
			name: "replayed",
			spec: { eventTypes: ["old.*"], retries: { maxRetries: 20, maxRetryDelay: 40 } },
			act: () => replies(200),
			mayEnd: succeeds,
		});
		const { id } = await round.project.batch.webhooks.replay(webhookId, { since: 0, status: ["Missed"] });
		for (let n = 0; n < KILLS; n++) {
			await round.moment(random, between(random, 1, KILL_WITHIN_MS));
			await round.kill();
			await round.restart();
		}
		const replay = await round.project.replays.wait(id, { everyMs: 30 });
		round.expect(
			replay.status === "Finished" && replay.deliveryCount === EVENTS,
			`the replay is ${replay.status} with ${replay.deliveryCount} of ${EVENTS} deliveries`,
		);
	},
};
