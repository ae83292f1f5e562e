// Whether this process knows what others have changed.
import { processOutdated } from "../../core/errors.ts";
import type { Membership } from "../../ports/membership.ts";

/**
 * Throws `store_unavailable` if what memory knows of keys and webhooks may be outdated: the process has stood still, or can't reach its
 * database, and the others no longer wait for it. Calls are refused then when they come. Ask again after each wait of a call whose next act
 * goes by memory alone. `membership` is undefined in a process that runs alone.
 */
export function checkCurrent(membership: Pick<Membership, "isMember"> | undefined): void {
	if (membership?.isMember() === false) throw processOutdated();
}
