// One attempt at a receiver that answers as a test says.
import { startReceiver, type Answer } from "@fanfare/testkit/receiver";

import { openTestSender } from "./open-test-sender.ts";

/** Sends one attempt to a receiver that answers so. Its reason has HOST in the place of the receiver's. */
export async function attempt(answer: Answer, timeoutMs = 5_000) {
	await using receiver = await startReceiver();
	await using sender = openTestSender();
	receiver.script(() => answer);
	const outcome = await sender.send(receiver.url, { timeoutMs });
	return { ...outcome, reason: outcome.reason?.replace(receiver.host, "HOST") ?? null };
}

/** An answer of exactly these bytes. */
export const raw = (...parts: string[]): Answer => ({ kind: "raw", parts });
