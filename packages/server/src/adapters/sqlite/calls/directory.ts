// The directory: projects, keys, webhooks and event types. The engine reads it at the start; management calls change it.
import type { DatabaseSync } from "node:sqlite";

import type { Transact } from "../connection.ts";
import type { HealthTable } from "../stats/health-table.ts";
import { createWriteEntry } from "./audit.ts";
import type { Change } from "./directory/change.ts";
import { createEventTypeCalls } from "./directory/event-types.ts";
import { createKeyCalls } from "./directory/keys.ts";
import { createVersionCalls } from "./directory/project-changes.ts";
import { createProjectCalls } from "./directory/projects.ts";
import { createVersions } from "./directory/versions.ts";
import { createWebhookCalls } from "./directory/webhooks.ts";

/** Prepares the calls of `DirectoryStore`. */
export function createDirectoryCalls(db: DatabaseSync, transact: Transact, health: HealthTable) {
	const change: Change = { transact, versions: createVersions(db), writeEntry: createWriteEntry(db) };
	return {
		...createVersionCalls(db),
		...createProjectCalls(db, change),
		...createKeyCalls(db, change),
		...createWebhookCalls(db, change, health),
		...createEventTypeCalls(db, change),
	};
}
