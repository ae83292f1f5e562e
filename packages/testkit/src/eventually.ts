// Waits for a condition, in place of a sleep.
import { setTimeout as delay } from "node:timers/promises";

import { DEADLINE_MS } from "./deadline.ts";

const EVERY_MS = 15;

/**
 * Calls `look` again and again until it returns something other than undefined, null or false, and returns that. Throws after
 * `timeoutMs`, with `what` in the message. An error from `look` ends the wait at once.
 *
 * @example
 * await eventually("the delivery to end", async () => (await deliveries()).find(({ status }) => status === "Succeeded"));
 */
export async function eventually<T>(
	what: string,
	look: () => T | Promise<T>,
	timeoutMs = DEADLINE_MS,
): Promise<Exclude<T, undefined | null | false>> {
	const endAt = Date.now() + timeoutMs;
	for (;;) {
		const seen = await look();
		if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, undefined | null | false>;
		if (Date.now() > endAt) throw new Error(`waited ${timeoutMs} ms for ${what}`);
		await delay(EVERY_MS);
	}
}
