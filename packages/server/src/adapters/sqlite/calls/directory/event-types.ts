// The event types of projects.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../../core/access/audit.ts";
import { wholeProject, type Scope } from "../../../../core/access/principal.ts";
import type { EventType } from "../../../../core/event-type.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import type { DirectoryStore } from "../../../../ports/store/directory.ts";
import { EVENT_TYPE } from "../../codec/event-type-rows.ts";
import { idBytes } from "../../codec/ids.ts";
import { countOf, type Row } from "../../codec/rows.ts";
import { prepareInsert, prepareUpdate } from "../../codec/statements.ts";
import { noProject, type Change } from "./change.ts";

type PutOptions = Parameters<DirectoryStore["putEventType"]>[1];

/** A page ends early when its schemas and examples have more characters than this. */
const MAX_PAGE_TEXT = 4 * 1_024 * 1_024;

/** Prepares the calls about event types. */
export function createEventTypeCalls(db: DatabaseSync, change: Change) {
	const { transact, versions, writeEntry } = change;
	const select = db.prepare("SELECT * FROM event_types WHERE project_id = ? AND name = ?");
	const remove = db.prepare("DELETE FROM event_types WHERE project_id = ? AND name = ?");

	return {
		eventTypes: createEventTypePage(db),
		eventType(projectId: string, name: string): EventType | null {
			const row = select.get(idBytes("proj", projectId), name);
			return row === undefined ? null : EVENT_TYPE.read(row);
		},
		putEventType: createPut(db, change),
		deleteEventType: (projectId: string, name: string, entry: AuditEntry | null): number | null =>
			transact(() => {
				const project = idBytes("proj", projectId);
				if (remove.run(project, name).changes === 0) return null;
				writeEntry(entry);
				return versions.raiseProject(project) ?? noProject(projectId);
			}),
	};
}

function createPut(db: DatabaseSync, { transact, versions, writeEntry }: Change) {
	const selectRevision = db.prepare("SELECT revision FROM event_types WHERE project_id = ? AND name = ?");
	const count = db.prepare("SELECT count(*) AS count FROM event_types WHERE project_id = ?");
	const replace = prepareUpdate(db, "event_types", EVENT_TYPE.columns, ["project_id", "name"]);
	const insert = prepareInsert(db, "event_types", EVENT_TYPE.columns);

	return (eventType: EventType, { expected, limit, entry }: PutOptions): number | "changed" | "full" =>
		transact(() => {
			const { projectId, name } = eventType;
			const project = idBytes("proj", projectId);
			const known = selectRevision.get(project, name)?.["revision"] ?? null;
			if (known !== expected) return "changed";
			if (known === null && countOf(count.get(project)) >= limit) return "full";
			const revision = versions.raiseProject(project) ?? noProject(projectId);
			const write = known === null ? insert : replace;
			write.run(...EVENT_TYPE.write({ ...eventType, revision }));
			writeEntry(entry);
			return revision;
		});
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

	return (scope: Scope, archived: boolean | null, { cursor, limit }: PageRequest): Page<EventType> => {
		const project = idBytes("proj", wholeProject(scope));
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
