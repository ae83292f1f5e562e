// client.audit and project.audit: the audit log of the workspace, and of a project.
import { milliseconds } from "../arguments.ts";
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { exportedCsv, exportedRows } from "../streaming/exported.ts";
import { type RequestOptions, type Transport } from "../transport.ts";

/** What was done. A newer server may have more actions. */
export type AuditAction =
	| "customer.delete"
	| "customer.deleted"
	| "customer.pause"
	| "customer.resume"
	| "customer.update"
	| "delivery.cancel"
	| "delivery.cancel_many"
	| "delivery.retry"
	| "delivery.retry_many"
	| "event.erase"
	| "event_type.create"
	| "event_type.delete"
	| "event_type.put"
	| "event_type.update"
	| "key.create"
	| "key.delete"
	| "key.roll"
	| "key.update"
	| "portal_session.create"
	| "portal_session.revoke"
	| "portal_session.revoke_many"
	| "project.create"
	| "project.delete"
	| "project.update"
	| "relay.delete"
	| "relay.put"
	| "relay.update"
	| "replay.cancel"
	| "replay.create"
	| "replay.create_many"
	| "session.create"
	| "session.delete"
	| "sign_in_link.create"
	| "webhook.conform"
	| "webhook.create"
	| "webhook.delete"
	| "webhook.disable"
	| "webhook.pause"
	| "webhook.release"
	| "webhook.release_all"
	| "webhook.release_many"
	| "webhook.resume"
	| "webhook.test"
	| "webhook.update"
	| "webhook.update_secret"
	| "workspace.restore";

/** One call that changed something, or one change made by the server itself. Contains field names, but no values. */
export interface AuditEntry {
	/** Such as `audit_…`. */
	readonly id: string;
	/** Always `"auditEntry"`. */
	readonly object: "auditEntry";
	/** When it happened, in milliseconds since the epoch. */
	readonly createDate: number;
	/** The key that made the call; null if a customer or the server itself made the change. */
	readonly keyId: string | null;
	/** The session of the page in which the key was used. Present only if it was used in one. */
	readonly sessionId?: string;
	/**
	 * The `actor` of the call, as the client has sent it, whom a trusted proxy has named, or that of the portal session; null if there
	 * was none.
	 */
	readonly actor: string | null;
	/** The customer whose token made the call. Present only if a customer did. */
	readonly customerId?: string;
	/** The portal session whose token made the call. Present only if a customer did. */
	readonly portalSessionId?: string;
	/** The project of the changed object; null if it belongs to the workspace. */
	readonly projectId: string | null;
	/** Such as `webhook.update`. */
	readonly action: string;
	/** The object that was created, changed or deleted. */
	readonly objectId: string;
	/** The names of the fields that were set. */
	readonly fields: readonly string[];
	/** The id of the request in the server's log; null if there was no request. */
	readonly requestId: string | null;
	/** What the key is called now, or was called when it was revoked; null if there is no key, or if an older version has revoked it. */
	readonly keyName: string | null;
	/**
	 * What the object is called now, if it is a webhook, a key or a project, and belongs to the entry's project (without a project: to the
	 * workspace); null for other objects, and for those of which nothing is kept any more. A deleted webhook has the name that it had, unless
	 * that was erased with its customer, and so has a revoked key.
	 */
	readonly objectName: string | null;
}

/** Filters for a project's audit log. All are optional; an entry must match all that are given. */
export interface ProjectAuditFilter extends ListParams {
	/** Only calls made with this key. */
	readonly keyId?: string | undefined;
	/** Only changes of this object. */
	readonly objectId?: string | undefined;
	/** Only this action, such as `webhook.update`. The log may have other actions, of other versions of the server. */
	readonly action?: AuditAction | (string & {}) | undefined;
	/** Only those created at this time or later. */
	readonly after?: Date | number | undefined;
	/** Only those created before this time. */
	readonly before?: Date | number | undefined;
}

/** Filters for the audit log of the workspace. All are optional; an entry must match all that are given. */
export interface AuditFilter extends ProjectAuditFilter {
	/** Only changes of objects of this project. */
	readonly projectId?: string | undefined;
}

/** The audit log. Use it as `client.audit`. */
export class Audit {
	readonly #transport: Transport;

	/** @internal */
	constructor(transport: Transport) {
		this.#transport = transport;
	}

	/**
	 * Lists the entries, newest first. Requires an admin key of the whole workspace.
	 *
	 * @example
	 * for await (const { createDate, keyId, action, fields } of client.audit.list({ objectId: webhook.id })) {
	 * 	console.log(new Date(createDate), keyId, action, fields);
	 * }
	 */
	list(filter: AuditFilter = {}, options?: RequestOptions): PagePromise<AuditEntry> {
		return listEntries(this.#transport, "/workspace/audit", filter, options);
	}

	/**
	 * Exports all entries that match, newest first, however many there are: they are read from one streaming response, as fast as you
	 * take them. The request is made when the iteration starts, and leaving the loop ends it. Rejects with a `ConnectionError` if the
	 * response is cut off, so that no part is taken for the whole. The workspace can have 2 exports at once.
	 *
	 * @example
	 * for await (const { createDate, actor, action } of client.audit.export({ action: "key.create" })) {
	 * 	console.log(new Date(createDate), actor, action);
	 * }
	 */
	export(filter: Omit<AuditFilter, keyof ListParams> = {}, options: RequestOptions = {}): AsyncIterable<AuditEntry> {
		return exportedRows(this.#transport, { path: "/workspace/audit:export", query: queryOf(filter), options });
	}

	/**
	 * The same as a CSV file for spreadsheets, in pieces of text. An apostrophe stands before a character that would begin a formula.
	 *
	 * @example
	 * // `pipeline` is that of node:stream/promises.
	 * await pipeline(client.audit.exportCsv(), createWriteStream("audit.csv"));
	 */
	exportCsv(filter: Omit<AuditFilter, keyof ListParams> = {}, options: RequestOptions = {}): AsyncIterable<string> {
		return exportedCsv(this.#transport, { path: "/workspace/audit:export", query: queryOf(filter), options });
	}
}

/** The audit log of a project. Use it as `client.project(id).audit`. */
export class ProjectAudit {
	readonly #transport: Transport;
	readonly #path: string;

	/** @internal */
	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#path = `/projects/${projectId}/audit`;
	}

	/**
	 * Lists what was changed in the project, newest first. Requires an admin key, which may be one of the project.
	 *
	 * @example
	 * for await (const { createDate, actor, action, objectId } of project.audit.list()) {
	 * 	console.log(new Date(createDate), actor, action, objectId);
	 * }
	 */
	list(filter: ProjectAuditFilter = {}, options?: RequestOptions): PagePromise<AuditEntry> {
		return listEntries(this.#transport, this.#path, filter, options);
	}

	/**
	 * Exports all entries that match, newest first, however many there are: they are read from one streaming response, as fast as you
	 * take them. The request is made when the iteration starts, and leaving the loop ends it. Rejects with a `ConnectionError` if the
	 * response is cut off, so that no part is taken for the whole. A project can have 2 exports at once.
	 *
	 * @example
	 * for await (const { createDate, actor, action } of project.audit.export({ action: "webhook.delete" })) {
	 * 	console.log(new Date(createDate), actor, action);
	 * }
	 */
	export(
		filter: Omit<ProjectAuditFilter, keyof ListParams> = {},
		options: RequestOptions = {},
	): AsyncIterable<AuditEntry> {
		return exportedRows(this.#transport, { path: `${this.#path}:export`, query: queryOf(filter), options });
	}

	/**
	 * The same as a CSV file for spreadsheets, in pieces of text. An apostrophe stands before a character that would begin a formula.
	 *
	 * @example
	 * // `pipeline` is that of node:stream/promises.
	 * await pipeline(project.audit.exportCsv(), createWriteStream("audit.csv"));
	 */
	exportCsv(
		filter: Omit<ProjectAuditFilter, keyof ListParams> = {},
		options: RequestOptions = {},
	): AsyncIterable<string> {
		return exportedCsv(this.#transport, { path: `${this.#path}:export`, query: queryOf(filter), options });
	}
}

function listEntries(
	transport: Transport,
	path: string,
	filter: AuditFilter,
	options: RequestOptions | undefined,
): PagePromise<AuditEntry> {
	const { page, ...rest } = filter;
	return listOf(transport, { path, query: queryOf(rest) }, page, options);
}

/** A filter as query parameters. */
function queryOf({ after, before, ...rest }: Omit<AuditFilter, "page">) {
	return { ...rest, after: milliseconds("after", after), before: milliseconds("before", before) };
}
