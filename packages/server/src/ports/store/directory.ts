// The slice for the directory (projects, keys, webhooks, event types): read at the start, changed by management calls.
import type { AuditEntry } from "../../core/access/audit.ts";
import type { ApiKey } from "../../core/access/key.ts";
import type { Scope } from "../../core/access/principal.ts";
import type { EventType } from "../../core/event-type.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { Webhook } from "../../core/webhook.ts";
import type { Project } from "../../core/workspace.ts";

/** A webhook's secret, sealed under the master key. */
export interface SealedSecret {
	/** Unique within the webhook; the newest secret has the highest number. */
	readonly number: number;
	readonly sealed: Uint8Array;
	readonly createDate: number;
	/** When the secret stops signing; null if it never does. */
	readonly expireDate: number | null;
}

/** A webhook with its write-only parts, which are sealed. */
export interface WebhookRecord extends Webhook {
	/** Newest first when read. */
	readonly secrets: readonly SealedSecret[];
	/** The sealed JSON object of all header values; null if the webhook has no custom headers. */
	readonly sealedHeaders: Uint8Array | null;
	/**
	 * When the webhook was deleted; null if it was not. A deleted webhook keeps its record while it has waiting
	 * deliveries.
	 */
	readonly deleteDate: number | null;
}

/** The version of the workspace and of each project that is not deleted. */
export interface DirectoryVersions {
	readonly workspace: number;
	readonly projects: readonly { readonly projectId: string; readonly version: number }[];
}

/** What has changed in a project since a version, from one snapshot. */
export interface ProjectChanges {
	/** The project's version in this snapshot. */
	readonly version: number;
	/** Null if the project is deleted or unknown: then there is nothing else either. */
	readonly project: Project | null;
	/** The webhooks that have changed, deleted ones too, in no particular order. */
	readonly webhooks: readonly WebhookRecord[];
	/** All keys of the project, changed or not. */
	readonly keys: readonly ApiKey[];
}

/** How an update of a record is made. */
export interface UpdateOptions {
	/** The revision that the update was made on. If the stored one is another, nothing is changed. */
	readonly expected: number;
	/** The audit entry, written only if the update is made; null for none. */
	readonly entry: AuditEntry | null;
}

/**
 * Every change is one transaction, which also
 *
 * - writes the audit entry that is given with it (`entry`), but only if something changes;
 * - raises the version of the project by one, for any change of the project, its webhooks, keys or event types. A
 *   changed record gets the new version as its `revision`; the `revision` of the record that is passed in does not
 *   matter. Changes of the list of projects and of the workspace's own keys raise the version of the workspace instead.
 */
export interface DirectoryStore {
	/**
	 * The versions as they are now. A reader that reads the versions first and the records after them has all changes up
	 * to these versions, and perhaps newer ones.
	 */
	directoryVersions(): Promise<DirectoryVersions>;
	/** What has changed in a project after version `since`. */
	projectChanges(projectId: string, since: number): Promise<ProjectChanges>;

	/** All projects that are not deleted, in the order of their `createDate`. */
	projects(): Promise<readonly Project[]>;
	/** Adds a project, with `FIRST_VERSION`. Returns the workspace's version. Rejects with `store_conflict` if the id exists. */
	insertProject(project: Project, entry: AuditEntry | null): Promise<number>;
	/**
	 * Replaces the name, the event type policy and the retention. Returns the new revision; null if there is no such
	 * project, it is deleted, or its revision is not the expected one.
	 */
	updateProject(project: Project, options: UpdateOptions): Promise<number | null>;
	/**
	 * Marks the project and its webhooks as deleted, and removes its keys and event types. Its events stay until
	 * `purgeDeletedProjects` removes them. Returns the workspace's version; null if there is no such project or it is
	 * already deleted.
	 */
	deleteProject(projectId: string, at: number, entry: AuditEntry | null): Promise<number | null>;

	/** All keys of the workspace, newest first. */
	keys(): Promise<readonly ApiKey[]>;
	/**
	 * Adds a key. Returns the version of its project, or of the workspace. Rejects with `store_conflict` if the id or the
	 * digest exists, or if its project does not or is deleted.
	 */
	insertKey(key: ApiKey, entry: AuditEntry | null): Promise<number>;
	/**
	 * Removes a key, but never the last one with scope `admin` for the whole workspace: that is `last_admin`. Returns the
	 * version of its project, or of the workspace.
	 */
	deleteKey(keyId: string, entry: AuditEntry | null): Promise<number | "not_found" | "last_admin">;

	/**
	 * Every webhook of every project, oldest first. Of the deleted webhooks, only those that have Pending or Held
	 * deliveries.
	 */
	webhookRecords(): Promise<readonly WebhookRecord[]>;
	/**
	 * Adds a webhook. Returns its revision. Rejects with `store_conflict` if the id exists, or if the project does not or
	 * is deleted.
	 */
	insertWebhook(record: WebhookRecord, entry: AuditEntry | null): Promise<number>;
	/**
	 * Replaces the whole record of a webhook, its secrets included. `resetHealth` makes the webhook healthy in the same
	 * transaction; if omitted, its health stays. Returns the new revision; null if there is no such webhook, it is
	 * deleted, or its revision is not the expected one.
	 */
	updateWebhook(
		record: WebhookRecord,
		options: UpdateOptions & { readonly resetHealth?: boolean },
	): Promise<number | null>;
	/** A page of a project's webhooks that are not deleted, newest first. */
	webhooks(scope: Scope, page: PageRequest): Promise<Page<Webhook>>;

	/**
	 * A page of a project's event types, sorted by name in ASCII order. Cursors are names, and "older" means further down
	 * the alphabet. `archived` selects archived or other types; null selects both.
	 *
	 * A page can have fewer than `limit` rows although `hasOlder` is true, so that the schemas and examples of one page
	 * stay within some megabytes.
	 */
	eventTypes(scope: Scope, archived: boolean | null, page: PageRequest): Promise<Page<EventType>>;
	eventType(projectId: string, name: string): Promise<EventType | null>;
	/**
	 * Adds an event type if `expected` is null, or replaces the one of the same name if its revision is `expected`.
	 * Returns its revision. Changes nothing and returns `changed` if the type exists although it should not, or has
	 * another revision, or does not exist; `full` if the type is new and its project already has `limit` types. Rejects
	 * with `store_conflict` if there is no such project or it is deleted.
	 */
	putEventType(
		eventType: EventType,
		options: {
			readonly expected: number | null;
			readonly limit: number;
			readonly entry: AuditEntry | null;
		},
	): Promise<number | "changed" | "full">;
	/** Returns the version of the project; null if the project has no type of this name. */
	deleteEventType(projectId: string, name: string, entry: AuditEntry | null): Promise<number | null>;
}
