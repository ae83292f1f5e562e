// The catalogue of event types.
import type { DatabaseSync } from "node:sqlite";

import type { EventType } from "../../../core/event-type.ts";
import type { Cursor, Page, PageRequest } from "../../../core/page.ts";
import { idBytes, idText } from "../codec/ids.ts";
import { bytes, countOf, number, text, textOrNull, type Row } from "../codec/rows.ts";
import type { Transact } from "../connection.ts";

/** Characters of schemas and examples in one page, beyond which it ends early. */
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
			return row === undefined ? null : toEventType(row);
		},
		putEventType: (eventType: EventType, limit: number): "added" | "replaced" | "full" =>
			transact(() => put(eventType, limit)),
		deleteEventType: (projectId: string, name: string): boolean =>
			transact(() => remove.run(idBytes("proj", projectId), name).changes === 1),
	};
}

function createPut(db: DatabaseSync) {
	const count = db.prepare("SELECT count(*) AS count FROM event_types WHERE project_id = ?");
	const replace = db.prepare(`
		UPDATE event_types SET (description, schema_json, example_json, archived, create_date, update_date) = (?, ?, ?, ?, ?, ?)
		WHERE project_id = ? AND name = ?
	`);
	const insert = db.prepare(`
		INSERT INTO event_types (description, schema_json, example_json, archived, create_date, update_date, project_id, name)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
	`);

	return (eventType: EventType, limit: number): "added" | "replaced" | "full" => {
		const values = eventTypeValues(eventType);
		if (replace.run(...values).changes === 1) return "replaced";
		if (countOf(count.get(idBytes("proj", eventType.projectId))) >= limit) return "full";
		insert.run(...values);
		return "added";
	};
}

function createEventTypePage(db: DatabaseSync) {
	const sql = (edge: string, order: string) => `
		SELECT * FROM event_types WHERE project_id = ?1 AND name ${edge} ?2 AND (?3 IS NULL OR archived = ?3)
		ORDER BY name ${order} LIMIT ?4
	`;
	const down = db.prepare(sql(">", "ASC"));
	const up = db.prepare(sql("<", "DESC"));
	const exists = { down: db.prepare(sql(">=", "ASC")), up: db.prepare(sql("<=", "DESC")) };

	return (projectId: string, archived: boolean | null, { cursor, limit }: PageRequest): Page<EventType> => {
		const project = idBytes("proj", projectId);
		const wanted = archived === null ? null : Number(archived);
		const [statement, edge] = whence(cursor, down, up);
		const { rows, more } = readSome(statement.iterate(project, edge, wanted, limit + 1), limit);
		// Whether there is something on the side that the cursor came from, its own row included.
		const behind = (side: "up" | "down") =>
			cursor !== null && exists[side].get(project, cursor.id, wanted, 1) !== undefined;
		if (cursor?.direction === "newer") return { rows: rows.toReversed(), hasNewer: more, hasOlder: behind("down") };
		return { rows, hasNewer: behind("up"), hasOlder: more };
	};
}

/** The way to read, and from where; the empty name stands before all others. */
function whence<T>(cursor: Cursor | null, down: T, up: T): [statement: T, edge: string] {
	return [cursor?.direction === "newer" ? up : down, cursor?.id ?? ""];
}

function readSome(found: Iterable<Row>, limit: number): { rows: EventType[]; more: boolean } {
	const rows: EventType[] = [];
	let textLength = 0;
	for (const row of found) {
		if (rows.length === limit || textLength > MAX_PAGE_TEXT) return { rows, more: true };
		const eventType = toEventType(row);
		textLength += (eventType.schemaJson?.length ?? 0) + (eventType.exampleJson?.length ?? 0);
		rows.push(eventType);
	}
	return { rows, more: false };
}

function eventTypeValues(eventType: EventType) {
	return [
		eventType.description,
		eventType.schemaJson,
		eventType.exampleJson,
		Number(eventType.archived),
		eventType.createDate,
		eventType.updateDate,
		idBytes("proj", eventType.projectId),
		eventType.name,
	] as const;
}

function toEventType(row: Row): EventType {
	return {
		projectId: idText("proj", bytes(row["project_id"])),
		name: text(row["name"]),
		description: textOrNull(row["description"]),
		schemaJson: textOrNull(row["schema_json"]),
		exampleJson: textOrNull(row["example_json"]),
		archived: row["archived"] === 1,
		createDate: number(row["create_date"]),
		updateDate: number(row["update_date"]),
	};
}
