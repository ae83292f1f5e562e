// Whether this process knows what others have changed, and whether they know what it has.
import { FanfareError, processOutdated } from "../../core/errors.ts";
import type { Membership } from "../../ports/membership.ts";

/**
 * Throws `store_unavailable` if what memory knows of keys and webhooks may be outdated: the process has stood still, or can't reach its
 * database, and the others no longer wait for it. Calls are refused then when they come. Ask again after each wait of a call whose next act
 * goes by memory alone. `membership` is undefined in a process that runs alone.
 */
export function checkCurrent(membership: Pick<Membership, "isMember"> | undefined): void {
	if (membership?.isMember() === false) throw processOutdated();
}

/**
 * Throws `outcome_unknown` if this process may not have reached the others that it has told of cancelled deliveries: it has lost touch with
 * its database since these were stored. `membership` is undefined in a process that runs alone.
 */
export function checkTold(membership: Pick<Membership, "isMember"> | undefined): void {
	if (membership?.isMember() !== false) return;
	throw new FanfareError(
		"outcome_unknown",
		"The deliveries are cancelled in the database, but this process has lost touch with it since: another process that has one of them in memory may still attempt it once.",
	);
}
