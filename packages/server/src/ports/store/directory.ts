// The slice for the directory (projects, keys, webhooks, event types): read at the start, changed by management calls.
import type { ApiKey } from "../../core/crypto/key.ts";
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

export interface DirectoryStore {
	/** All projects that are not deleted, in the order of their `createDate`. */
	projects(): Promise<readonly Project[]>;
	/** Rejects with `store_conflict` if the id exists. */
	insertProject(project: Project): Promise<void>;
	/**
	 * Replaces the name, the event type policy and the retention. Rejects with `store_conflict` if there is no such
	 * project.
	 */
	updateProject(project: Project): Promise<void>;
	/**
	 * Marks the project and its webhooks as deleted, and removes its keys and event types. Its events stay until
	 * `purgeDeletedProjects` removes them. Returns false if there is no such project or it is already deleted.
	 */
	deleteProject(projectId: string, at: number): Promise<boolean>;

	/** All keys of the workspace, newest first. */
	keys(): Promise<readonly ApiKey[]>;
	/** Rejects with `store_conflict` if the id or the digest exists, or if its project does not. */
	insertKey(key: ApiKey): Promise<void>;
	/** Removes a key, but never the last one with scope `admin` for the whole workspace: that is `last_admin`. */
	deleteKey(keyId: string): Promise<"deleted" | "not_found" | "last_admin">;

	/**
	 * Every webhook of every project, oldest first. Of the deleted webhooks, only those that have Pending or Held
	 * deliveries.
	 */
	webhookRecords(): Promise<readonly WebhookRecord[]>;
	/** Rejects with `store_conflict` if the id exists or the project does not. */
	insertWebhook(record: WebhookRecord): Promise<void>;
	/**
	 * Replaces the whole record of a webhook, its secrets included. `resetHealth` makes the webhook healthy in the same
	 * transaction; if omitted, its health stays. Rejects with `store_conflict` if there is no such webhook.
	 */
	updateWebhook(record: WebhookRecord, options?: { readonly resetHealth: boolean }): Promise<void>;
	/** A page of a project's webhooks that are not deleted, newest first. */
	webhooks(projectId: string, page: PageRequest): Promise<Page<Webhook>>;

	/**
	 * A page of a project's event types, sorted by name in ASCII order. Cursors are names, and "older" means further down
	 * the alphabet. `archived` selects archived or other types; null selects both.
	 *
	 * A page can have fewer than `limit` rows although `hasOlder` is true, so that the schemas and examples of one page
	 * stay within some megabytes.
	 */
	eventTypes(projectId: string, archived: boolean | null, page: PageRequest): Promise<Page<EventType>>;
	eventType(projectId: string, name: string): Promise<EventType | null>;
	/**
	 * Adds an event type, or replaces the one of the same name. Returns `full` and stores nothing if the type is new and
	 * its project already has `limit` types.
	 */
	putEventType(eventType: EventType, limit: number): Promise<"added" | "replaced" | "full">;
	/** Returns false if the project has no type of this name. */
	deleteEventType(projectId: string, name: string): Promise<boolean>;
}
