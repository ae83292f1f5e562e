// Sends one attempt to a receiver whose response the test chooses.
import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { startReceiver, type Answer, type Receiver } from "@fanfare/testkit/receiver";
import { expect, vi } from "vitest";

import type { AttemptOutcome } from "../../../ports/sender.ts";
import { openTestSender } from "./open-test-sender.ts";
import { reading, stoppedTime } from "./reading.ts";

/** Sends one attempt to a receiver that gives this answer. In the outcome's reason, HOST replaces the receiver's host and port. */
export async function attempt(answer: Answer, timeoutMs = DEADLINE_MS) {
	await using receiver = await startReceiver();
	await using sender = openTestSender();
	receiver.script(() => answer);
	return withHost(await sender.send(receiver.url, { timeoutMs }), receiver);
}

/** The same for an answer that is not complete: the timeout passes after the sender has read the beginning. */
export async function lateAttempt(answer: Answer, timeoutMs: number) {
	await using receiver = await startReceiver();
	await using sender = openTestSender();
	using _ = stoppedTime();
	receiver.script(() => answer);
	const sent = sender.send(receiver.url, { timeoutMs });
	await receiver.waitFor(1);
	await reading();
	vi.advanceTimersByTime(timeoutMs - 1);
	expect(sender.stats().exchanges).toBe(1);
	vi.advanceTimersByTime(1);
	return withHost(await sent, receiver);
}

function withHost(outcome: AttemptOutcome, { host }: Receiver): AttemptOutcome {
	return { ...outcome, reason: outcome.reason?.replace(host, "HOST") ?? null };
}

/** An answer that consists of exactly these bytes. */
export const raw = (...parts: string[]): Answer => ({ kind: "raw", parts });
