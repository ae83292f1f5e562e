// Sends one attempt to a receiver whose response the test chooses.
import { startReceiver, type Answer } from "@fanfare/testkit/receiver";

import { openTestSender } from "./open-test-sender.ts";

/** Sends one attempt to a receiver that gives this answer. In the outcome's reason, HOST replaces the receiver's host and port. */
export async function attempt(answer: Answer, timeoutMs = 20_000) {
	await using receiver = await startReceiver();
	await using sender = openTestSender();
	receiver.script(() => answer);
	const outcome = await sender.send(receiver.url, { timeoutMs });
	return { ...outcome, reason: outcome.reason?.replace(receiver.host, "HOST") ?? null };
}

/** An answer that consists of exactly these bytes. */
export const raw = (...parts: string[]): Answer => ({ kind: "raw", parts });
