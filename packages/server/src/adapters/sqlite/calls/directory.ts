// The directory: projects, keys, webhooks and event types. The engine reads it at the start; management calls change it.
import type { DatabaseSync } from "node:sqlite";

import type { Transact } from "../connection.ts";
import type { HealthTable } from "../stats/health-table.ts";
import { createEventTypeCalls } from "./directory/event-types.ts";
import { createKeyCalls } from "./directory/keys.ts";
import { createProjectCalls } from "./directory/projects.ts";
import { createWebhookCalls } from "./directory/webhooks.ts";

/** Prepares the calls of `DirectoryStore`. */
export function createDirectoryCalls(db: DatabaseSync, transact: Transact, health: HealthTable) {
	return {
		...createProjectCalls(db, transact),
		...createKeyCalls(db, transact),
		...createWebhookCalls(db, transact, health),
		...createEventTypeCalls(db, transact),
	};
}
