// What the contracts of statistics share.
import type { DeliveryStatus } from "../../../../core/delivery.ts";
import { STATS_WIDTHS_MS, type StatsWidth } from "../../../../core/stats/stats.ts";
import { Records, type World } from "./records.ts";

export const MINUTE = STATS_WIDTHS_MS.minute;
export const NONE: Readonly<Record<DeliveryStatus, number>> = {
	Pending: 0,
	Succeeded: 0,
	Failed: 0,
	Held: 0,
	Cancelled: 0,
};
export const KEEP_ALL = { keepMinutesFrom: 0, keepHoursFrom: 0, limit: 1_000 };

/** All buckets since two days before the records' first. */
export async function buckets({ store, projectId, records }: World, webhookId: string | null, width: StatsWidth) {
	const day = STATS_WIDTHS_MS.day;
	const from = floorTo(new Records().now, day) - 2 * day;
	return store.stats({ projectId, webhookId, width, from, to: floorTo(records.now, day) + day });
}

export function floorTo(time: number, width: number): number {
	return Math.floor(time / width) * width;
}
