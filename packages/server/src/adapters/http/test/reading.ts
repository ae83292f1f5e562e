// Time and reading in tests of deadlines: the time is moved by hand, so that no deadline depends on the machine's speed.
import { setImmediate as nextTurn } from "node:timers/promises";

import { vi } from "vitest";

import { notInThread } from "./open-test-sender.ts";

const TURNS = 10;

/** Resolves after the sender has read what receivers of the same process have written so far. */
export async function reading(): Promise<void> {
	notInThread("it is not known when another thread has read");
	for (let turn = 0; turn < TURNS; turn++) await nextTurn();
}

/** Stops the time of attempts, until it is moved with `vi.advanceTimersByTime`. The end of the `using` block starts it again. */
export function stoppedTime(): Disposable {
	notInThread("no test moves the time of another thread");
	vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
	return { [Symbol.dispose]: () => void vi.useRealTimers() };
}
