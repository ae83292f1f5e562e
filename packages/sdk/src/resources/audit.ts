// client.audit: who did what to which object, when.
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { milliseconds, type RequestOptions, type Transport } from "../transport.ts";

/** One call that changed something, or one change that the server made by itself. Never with a value that was set. */
export interface AuditEntry {
	readonly id: string;
	readonly object: "auditEntry";
	readonly createDate: number;
	/** The key that did it; null: the server itself. */
	readonly keyId: string | null;
	readonly projectId: string | null;
	/** Such as `webhook.update`. */
	readonly action: string;
	/** What was made, changed or deleted. */
	readonly objectId: string;
	/** The names of the fields that were set. */
	readonly fields: readonly string[];
	readonly requestId: string | null;
}

/** All given filters hold together. */
export interface AuditFilter extends ListParams {
	readonly keyId?: string | undefined;
	readonly projectId?: string | undefined;
	readonly objectId?: string | undefined;
	readonly action?: string | undefined;
	readonly after?: Date | number | undefined;
	readonly before?: Date | number | undefined;
}

export class Audit {
	readonly #transport: Transport;

	constructor(transport: Transport) {
		this.#transport = transport;
	}

	/**
	 * The entries, newest first. Takes an admin key of the whole workspace.
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
