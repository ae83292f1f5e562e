// Everything of `RetentionStore`.
import type { DatabaseSync } from "node:sqlite";

import type { Figures } from "../../stats/stats-journal.ts";
import { createErasePayload, createEventBody } from "./erase.ts";
import { createReleaseSpace } from "./free-space.ts";
import { createPurgeDeletedProjects, createPurgeDeletedWebhooks } from "./purge-deleted.ts";
import { createPurgeEvents, createPurgePayloads } from "./purge.ts";

/** Prepares the calls about retention. */
export function createRetentionCalls(db: DatabaseSync, figures: Figures) {
	return {
		purgeEvents: createPurgeEvents(db, figures),
		purgePayloads: createPurgePayloads(db, figures),
		purgeDeletedProjects: createPurgeDeletedProjects(db, figures),
		purgeDeletedWebhooks: createPurgeDeletedWebhooks(db, figures),
		erasePayload: createErasePayload(db, figures),
		eventBody: createEventBody(db),
		releaseSpace: createReleaseSpace(db),
	};
}
