// How the story prints, checks and waits.
import type { ManualClock } from "@fanfare/server";

const DEADLINE_MS = 60_000;
const STEP_MS = 500;

/** Prints one line of the story. */
export function say(when: string, what: string): void {
	console.log(`${when.padEnd(13)}  ${what}`);
}

/** Ends the story with an error unless `good`. */
export function check(good: boolean, otherwise: string): void {
	if (!good) throw new Error(`the story failed: ${otherwise}`);
}

/** Moves the clock in small steps until `done`, with some real time for the network after each step. */
export async function eventually(
	what: string,
	done: () => boolean | Promise<boolean>,
	clock: ManualClock,
): Promise<void> {
	const endAt = Date.now() + DEADLINE_MS;
	while (!(await done())) {
		if (Date.now() > endAt) throw new Error(`the story failed: it waited ${DEADLINE_MS / 1_000} s for ${what}`);
		clock.advance(STEP_MS);
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
}
