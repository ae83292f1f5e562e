// What statistics need of the store. They are kept up by `commit` itself, in its transaction.
import type { DeliveryStatus } from "../core/delivery.ts";
import type { StatsBucket, StatsWidth } from "../core/stats.ts";

export interface StatsQuery {
	readonly projectId: string;
	/** Null: of the whole project. */
	readonly webhookId: string | null;
	readonly width: StatsWidth;
	/** Inclusive and exclusive, multiples of the width. */
	readonly from: number;
	readonly to: number;
}

export interface StatsStore {
	/** The buckets in which something happened, oldest first. */
	stats(query: StatsQuery): Promise<readonly StatsBucket[]>;
	/** How many deliveries are in each status now; of a webhook, or of the project. Kept up, not counted. */
	statusCounts(projectId: string, webhookId: string | null): Promise<Readonly<Record<DeliveryStatus, number>>>;
	/** Adds closed minutes up into hours and days and drops minutes from before `keepMinutesFrom`, in small steps; returns how many rows it changed, 0 when all is done. */
	rollUpStats(now: number, keepMinutesFrom: number, limit: number): Promise<number>;
}
