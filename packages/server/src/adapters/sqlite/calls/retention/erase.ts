// Erases payloads on demand: the body of an event first, then the responses of its receivers, in steps.
import type { DatabaseSync } from "node:sqlite";

import { wholeProject, type Scope } from "../../../../core/access/principal.ts";
import type {
	BegunErasure,
	ContinueErasure,
	Erasure,
	ErasureStep,
	RetentionStore,
} from "../../../../ports/store/retention.ts";
import { idBytes, idText } from "../../codec/ids.ts";
import { bytes, countOf, number, type Row } from "../../codec/rows.ts";
import { prepareInsert } from "../../codec/statements.ts";
import { inBackground } from "../../connection.ts";
import type { DeliveryTable } from "../../deliveries/delivery-table.ts";
import type { StatsChanges } from "../../stats/stats-changes.ts";
import type { StatsJournal } from "../../stats/stats-journal.ts";
import { createWriteEntry } from "../audit.ts";
import { createEraseDeliveries } from "./erase-deliveries.ts";
import { createEmptyBody } from "./purge.ts";

type EraseOptions = Parameters<RetentionStore["erasePayload"]>[2];

/** Prepares the calls that erase payloads on demand. */
export function createErasePayload(db: DatabaseSync, table: DeliveryTable, journal: StatsJournal) {
	const selectEvent = db.prepare(`
		SELECT seq, id, project, create_date, delivery_count, length(body) AS count FROM events INDEXED BY events_by_id
		WHERE id = ? AND project = ?
	`);
	const selectErasure = db.prepare("SELECT cancelled FROM erasures WHERE event = ?");
	const emptyBody = createEmptyBody(db);
	const eraseDeliveries = createEraseDeliveries(db, table);
	const keep = prepareInsert(db, "erasures", ["event", "project", "through", "cancelled"]);
	const writeEntry = createWriteEntry(db);

	return {
		erasePayload(scope: Scope, eventId: string, { reason, at, limit, entry }: EraseOptions): BegunErasure | null {
			const project = table.numbers.projects.find(wholeProject(scope));
			const id = idBytes("evt", eventId);
			const work = (changes: StatsChanges): BegunErasure | null => {
				const event = project === null ? undefined : selectEvent.get(id, project.number);
				if (project === null || event === undefined) return null;
				const erasure = selectErasure.get(id);
				if (erasure !== undefined) {
					return { cancelled: [], cancelledCount: number(erasure["cancelled"]), done: false, changed: false };
				}
				const bodyBytes = countOf(event);
				if (bodyBytes > 0) emptyBody(number(event["seq"]));
				changes.storedBytes(project.number, -bodyBytes);
				const step = eraseDeliveries(event, { through: 0, limit, reason, at }, changes);
				const { through, cancelled, responses, done } = step;
				if (!done) keep.run(id, project.number, through, cancelled.length);
				const changed = bodyBytes + cancelled.length + responses > 0;
				if (changed) writeEntry(entry);
				return { cancelled, cancelledCount: cancelled.length, done, changed };
			};
			return journal.transact(work);
		},
		continueErasure: createContinueErasure(db, table, journal),
		erasures: createErasures(db, table),
	};
}

function createContinueErasure(db: DatabaseSync, table: DeliveryTable, journal: StatsJournal) {
	const select = db.prepare("SELECT project, through, cancelled FROM erasures WHERE event = ?");
	const selectEvent = db.prepare(`
		SELECT seq, id, project, create_date, delivery_count FROM events INDEXED BY events_by_id WHERE id = ? AND project = ?
	`);
	const hasMore = createHasMore(db);
	const eraseDeliveries = createEraseDeliveries(db, table);
	const move = db.prepare("UPDATE erasures SET through = ?, cancelled = ? WHERE event = ?");
	const remove = db.prepare("DELETE FROM erasures WHERE event = ?");

	return ({ eventId, limit, reason, at }: ContinueErasure): ErasureStep | null => {
		const id = idBytes("evt", eventId);
		const erasure = select.get(id);
		if (erasure === undefined) return null;
		const event = selectEvent.get(id, number(erasure["project"]));
		const before = number(erasure["cancelled"]);
		const through = number(erasure["through"]);
		// The event may have been deleted meanwhile, because of its age.
		if (event === undefined || !hasMore(event, through)) {
			// This one is synced, and with it all steps before.
			journal.transact(() => remove.run(id));
			return { cancelled: [], cancelledCount: before, done: true };
		}
		const work = (changes: StatsChanges): ErasureStep => {
			const erased = eraseDeliveries(event, { through, limit, reason, at }, changes);
			const cancelledCount = before + erased.cancelled.length;
			move.run(erased.through, cancelledCount, id);
			return { cancelled: erased.cancelled, cancelledCount, done: false };
		};
		return inBackground(db, () => journal.transact(work));
	};
}

/** Prepares finding out whether an event has a delivery after a number. */
function createHasMore(db: DatabaseSync): (event: Row, through: number) => boolean {
	const select = db.prepare(`
		SELECT 1 WHERE EXISTS (SELECT 1 FROM open WHERE seq > max(?1, ?3) AND seq <= ?2)
		OR EXISTS (SELECT 1 FROM deliveries WHERE seq > max(?1, ?3) AND seq <= ?2)
		OR EXISTS (
			SELECT 1 FROM deliveries INDEXED BY deliveries_outside_by_event WHERE outside = 1 AND event = ?1 AND seq > ?3
		)
	`);
	return (event, through) => {
		const seq = number(event["seq"]);
		return select.get(seq, seq + number(event["delivery_count"]), through) !== undefined;
	};
}

function createErasures(db: DatabaseSync, { numbers }: DeliveryTable) {
	const select = db.prepare("SELECT event, project FROM erasures LIMIT ?");
	return (limit: number): Erasure[] =>
		select.all(limit).flatMap((row) => {
			const project = numbers.projects.atOrNull(number(row["project"]));
			return project === null ? [] : [{ projectId: project.id, eventId: idText("evt", bytes(row["event"])) }];
		});
}
