// client.audit: the audit log of the workspace.
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { milliseconds, type RequestOptions, type Transport } from "../transport.ts";

/** One call that changed something, or one change made by the server itself. Contains field names, but no values. */
export interface AuditEntry {
	readonly id: string;
	readonly object: "auditEntry";
	/** When it happened, in milliseconds since the epoch. */
	readonly createDate: number;
	/** The key that made the call; null if the server made the change itself. */
	readonly keyId: string | null;
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
}

/** Filters for the audit log. All are optional; an entry must match all that are given. */
export interface AuditFilter extends ListParams {
	readonly keyId?: string | undefined;
	readonly projectId?: string | undefined;
	readonly objectId?: string | undefined;
	readonly action?: string | undefined;
	/** Only those created at this time or later. */
	readonly after?: Date | number | undefined;
	/** Only those created before this time. */
	readonly before?: Date | number | undefined;
}

/** The audit log. Use it as `client.audit`. */
export class Audit {
	readonly #transport: Transport;

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
		const { page, after, before, ...rest } = filter;
		const query = { ...rest, after: milliseconds("after", after), before: milliseconds("before", before) };
		return listOf(this.#transport, { path: "/workspace/audit", query }, page, options);
	}
}
