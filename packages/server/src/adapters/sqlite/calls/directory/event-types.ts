// The event types of projects.
import type { DatabaseSync } from "node:sqlite";

import type { EventType } from "../../../../core/event-type.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import { EVENT_TYPE } from "../../codec/event-type-rows.ts";
import { idBytes } from "../../codec/ids.ts";
import { countOf, type Row } from "../../codec/rows.ts";
import { prepareInsert, prepareUpdate } from "../../codec/statements.ts";
import type { Transact } from "../../connection.ts";

/** A page ends early when its schemas and examples have more characters than this. */
const MAX_PAGE_TEXT = 4 * 1_024 * 1_024;

/** Prepares the calls about event types. */
export function createEventTypeCalls(db: DatabaseSync, transact: Transact) {
	const select = db.prepare("SELECT * FROM event_types WHERE project_id = ? AND name = ?");
	const remove = db.prepare("DELETE FROM event_types WHERE project_id = ? AND name = ?");
	const put = createPut(db);

	return {
		eventTypes: createEventTypePage(db),
		eventType(projectId: string, name: string): EventType | null {
			const row = select.get(idBytes("proj", projectId), name);
			return row === undefined ? null : EVENT_TYPE.read(row);
		},
		putEventType: (eventType: EventType, limit: number): "added" | "replaced" | "full" =>
			transact(() => put(eventType, limit)),
		deleteEventType: (projectId: string, name: string): boolean =>
			transact(() => remove.run(idBytes("proj", projectId), name).changes === 1),
	};
}

function createPut(db: DatabaseSync) {
	const count = db.prepare("SELECT count(*) AS count FROM event_types WHERE project_id = ?");
	const replace = prepareUpdate(db, "event_types", EVENT_TYPE.columns, ["project_id", "name"]);
	const insert = prepareInsert(db, "event_types", EVENT_TYPE.columns);

	return (eventType: EventType, limit: number): "added" | "replaced" | "full" => {
		const values = EVENT_TYPE.write(eventType);
		if (replace.run(...values).changes === 1) return "replaced";
		if (countOf(count.get(idBytes("proj", eventType.projectId))) >= limit) return "full";
		insert.run(...values);
		return "added";
	};
}

/** The list is ordered by name: "older" goes down the alphabet, "newer" goes up. */
function createEventTypePage(db: DatabaseSync) {
	const sql = (comparison: string, order: string) => `
		SELECT * FROM event_types WHERE project_id = ?1 AND name ${comparison} ?2 AND (?3 IS NULL OR archived = ?3)
		ORDER BY name ${order} LIMIT ?4
	`;
	const down = db.prepare(sql(">", "ASC"));
	const up = db.prepare(sql("<", "DESC"));
	const exists = { down: db.prepare(sql(">=", "ASC")), up: db.prepare(sql("<=", "DESC")) };

	return (projectId: string, archived: boolean | null, { cursor, limit }: PageRequest): Page<EventType> => {
		const project = idBytes("proj", projectId);
		const wanted = archived === null ? null : Number(archived);
		const select = cursor?.direction === "newer" ? up : down;
		// The empty name comes before all others.
		const { rows, more } = readSome(select.iterate(project, cursor?.id ?? "", wanted, limit + 1), limit);
		/** Whether there are rows on the side that the cursor came from, its own row included. */
		const behind = (side: "up" | "down") =>
			cursor !== null && exists[side].get(project, cursor.id, wanted, 1) !== undefined;
		if (cursor?.direction === "newer") return { rows: rows.toReversed(), hasNewer: more, hasOlder: behind("down") };
		return { rows, hasNewer: behind("up"), hasOlder: more };
	};
}

/** Reads up to `limit` rows, and fewer if their texts are long. */
function readSome(found: Iterable<Row>, limit: number): { rows: EventType[]; more: boolean } {
	const rows: EventType[] = [];
	let textLength = 0;
	for (const row of found) {
		if (rows.length === limit || textLength > MAX_PAGE_TEXT) return { rows, more: true };
		const eventType = EVENT_TYPE.read(row);
		textLength += (eventType.schemaJson?.length ?? 0) + (eventType.exampleJson?.length ?? 0);
		rows.push(eventType);
	}
	return { rows, more: false };
}
