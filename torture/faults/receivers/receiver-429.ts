// A receiver responds with 429 and Retry-After.
import { pairOf, type Seen } from "@fanfare/testkit/checks/record";
import { answers } from "@fanfare/testkit/receiver";

import { hostileFault } from "../../harness/hostile.ts";
import { replies } from "../../harness/webhook-kinds.ts";
import type { Round } from "../../round.ts";

const SOON_S = 1;
const LONG_S = 3_600;
/** Tolerance for the timers of two processes, and rounding. */
const MARGIN_MS = 30;
/** Longer than any round takes. */
const ROUND_MS = 120_000;

function mustWaitLong(n: number): boolean {
	return n % 5 === 0;
}

export const receiver429 = hostileFault(
	"receiver-429",
	"a receiver that responds with 429 and a Retry-After of a second or an hour",
	() => ({
		act: ({ n, earlier }) => {
			if (mustWaitLong(n)) return { answer: answers.retryAfter(LONG_S, 429), status: 429 };
			return earlier === 0 ? { answer: answers.retryAfter(SOON_S, 429), status: 429 } : replies(200);
		},
		mayEnd: (n) => (mustWaitLong(n) ? ["Pending"] : ["Succeeded"]),
	}),
	{ verify },
);

async function verify(round: Round): Promise<void> {
	const { id } = round.webhook("hostile");
	const byPair = Map.groupBy(
		round.book.seen.filter(({ webhookId }) => webhookId === id),
		pairOf,
	);
	for (const [pair, [first, second]] of byPair) {
		round.expect(
			second === undefined || isLater(first, second),
			`${pair} was attempted again before its Retry-After was over`,
		);
	}
	const waiting = await Array.fromAsync(round.project.deliveries.list({ webhookId: id, status: "Pending" }));
	for (const { id: deliveryId, nextAttemptDate } of waiting) {
		const isLong = (nextAttemptDate ?? 0) > Date.now() + LONG_S * 1_000 - ROUND_MS;
		round.expect(isLong, `${deliveryId} is due before its Retry-After is over`);
	}
}

function isLater(first: Seen | undefined, second: Seen): boolean {
	return first === undefined || second.at - first.at >= SOON_S * 1_000 - MARGIN_MS;
}
