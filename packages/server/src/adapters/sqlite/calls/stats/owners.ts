// Whose stats are read: webhooks and projects, with what is not in the tables yet.
import type { DatabaseSync } from "node:sqlite";

import { customerOf, projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { DeliveryStatus } from "../../../../core/delivery.ts";
import { list } from "../../codec/statements.ts";
import type { Numbered, Numbers } from "../../deliveries/numbers.ts";
import type { RecentStats } from "../../stats/stats-journal.ts";
import { addStats, COUNTER_COUNT, emptyStats, type PeriodStats } from "../../stats/stats-sums.ts";
import { STATUS_COUNT_COLUMNS, toStatusCounts } from "../../stats/stats-tables.ts";
import { createWebhooksOf } from "../log/customers.ts";

/** The webhook or the project whose stats are read, and those by minute that are not in the tables yet. */
export interface Owner {
	readonly bytes: Uint8Array;
	readonly recent: ReadonlyMap<number, PeriodStats>;
}

/**
 * Finds the owners whose stats are summed up; none if they do not exist. `webhookId` is null for all webhooks of the scope: a
 * customer has the sum of its webhooks, deleted ones too.
 */
export type OwnersOf = (scope: Scope, webhookId: string | null) => Iterable<Owner>;

/** Prepares finding owners. */
export function createOwnersOf(db: DatabaseSync, { projects, webhooks }: Numbers, recent: RecentStats): OwnersOf {
	const webhooksOf = createWebhooksOf(db);
	const ownerOf = (webhook: Numbered): Owner => ({ bytes: webhook.bytes, recent: recent.webhook(webhook.number) });
	return (scope, webhookId) => {
		const customerId = customerOf(scope);
		const project = projects.find(projectOf(scope));
		if (project === null) return [];
		if (webhookId !== null) {
			const webhook = webhooks.find(webhookId);
			if (webhook?.project !== project.number) return [];
			return customerId === null || webhook.customerId === customerId ? [ownerOf(webhook)] : [];
		}
		if (customerId === null) return [{ bytes: project.bytes, recent: recent.project(project.number) }];
		return webhooksOf({ project, customerId }).map((number) => ownerOf(webhooks.at(number)));
	};
}

/** How many deliveries of an owner are in each status now. */
export type CountsOf = (owner: Owner) => Record<DeliveryStatus, number>;

/** Prepares the reading of counts by status. */
export function createCountsOf(db: DatabaseSync): CountsOf {
	const select = db.prepare(`SELECT ${list(STATUS_COUNT_COLUMNS)} FROM status_counts WHERE owner = ?`);
	return (owner) => {
		const recent = emptyStats();
		for (const stats of owner.recent.values()) addStats(recent, stats);
		return toStatusCounts(select.get(owner.bytes), recent.counts.slice(COUNTER_COUNT));
	};
}
