// The delivery log: events, deliveries and attempts, found by any combination of their filters.
import type { DatabaseSync } from "node:sqlite";

import type { LogView } from "../deliveries/log-view.ts";
import { createAttemptPage } from "./attempts.ts";
import { createChangeBound, createChangedDeliveries } from "./log/changes.ts";
import { createDeliveryCalls } from "./log/deliveries.ts";
import { createEventCalls } from "./log/events/event-calls.ts";
import { addCauseOf } from "./log/rows.ts";
import { BUDGET } from "./log/scan.ts";
import { createSeqIndex } from "./log/seq-page.ts";

/** Prepares the calls of `LogStore`. `budget` is what a page of deliveries may look at, as in scan.ts. */
export function createLogCalls(db: DatabaseSync, view: LogView, budget = BUDGET) {
	addCauseOf(db);
	const index = createSeqIndex(db, view);
	return {
		...createEventCalls(db, view, index),
		...createDeliveryCalls(db, view, index, budget),
		changedDeliveries: createChangedDeliveries(db, view, index),
		changeBound: createChangeBound(db, view),
		attempts: createAttemptPage(db, view),
	};
}
