// What the contracts of statistics share.
import type { DeliveryStatus } from "../../../../core/delivery.ts";
import { STATS_WIDTHS_MS, type StatsWidth } from "../../../../core/stats/stats.ts";
import { Samples, type World } from "./records.ts";

export const MINUTE = STATS_WIDTHS_MS.minute;
export const NONE: Readonly<Record<DeliveryStatus, number>> = {
	Pending: 0,
	Succeeded: 0,
	Failed: 0,
	Held: 0,
	Cancelled: 0,
};
export const KEEP_ALL = { keepMinutesFrom: 0, keepHoursFrom: 0, limit: 1_000 };

/** All buckets since two days before the samples' first. */
export async function buckets({ store, projectId, samples }: World, webhookId: string | null, width: StatsWidth) {
	const day = STATS_WIDTHS_MS.day;
	const from = floorTo(new Samples().now, day) - 2 * day;
	return store.stats({ projectId, webhookId, width, from, to: floorTo(samples.now, day) + day });
}

export function floorTo(time: number, width: number): number {
	return Math.floor(time / width) * width;
}
