// The priority of a single thread, which Linux has and other systems do not.
import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";

/**
 * Lets the other threads of this process, and other processes, go before the calling one where they all want the cores: nice 5 is a third of
 * their share. Does nothing where threads have no priority of their own, or where the system does not allow it.
 *
 * `setpriority` takes the number of a thread on Linux (setpriority(2), "C library/kernel differences"), which `/proc/thread-self` tells.
 *
 * @example
 * goAfterOthers(5);
 */
export function goAfterOthers(nice: number): void {
	try {
		const thread = Number(/\d+$/.exec(readlinkSync("/proc/thread-self"))?.[0]);
		if (Number.isSafeInteger(thread)) setPriority(thread, nice);
	} catch {
		// It goes on as the others do.
	}
}
