// The event types of projects. Their list is ordered by name: "older" goes down the alphabet, "newer" goes up.
import type { AuditEntry } from "../../../../core/access/audit.ts";
import { projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { EventType } from "../../../../core/event-type.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import type { DirectoryStore } from "../../../../ports/store/directory.ts";
import { EVENT_TYPE, VISIBILITY_CODES } from "../../codec/event-type-rows.ts";
import { idOf, uuidOf } from "../../codec/ids.ts";
import { number, text } from "../../codec/rows.ts";
import { insertInto, statement, updateOf } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { writeEntry } from "../audit.ts";
import { readNamedPage } from "../keyset.ts";
import { noProject, raiseProject } from "./change.ts";

type PutOptions = Parameters<DirectoryStore["putEventType"]>[1];

/** Whether the project of an event type is not deleted. The types go with it, and their rows later. */
const IN_PROJECT = "EXISTS (SELECT 1 FROM projects WHERE projects.id = project_id AND delete_date IS NULL)";
const SELECT = statement(`SELECT * FROM event_types WHERE project_id = $1 AND name = $2 AND ${IN_PROJECT}`);
const SELECT_SOME = statement(
	`SELECT * FROM event_types WHERE project_id = $1 AND name = ANY($2::text[]) AND ${IN_PROJECT} ORDER BY name`,
);
const SELECT_INTERNAL = statement(`
	SELECT project_id, name FROM event_types WHERE visibility = ${VISIBILITY_CODES.internal} AND ($1::uuid IS NULL OR project_id = $1)
		AND ${IN_PROJECT}
`);
const IS_INTERNAL = statement(
	`SELECT 1 FROM event_types WHERE project_id = $1 AND name = $2 AND visibility = ${VISIBILITY_CODES.internal}`,
);
const SELECT_REVISION = statement(
	`SELECT revision FROM event_types WHERE project_id = $1 AND name = $2 AND ${IN_PROJECT}`,
);
const COUNT = statement(`SELECT count(*) AS count FROM event_types WHERE project_id = $1 AND ${IN_PROJECT}`);
const INSERT = insertInto("event_types", EVENT_TYPE.columns);
const UPDATE = updateOf("event_types", EVENT_TYPE.columns, ["project_id", "name"]);
const DELETE = statement(`DELETE FROM event_types WHERE project_id = $1 AND name = $2 AND ${IN_PROJECT}`);

/** The calls about event types. */
export function createEventTypeCalls(database: Database) {
	return {
		eventTypes: (scope: Scope, archived: boolean | null, request: PageRequest): Promise<Page<EventType>> =>
			database.snapshot(async (session) => {
				const project = uuidOf("proj", projectOf(scope));
				const visible = scope.kind === "customer" ? VISIBILITY_CODES.public : VISIBILITY_CODES.internal;
				const page = await readNamedPage(request, async (comparison, name, order, limit) => ({
					rows: await session.query(
						`
							SELECT name, coalesce(octet_length(schema_json), 0) + coalesce(octet_length(example_json), 0) AS bytes
							FROM event_types
							WHERE project_id = $1 AND visibility <= $2 AND ($3::boolean IS NULL OR archived = $3) AND name ${comparison} $4 AND ${IN_PROJECT}
							ORDER BY name ${order} LIMIT $5
						`,
						[project, visible, archived, name, limit],
					),
					stoppedAt: null,
				}));
				// Schemas are read only of those that are shown.
				const names = page.rows.map((row) => text(row["name"]));
				const shown = (await session.run(SELECT_SOME, [project, names])).map(EVENT_TYPE.read);
				return { ...page, rows: shown };
			}),
		eventType: (projectId: string, name: string): Promise<EventType | null> =>
			database.read(async (session) => {
				const [row] = await session.run(SELECT, [uuidOf("proj", projectId), name]);
				return row === undefined ? null : EVENT_TYPE.read(row);
			}),
		eventTypesByName: (projectId: string, names: readonly string[]): Promise<(EventType | null)[]> =>
			database.read(async (session) => {
				const types = (await session.run(SELECT_SOME, [uuidOf("proj", projectId), names])).map(EVENT_TYPE.read);
				const byName = new Map(types.map((type) => [type.name, type]));
				return names.map((name) => byName.get(name) ?? null);
			}),
		internalEventTypes: (projectId: string | null): Promise<{ projectId: string; name: string }[]> =>
			database.read(async (session) => {
				const project = projectId === null ? null : uuidOf("proj", projectId);
				if (projectId !== null && project === null) return [];
				const rows = await session.run(SELECT_INTERNAL, [project]);
				return rows.map((row) => ({ projectId: idOf("proj", text(row["project_id"])), name: text(row["name"]) }));
			}),
		putEventType: (
			eventType: EventType,
			{ expected, limit, entry }: PutOptions,
		): Promise<number | "changed" | "full"> =>
			database.change(uuidOf("proj", eventType.projectId), async (session) => {
				const { projectId, name } = eventType;
				const project = uuidOf("proj", projectId);
				const [known] = await session.run(SELECT_REVISION, [project, name]);
				if ((known?.["revision"] ?? null) !== expected) return "changed";
				if (known === undefined && number((await session.run(COUNT, [project]))[0]?.["count"]) >= limit) return "full";
				const revision = (await raiseProject(session, project)) ?? noProject(projectId);
				await session.run(known === undefined ? INSERT : UPDATE, EVENT_TYPE.write({ ...eventType, revision }));
				await writeEntry(session, entry);
				return revision;
			}),
		deleteEventType: (projectId: string, name: string, entry: AuditEntry | null): Promise<number | null> =>
			database.change(uuidOf("proj", projectId), async (session) => {
				const project = uuidOf("proj", projectId);
				if ((await session.change(DELETE, [project, name])) === 0) return null;
				await writeEntry(session, entry);
				return (await raiseProject(session, project)) ?? noProject(projectId);
			}),
	};
}

/** Whether an event type of a project is internal now. */
export async function isInternal(session: Session, project: string | null, type: string): Promise<boolean> {
	return (await session.run(IS_INTERNAL, [project, type])).length > 0;
}
