// Erases a payload on demand: the body of an event and the response bodies of its attempts.
import type { DatabaseSync } from "node:sqlite";

import { wholeProject, type Scope } from "../../../../core/access/principal.ts";
import { transition } from "../../../../core/delivery.ts";
import type { RetentionStore } from "../../../../ports/store/retention.ts";
import { STATE_COLUMNS, toState } from "../../codec/delivery-rows.ts";
import { idBytes, idText } from "../../codec/ids.ts";
import { hexOf, rowId } from "../../codec/rows.ts";
import { list } from "../../codec/statements.ts";
import type { StatsChanges } from "../../stats/stats-changes.ts";
import type { StatsJournal } from "../../stats/stats-journal.ts";
import { createWriteEntry } from "../audit.ts";
import { createWriteState } from "../delivery-statements.ts";
import { createEmptyBody, createEmptyResponses } from "./purge.ts";

type EraseOptions = Parameters<RetentionStore["erasePayload"]>[2];

/** Prepares `erasePayload`. */
export function createErasePayload(db: DatabaseSync, journal: StatsJournal) {
	const selectEvent = db.prepare("SELECT seq FROM events WHERE project_id = ? AND id = ?");
	const selectDeliveries = db.prepare(`
		SELECT id, lower(hex(webhook_id)) AS hex, ${list(STATE_COLUMNS)}
		FROM deliveries INDEXED BY deliveries_by_event WHERE event_id = ?
	`);
	const emptyBody = createEmptyBody(db);
	const emptyResponses = createEmptyResponses(db);
	const writeState = createWriteState(db);
	const writeEntry = createWriteEntry(db);

	return (scope: Scope, eventId: string, { reason, at, entry }: EraseOptions): readonly string[] | null => {
		const id = idBytes("evt", eventId);
		const work = (changes: StatsChanges): readonly string[] | null => {
			const event = selectEvent.get(idBytes("proj", wholeProject(scope)), id);
			if (event === undefined) return null;
			emptyBody(event);
			const cancelled: string[] = [];
			for (const row of selectDeliveries.all(id)) {
				emptyResponses(rowId(row));
				const before = toState(row);
				const after = transition(before, { type: "cancel", reason });
				if (after === before) continue;
				writeState(rowId(row), after, at);
				changes.moved(hexOf(row), at, before.status, after.status);
				cancelled.push(idText("dlv", rowId(row)));
			}
			writeEntry(entry);
			return cancelled;
		};
		return overwriting(db, () => journal.transact(work));
	};
}

/** Runs `work` so that SQLite overwrites deleted content in the file with zeros, instead of only marking it as free. */
function overwriting<T>(db: DatabaseSync, work: () => T): T {
	db.exec("PRAGMA secure_delete = ON");
	try {
		return work();
	} finally {
		db.exec("PRAGMA secure_delete = OFF");
	}
}
