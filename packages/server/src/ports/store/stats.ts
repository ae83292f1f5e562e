// What statistics need of the store. They are kept up by whatever changes deliveries, in its transaction.
import type { DeliveryStatus } from "../../core/delivery.ts";
import type { WebhookHealth } from "../../core/policies/webhook-health.ts";
import type { StatsBucket, StatsWidth } from "../../core/stats/stats.ts";

export interface StatsQuery {
	readonly projectId: string;
	/** Null: of the whole project. */
	readonly webhookId: string | null;
	readonly width: StatsWidth;
	/** Inclusive and exclusive, multiples of the width. */
	readonly from: number;
	readonly to: number;
}

/** One step of adding up. */
export interface RollUpStep {
	/** Buckets of a minute, and of an hour, that begin before this are dropped. */
	readonly keepMinutesFrom: number;
	readonly keepHoursFrom: number;
	/** About how many rows to read, or to delete, in one transaction. */
	readonly limit: number;
}

export interface StatsStore {
	/** The buckets in which something happened, oldest first; whether or not they were added up yet. */
	stats(query: StatsQuery): Promise<readonly StatsBucket[]>;
	/** How many deliveries are in each status now; of a webhook, or of the project. Kept up, not counted. */
	statusCounts(projectId: string, webhookId: string | null): Promise<Readonly<Record<DeliveryStatus, number>>>;
	/**
	 * Adds what has come so far to minutes, hours and days, and drops what is too old, in steps; returns how many rows it has dealt with.
	 * 0 ends a round, and the next call begins another one. Reading gives the same in between; a crash repeats nothing and leaves
	 * nothing out.
	 */
	rollUpStats(step: RollUpStep): Promise<number>;
	/** The health of a webhook, kept up by `commit` in its transaction and begun anew by `updateWebhook`. Deliveries of Fanfare's own events (`fanfare.*`) say nothing about it. */
	webhookHealth(webhookId: string): Promise<WebhookHealth>;
}
