// The directory: projects, keys, webhooks and event types. The engine reads it at the start; management calls change it.
import type { DatabaseSync } from "node:sqlite";

import type { Transact } from "../connection.ts";
import type { DeliveryTable } from "../deliveries/delivery-table.ts";
import type { HealthTable } from "../stats/health-table.ts";
import type { StatsJournal } from "../stats/stats-journal.ts";
import { createWriteEntry } from "./audit.ts";
import { createDeleteCustomerCalls } from "./customers/delete-customer.ts";
import type { Change } from "./directory/change.ts";
import { createEventTypeCalls, createEventTypePage, createNamedTypes } from "./directory/event-types.ts";
import { createKeyCalls } from "./directory/keys.ts";
import { createVersionCalls } from "./directory/project-changes.ts";
import { createProjectCalls } from "./directory/projects.ts";
import { createVersions } from "./directory/versions.ts";
import { createWebhookPage } from "./directory/webhook-list.ts";
import { createWebhookCalls } from "./directory/webhooks.ts";

/** Prepares the calls of `DirectoryStore` that write or fill the directory. */
export function createDirectoryCalls(
	db: DatabaseSync,
	table: DeliveryTable,
	transact: Transact,
	health: HealthTable,
	journal: StatsJournal,
) {
	const change: Change = { transact, versions: createVersions(db), writeEntry: createWriteEntry(db) };
	return {
		...createVersionCalls(db),
		...createProjectCalls(db, change),
		...createKeyCalls(db, change),
		...createWebhookCalls(db, table, change, health),
		...createEventTypeCalls(db, change),
		...createDeleteCustomerCalls(db, table, change, journal),
	};
}

/** Prepares the calls of `DirectoryStore` that a reader can make. */
export function createDirectoryReads(db: DatabaseSync) {
	return { webhooks: createWebhookPage(db), eventTypes: createEventTypePage(db), ...createNamedTypes(db) };
}
