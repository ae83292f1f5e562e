// How the story is told, and how it waits.
import type { ManualClock } from "@fanfare/server";

const DEADLINE_MS = 30_000;
const STEP_MS = 500;

/** One line of the story. */
export function say(when: string, what: string): void {
	console.log(`${when.padEnd(13)}  ${what}`);
}

/** Ends the story badly unless `good`. */
export function check(good: boolean, otherwise: string): void {
	if (!good) throw new Error(`the story ends badly: ${otherwise}`);
}

/** Moves the clock in small steps, with real time between for the network, until `done`. */
export async function eventually(
	what: string,
	done: () => boolean | Promise<boolean>,
	clock: ManualClock,
): Promise<void> {
	const endAt = Date.now() + DEADLINE_MS;
	while (!(await done())) {
		if (Date.now() > endAt) throw new Error(`the story ends badly: it did not happen that ${what}`);
		clock.advance(STEP_MS);
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
}
