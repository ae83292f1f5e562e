// Portal sessions: added, removed, listed, and purged when they have expired.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../../core/access/audit.ts";
import type { PortalSession } from "../../../../core/access/portal-session.ts";
import { customerOf, isInScope, projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import type { PortalSessionStore } from "../../../../ports/store/portal-sessions.ts";
import { PORTAL_SESSION } from "../../codec/customer-rows.ts";
import { BEFORE_ALL_IDS, idBytes, justAfter } from "../../codec/ids.ts";
import { prepareInsert } from "../../codec/statements.ts";
import type { Transact } from "../../connection.ts";
import { createWriteEntry } from "../audit.ts";
import { createIsDeleting } from "../customers/delete-customer.ts";
import { idRange, mapPage, readPage, type Order } from "../keyset.ts";
import { noProject } from "./change.ts";
import { createVersionOf } from "./versions.ts";

type InsertOptions = Parameters<PortalSessionStore["insertPortalSession"]>[1];

/** Prepares the calls of `PortalSessionStore` that write, or that a start needs. */
export function createPortalSessionCalls(db: DatabaseSync, transact: Transact) {
	const insert = prepareInsert(db, "portal_sessions", PORTAL_SESSION.columns);
	const remove = db.prepare("DELETE FROM portal_sessions WHERE id = ? AND project_id = ?");
	const isDeleting = createIsDeleting(db);
	const selectAll = db.prepare("SELECT * FROM portal_sessions WHERE id >= ? ORDER BY id LIMIT ?");
	const purge = db.prepare(`
		DELETE FROM portal_sessions WHERE id IN (
			SELECT id FROM portal_sessions INDEXED BY portal_sessions_by_expiry
			WHERE expire_date <= ? ORDER BY expire_date LIMIT ?
		)
	`);
	const versionOf = createVersionOf(db);
	const writeEntry = createWriteEntry(db);

	const removeAll = (projectId: string, ids: readonly string[]): number => {
		const project = idBytes("proj", projectId);
		return ids.reduce((count, id) => count + Number(remove.run(idBytes("portal", id), project).changes), 0);
	};

	return {
		insertPortalSession: (session: PortalSession, { replaces, entry }: InsertOptions): number =>
			transact(() => {
				const { projectId, customerId } = session;
				if (versionOf(idBytes("proj", projectId)) === null) return noProject(projectId);
				if (isDeleting(session)) {
					throw new StoreError("store_conflict", `the customer ${customerId} is being deleted`);
				}
				const count = removeAll(projectId, replaces);
				insert.run(...PORTAL_SESSION.write(session));
				writeEntry(entry);
				return count;
			}),
		deletePortalSessions: (projectId: string, ids: readonly string[], entry: AuditEntry | null): number =>
			transact(() => {
				const count = removeAll(projectId, ids);
				if (count > 0) writeEntry(entry);
				return count;
			}),
		allPortalSessions: (after: string | null, limit: number): PortalSession[] => {
			const first = after === null ? BEFORE_ALL_IDS : justAfter(idBytes("portal", after));
			return selectAll.all(first, limit).map(PORTAL_SESSION.read);
		},
		purgePortalSessions: (at: number, limit: number): number => transact(() => Number(purge.run(at, limit).changes)),
	};
}

/** Prepares the calls of `PortalSessionStore` that a reader can make. */
export function createPortalSessionReads(db: DatabaseSync) {
	const select = db.prepare("SELECT * FROM portal_sessions WHERE id = ? AND project_id = ?");
	return {
		portalSessions: createPage(db),
		portalSession: (scope: Scope, id: string): PortalSession | null => {
			const row = select.get(idBytes("portal", id), idBytes("proj", projectOf(scope)));
			const session = row === undefined ? null : PORTAL_SESSION.read(row);
			return session !== null && isInScope(scope, session) ? session : null;
		},
	};
}

function createPage(db: DatabaseSync) {
	const sql = (index: string, owner: string, order: Order) => `
		SELECT * FROM portal_sessions INDEXED BY ${index}
		WHERE ${owner} AND id >= ? AND id < ? AND expire_date > ? ORDER BY id ${order} LIMIT ?
	`;
	const prepare = (index: string, owner: string) => ({
		ASC: db.prepare(sql(index, owner, "ASC")),
		DESC: db.prepare(sql(index, owner, "DESC")),
	});
	const ofProject = prepare("portal_sessions_by_project", "project_id = ?");
	const ofCustomer = prepare("portal_sessions_by_customer", "project_id = ? AND customer_id = ?");

	return (scope: Scope, at: number, request: PageRequest): Page<PortalSession> => {
		const customerId = customerOf(scope);
		const project = idBytes("proj", projectOf(scope));
		const range = idRange({ after: null, before: null });
		const page = readPage("portal", request, range, ({ low, high }, order, limit) =>
			customerId === null
				? ofProject[order].all(project, low, high, at, limit)
				: ofCustomer[order].all(project, customerId, low, high, at, limit),
		);
		return mapPage(page, PORTAL_SESSION.read);
	};
}
