// Payloads: read for people, and erased on demand.
import type { DatabaseSync } from "node:sqlite";

import { transition } from "../../../../core/delivery.ts";
import { idBytes, idText } from "../../codec/ids.ts";
import { bytes, rowId, STATE_COLUMNS, toState } from "../../codec/rows.ts";
import type { FigureChanges } from "../../stats/stats-changes.ts";
import type { Figures } from "../../stats/stats-journal.ts";
import { hexOf } from "../../stats/stats-rows.ts";
import { createWriteState } from "../commit.ts";
import { createEmptyAnswers, createEmptyBody } from "./purge.ts";

/** Prepares `erasePayload`. */
export function createErasePayload(db: DatabaseSync, figures: Figures) {
	const selectEvent = db.prepare("SELECT seq FROM events WHERE project_id = ? AND id = ?");
	const selectDeliveries = db.prepare(`
		SELECT id, lower(hex(webhook_id)) AS hex, ${STATE_COLUMNS} FROM deliveries INDEXED BY deliveries_by_event WHERE event_id = ?
	`);
	const emptyBody = createEmptyBody(db);
	const emptyAnswers = createEmptyAnswers(db);
	const writeState = createWriteState(db);

	return (projectId: string, eventId: string, reason: string, at: number): readonly string[] | null => {
		const id = idBytes("evt", eventId);
		const work = (changes: FigureChanges): readonly string[] | null => {
			const event = selectEvent.get(idBytes("proj", projectId), id);
			if (event === undefined) return null;
			emptyBody(event);
			const cancelled: string[] = [];
			for (const row of selectDeliveries.all(id)) {
				emptyAnswers(rowId(row));
				const before = toState(row);
				const after = transition(before, { type: "cancel", reason });
				if (after === before) continue;
				writeState(rowId(row), after, at);
				changes.moved(hexOf(row), at, before.status, after.status);
				cancelled.push(idText("dlv", rowId(row)));
			}
			return cancelled;
		};
		return overwriting(db, () => figures.transact(work));
	};
}

/** What is deleted meanwhile is overwritten with zeros in the file, not only marked as free. */
function overwriting<T>(db: DatabaseSync, work: () => T): T {
	db.exec("PRAGMA secure_delete = ON");
	try {
		return work();
	} finally {
		db.exec("PRAGMA secure_delete = OFF");
	}
}

/** Prepares `eventBody`. */
export function createEventBody(db: DatabaseSync) {
	const select = db.prepare("SELECT body FROM events WHERE project_id = ? AND id = ?");
	return (projectId: string, eventId: string): Uint8Array | null => {
		const row = select.get(idBytes("proj", projectId), idBytes("evt", eventId));
		if (row === undefined) return null;
		const body = bytes(row["body"]);
		return body.length === 0 ? null : body;
	};
}
