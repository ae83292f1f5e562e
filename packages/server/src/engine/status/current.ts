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
 * Waits until others were told of cancelled deliveries: see `DeliveryLine.discard`. Throws `outcome_unknown` if one of them was perhaps not
 * reached: this process has lost touch with its database since the deliveries were stored as cancelled.
 */
export async function checkTold(tellings: readonly Promise<boolean>[]): Promise<void> {
	const isTold = (await Promise.all(tellings)).every(Boolean);
	if (isTold) return;
	throw new FanfareError(
		"outcome_unknown",
		"The deliveries are cancelled in the database, but this process has lost touch with it since: another process that has one of them in memory may still attempt it once.",
	);
}
