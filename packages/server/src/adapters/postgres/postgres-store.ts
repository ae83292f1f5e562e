// The store on PostgreSQL. Not every slice of the port is here yet, so no server can use it.
import type { Clock } from "../../core/clock.ts";
import { createAcceptCalls } from "./calls/accept/commit.ts";
import { createAuditReads } from "./calls/audit-list.ts";
import { createAuditCalls } from "./calls/audit.ts";
import { createCustomerCalls } from "./calls/customers/customers.ts";
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
import { createPortalSessionCalls } from "./calls/portal-sessions.ts";
import { createQueueCalls } from "./calls/queue/queue.ts";
import { createRelayCalls } from "./calls/relays.ts";
import { createSessionCalls } from "./calls/sessions.ts";
import { createStatusCounts } from "./calls/stats/status-counts.ts";
import { Database, type DatabaseOptions } from "./connection/database.ts";
import { toStoreError } from "./connection/errors.ts";
import { ChangeNumbers } from "./deliveries/change-numbers.ts";
import { migrate } from "./schema/migrate.ts";
import { Partitions } from "./schema/partitions.ts";

export interface PostgresStoreOptions extends DatabaseOptions {
	readonly clock: Pick<Clock, "now" | "monotonicMs" | "after">;
}

/**
 * Connects to the database and migrates its schema.
 *
 * @example
 * const store = await openPostgresStore({ url: "postgres://fanfare@127.0.0.1/fanfare", clock: systemClock });
 */
export async function openPostgresStore(options: PostgresStoreOptions) {
	const database = new Database(options);
	try {
		await migrate(database, options.clock.now());
		return createCalls(database, new Partitions(database), await ChangeNumbers.open(database));
	} catch (error) {
		await database.close();
		throw toStoreError(error);
	}
}

function createCalls(database: Database, partitions: Partitions, numbers: ChangeNumbers) {
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
		...createPortalSessionCalls(database),
		...createRelayCalls(database),
		projectsOverLimits: createProjectsOverLimits(database),
		...createByIdCalls(database),
		events: createEventPage(database),
		...createDeliveryLists(database),
		changedDeliveries: createChangedDeliveries(database),
		changeBound: createChangeBound(database),
		attempts: createAttemptPage(database),
		statusCounts: createStatusCounts(database),
		...createSessionCalls(database),
		...createAuditCalls(database),
		...createAuditReads(database),
		...createLifecycleCalls(database),
	};
}
