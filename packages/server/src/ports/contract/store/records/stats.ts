// Test data for the contracts of stats.
import type { DeliveryStatus } from "../../../../core/delivery.ts";
import { STATS_WIDTHS_MS, type StatsWidth } from "../../../../core/stats/stats.ts";
import { Records, type World } from "./records.ts";

export const MINUTE = STATS_WIDTHS_MS.minute;
export const DAY = STATS_WIDTHS_MS.day;
/** The counts by status if there are no deliveries. */
export const ZERO_COUNTS: Readonly<Record<DeliveryStatus, number>> = {
	Pending: 0,
	Succeeded: 0,
	Failed: 0,
	Held: 0,
	Cancelled: 0,
};
/** A step of rolling up that deletes no buckets. */
export const KEEP_ALL = { keepMinutesFrom: 0, keepHoursFrom: 0, limit: 1_000 };

/** All buckets from two days before the first records to now. */
export async function buckets({ store, scope, records }: World, webhookId: string | null, width: StatsWidth) {
	const from = floorTo(new Records().now, DAY) - 2 * DAY;
	return store.stats({ scope, webhookId, width, from, to: floorTo(records.now, DAY) + DAY });
}

export function floorTo(time: number, width: number): number {
	return Math.floor(time / width) * width;
}
