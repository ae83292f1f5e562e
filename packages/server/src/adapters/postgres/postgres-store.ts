// The store on PostgreSQL.
import type { Clock } from "../../core/clock.ts";
import type { Store } from "../../ports/store/store.ts";
import { createAcceptCalls } from "./calls/accept/commit.ts";
import { createPortalSessionCalls } from "./calls/access/portal-sessions.ts";
import { createSessionCalls } from "./calls/access/sessions.ts";
import { createAuditReads } from "./calls/audit-list.ts";
import { createAuditCalls } from "./calls/audit.ts";
import { createCustomerCalls } from "./calls/customers/customers.ts";
import { createDeleteCustomerCalls } from "./calls/customers/delete-customer.ts";
import { createEventTypeCalls } from "./calls/directory/event-types.ts";
import { createKeyCalls } from "./calls/directory/keys.ts";
import { createProjectCalls } from "./calls/directory/projects.ts";
import { createVersionCalls } from "./calls/directory/versions.ts";
import { createWebhookPage } from "./calls/directory/webhook-list.ts";
import { createWebhookReads } from "./calls/directory/webhook-reads.ts";
import { createProjectsOverLimits } from "./calls/directory/webhook-totals.ts";
import { createWebhookCalls } from "./calls/directory/webhooks.ts";
import { createLifecycleCalls } from "./calls/lifecycle.ts";
import { createAttemptPage } from "./calls/log/attempts.ts";
import { createByIdCalls } from "./calls/log/by-id.ts";
import { createChangeBound, createChangedDeliveries } from "./calls/log/deliveries/changes.ts";
import { createDeliveryLists } from "./calls/log/deliveries/deliveries.ts";
import { createEventPage } from "./calls/log/events/events.ts";
import { createQueueCalls } from "./calls/queue/queue.ts";
import { createRelayCalls } from "./calls/relays.ts";
import { createReplayCalls } from "./calls/replays/replays.ts";
import { createRetentionCalls } from "./calls/retention/retention.ts";
import { createWebhookActivity } from "./calls/stats/activity.ts";
import { createStats } from "./calls/stats/buckets.ts";
import { createHealthCalls } from "./calls/stats/health.ts";
import { createWebhookSeries } from "./calls/stats/series.ts";
import { createStatusCounts } from "./calls/stats/status-counts.ts";
import { createUsage } from "./calls/usage.ts";
import { Database, type DatabaseOptions } from "./connection/database.ts";
import { toStoreError } from "./connection/errors.ts";
import { readingInTurns } from "./connection/reading-in-turns.ts";
import { ChangeNumbers } from "./deliveries/change-numbers.ts";
import { requireNoTransfer } from "./import/unfinished.ts";
import { migrate, type SchemaVersions } from "./schema/migrate.ts";
import { Partitions } from "./schema/partitions.ts";
import { createRollUp } from "./stats/roll-up.ts";

export interface PostgresStoreOptions extends DatabaseOptions {
	readonly clock: Pick<Clock, "now" | "monotonicMs" | "after">;
}

/** Reads of one project under way at once. */
const READS_OF_ONE = 2;

/** A store and the connections that it uses, for what else a process does with its database. `store.close` ends both. */
export interface OpenedPostgres {
	readonly store: Store;
	readonly database: Database;
	readonly schema: SchemaVersions;
}

/**
 * Connects to the database and migrates its schema. Rejects with a `StoreError` if the database can't be reached, refuses this role, or
 * has a newer schema on which this program can't work.
 *
 * @example
 * const { store } = await openPostgres({ url: "postgres://fanfare@127.0.0.1/fanfare", clock: systemClock });
 */
export async function openPostgres(options: PostgresStoreOptions): Promise<OpenedPostgres> {
	const database = new Database(options);
	try {
		const schema = await migrate(database, options.clock.now());
		await requireNoTransfer(database);
		const calls = createCalls(database, new Partitions(database), await ChangeNumbers.open(database));
		const turns = { sends: database.turns(1), others: database.turns(READS_OF_ONE) };
		return { store: readingInTurns(calls, turns), database, schema };
	} catch (error) {
		await database.close();
		throw toStoreError(error);
	}
}

function createCalls(database: Database, partitions: Partitions, numbers: ChangeNumbers): Store {
	return {
		...createAcceptCalls(database, partitions, numbers),
		...createQueueCalls(database, numbers),
		...createVersionCalls(database),
		...createProjectCalls(database),
		...createKeyCalls(database),
		...createWebhookCalls(database),
		...createWebhookReads(database),
		webhooks: createWebhookPage(database),
		...createEventTypeCalls(database),
		...createCustomerCalls(database),
		...createDeleteCustomerCalls(database, numbers),
		...createPortalSessionCalls(database),
		...createRelayCalls(database),
		projectsOverLimits: createProjectsOverLimits(database),
		...createByIdCalls(database),
		events: createEventPage(database),
		...createDeliveryLists(database),
		changedDeliveries: createChangedDeliveries(database),
		changeBound: createChangeBound(database),
		attempts: createAttemptPage(database),
		stats: createStats(database),
		webhookSeries: createWebhookSeries(database),
		statusCounts: createStatusCounts(database),
		webhookActivity: createWebhookActivity(database),
		rollUpStats: createRollUp(database),
		...createHealthCalls(database),
		usage: createUsage(database),
		...createRetentionCalls(database, partitions, numbers),
		...createReplayCalls(database, partitions, numbers),
		...createSessionCalls(database),
		...createAuditCalls(database),
		...createAuditReads(database),
		...createLifecycleCalls(database),
	};
}
