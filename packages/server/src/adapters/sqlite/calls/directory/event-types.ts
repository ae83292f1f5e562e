// The event types of projects.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../../core/access/audit.ts";
import { projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { EventType } from "../../../../core/event-type.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import type { DirectoryStore } from "../../../../ports/store/directory.ts";
import { EVENT_TYPE } from "../../codec/event-type-rows.ts";
import { idBytes, idText } from "../../codec/ids.ts";
import { bytes, countOf, text } from "../../codec/rows.ts";
import { prepareInsert, prepareUpdate } from "../../codec/statements.ts";
import { readSome } from "../keyset.ts";
import { noProject, type Change } from "./change.ts";

/** SQL for whether the project of an event type is not deleted. The types go with it, and their rows later. */
const IN_PROJECT = "EXISTS (SELECT 1 FROM projects WHERE projects.id = project_id AND delete_date IS NULL)";

type PutOptions = Parameters<DirectoryStore["putEventType"]>[1];

/** Prepares the calls about event types that write or fill the directory. */
export function createEventTypeCalls(db: DatabaseSync, change: Change) {
	const { transact, versions, writeEntry } = change;
	const internal = `
		SELECT project_id, name FROM event_types INDEXED BY event_types_internal WHERE visibility = 1 AND ${IN_PROJECT}
	`;
	const selectInternal = db.prepare(internal);
	const selectInternalOf = db.prepare(`${internal} AND project_id = ?`);
	const remove = db.prepare(`DELETE FROM event_types WHERE project_id = ? AND name = ? AND ${IN_PROJECT}`);

	return {
		internalEventTypes: (projectId: string | null): { projectId: string; name: string }[] => {
			const rows = projectId === null ? selectInternal.all() : selectInternalOf.all(idBytes("proj", projectId));
			return rows.map((row) => ({ projectId: idText("proj", bytes(row["project_id"])), name: text(row["name"]) }));
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
	const selectRevision = db.prepare(
		`SELECT revision FROM event_types WHERE project_id = ? AND name = ? AND ${IN_PROJECT}`,
	);
	const count = db.prepare(`SELECT count(*) AS count FROM event_types WHERE project_id = ? AND ${IN_PROJECT}`);
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

/** Prepares the reads of event types by their names. */
export function createNamedTypes(db: DatabaseSync) {
	const select = db.prepare(`SELECT * FROM event_types WHERE project_id = ? AND name = ? AND ${IN_PROJECT}`);
	const eventType = (projectId: string, name: string): EventType | null => {
		const row = select.get(idBytes("proj", projectId), name);
		return row === undefined ? null : EVENT_TYPE.read(row);
	};
	return {
		eventType,
		eventTypesByName: (projectId: string, names: readonly string[]): (EventType | null)[] =>
			names.map((name) => eventType(projectId, name)),
	};
}

/** Prepares the pages of event types. The list is ordered by name: "older" goes down the alphabet, "newer" goes up. */
export function createEventTypePage(db: DatabaseSync) {
	const sql = (comparison: string, order: string) => `
		SELECT * FROM event_types WHERE project_id = ?1 AND name ${comparison} ?2 AND (?3 IS NULL OR archived = ?3)
		AND visibility <= ?5 AND ${IN_PROJECT} ORDER BY name ${order} LIMIT ?4
	`;
	const down = db.prepare(sql(">", "ASC"));
	const up = db.prepare(sql("<", "DESC"));
	const exists = { down: db.prepare(sql(">=", "ASC")), up: db.prepare(sql("<=", "DESC")) };

	return (scope: Scope, archived: boolean | null, { cursor, limit }: PageRequest): Page<EventType> => {
		const project = idBytes("proj", projectOf(scope));
		const visible = scope.kind === "customer" ? 0 : 1;
		const wanted = archived === null ? null : Number(archived);
		const select = cursor?.direction === "newer" ? up : down;
		// The empty name comes before all others.
		const found = readSome(select.iterate(project, cursor?.id ?? "", wanted, limit + 1, visible), limit);
		const rows = found.rows.map(EVENT_TYPE.read);
		const { more } = found;
		/** Whether there are rows on the side that the cursor came from, its own row included. */
		const behind = (side: "up" | "down") =>
			cursor !== null && exists[side].get(project, cursor.id, wanted, 1, visible) !== undefined;
		if (cursor?.direction === "newer") return { rows: rows.toReversed(), hasNewer: more, hasOlder: behind("down") };
		return { rows, hasNewer: behind("up"), hasOlder: more };
	};
}
