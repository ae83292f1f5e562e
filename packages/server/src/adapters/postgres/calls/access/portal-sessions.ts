// Portal sessions: added, removed, listed, and purged when they have expired.
import type { AuditEntry } from "../../../../core/access/audit.ts";
import type { PortalSession } from "../../../../core/access/portal-session.ts";
import { customerOf, isInScope, projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import type { PortalSessionStore } from "../../../../ports/store/portal-sessions.ts";
import { PORTAL_SESSION } from "../../codec/access/portal-session-rows.ts";
import { FIRST_UUID, uuidOf, uuidsOf } from "../../codec/ids.ts";
import { insertInto, statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { writeEntry } from "../audit.ts";
import { checkProject } from "../directory/change.ts";
import { partConditions, readPage, type Part, type Scanned } from "../keyset.ts";
import { endWhere, noteBegun, purgeChanges } from "./session-changes.ts";

type InsertOptions = Parameters<PortalSessionStore["insertPortalSession"]>[1];

const INSERT = insertInto("portal_sessions", PORTAL_SESSION.columns);
const DELETE = endWhere("portal", "project_id = $1 AND id = ANY($2::uuid[])");
const SELECT_DELETION = statement("SELECT 1 FROM customer_deletions WHERE project_id = $1 AND customer_id = $2");
const SELECT = statement("SELECT * FROM portal_sessions WHERE project_id = $1 AND id = $2");
const SELECT_ALL = statement("SELECT * FROM portal_sessions WHERE id > $1 ORDER BY id LIMIT $2");
const PURGE = statement(`
	DELETE FROM portal_sessions WHERE id IN (
		SELECT id FROM portal_sessions WHERE expire_date <= $1 ORDER BY expire_date LIMIT $2
	)
`);
const NO_TIMES = { low: FIRST_UUID, high: null };

/** The calls of `PortalSessionStore`. */
export function createPortalSessionCalls(database: Database) {
	return {
		insertPortalSession: (session: PortalSession, { replaces, entry }: InsertOptions): Promise<number> =>
			database.change(uuidOf("proj", session.projectId), async (connection) => {
				await checkProject(connection, session.projectId);
				await checkCustomer(connection, session);
				const count = await removeAll(connection, session.projectId, replaces);
				await connection.run(INSERT, PORTAL_SESSION.write(session));
				await noteBegun(connection, "portal", uuidOf("portal", session.id), session.expireDate);
				await writeEntry(connection, entry);
				return count;
			}),
		deletePortalSessions: (projectId: string, ids: readonly string[], entry: AuditEntry | null): Promise<number> =>
			database.transact(async (connection) => {
				const count = await removeAll(connection, projectId, ids);
				if (count > 0) await writeEntry(connection, entry);
				return count;
			}),
		portalSessions: (scope: Scope, at: number, request: PageRequest): Promise<Page<PortalSession>> =>
			database.snapshot(async (connection) => {
				const page = await readPage("portal", request, NO_TIMES, (part) => scan(connection, scope, at, part));
				return { ...page, rows: page.rows.map(PORTAL_SESSION.read) };
			}),
		portalSession: (scope: Scope, id: string): Promise<PortalSession | null> =>
			database.read(async (connection) => {
				const [row] = await connection.run(SELECT, [uuidOf("proj", projectOf(scope)), uuidOf("portal", id)]);
				const session = row === undefined ? null : PORTAL_SESSION.read(row);
				return session !== null && isInScope(scope, session) ? session : null;
			}),
		allPortalSessions: (after: string | null, limit: number): Promise<PortalSession[]> =>
			database.read(async (connection) => {
				const place = after === null ? FIRST_UUID : uuidOf("portal", after);
				return (await connection.run(SELECT_ALL, [place, limit])).map(PORTAL_SESSION.read);
			}),
		purgePortalSessions: (at: number, limit: number): Promise<number> =>
			database.inBackground(async (connection) => {
				await purgeChanges(connection, at, limit);
				return connection.change(PURGE, [at, limit]);
			}),
	};
}

/** Fails with `store_conflict` if the customer of a session is being deleted. */
async function checkCustomer(connection: Session, { projectId, customerId }: PortalSession): Promise<void> {
	const deletions = await connection.run(SELECT_DELETION, [uuidOf("proj", projectId), customerId]);
	if (deletions.length > 0) throw new StoreError("store_conflict", `the customer ${customerId} is being deleted`);
}

function removeAll(connection: Session, projectId: string, ids: readonly string[]): Promise<number> {
	return connection.change(DELETE, [uuidOf("proj", projectId), uuidsOf("portal", ids)]);
}

async function scan(connection: Session, scope: Scope, at: number, part: Part): Promise<Scanned> {
	const values: unknown[] = [uuidOf("proj", projectOf(scope)), at];
	const customerId = customerOf(scope);
	const ofCustomer = customerId === null ? "" : `AND customer_id = $${values.push(customerId)}`;
	const rows = await connection.query(
		`
			SELECT * FROM portal_sessions
			WHERE project_id = $1 AND expire_date > $2 ${ofCustomer} AND ${partConditions(part, values)}
			ORDER BY id ${part.order} LIMIT $${values.push(part.limit)}
		`,
		values,
	);
	return { rows, stoppedAt: null };
}
