// How messages between simulated processes come: late, twice or never, as the seed says.
import type { Random } from "@fanfare/testkit/seeded-random";

/** The shares of messages, from 0 to 1. */
export interface WireMode {
	readonly late: number;
	readonly twice: number;
	readonly lost: number;
}

/** Messages come soon, each once. */
export const QUICK_WIRE: WireMode = { late: 0, twice: 0, lost: 0 };

/** Most messages come within this time. */
export const SOON_MS = 20;
const LATE_MS = 10_000;
/** Some messages come so late that leases have ended since. */
const VERY_LATE = { share: 0.1, ms: 200_000 } as const;

/** The delays after which one message comes: none if it is lost, two if it comes twice. */
export function delaysOf({ late, twice, lost }: WireMode, random: Random): number[] {
	if (random() < lost) return [];
	const count = random() < twice ? 2 : 1;
	return Array.from({ length: count }, () => delayOf(late, random));
}

function delayOf(late: number, random: Random): number {
	if (random() >= late) return Math.ceil(random() * SOON_MS);
	return Math.ceil(random() * (random() < VERY_LATE.share ? VERY_LATE.ms : LATE_MS));
}
