// What the directory needs of the store: projects, keys, webhooks and event types. Read at the start, changed by management calls.
import type { ApiKey } from "../../core/crypto/key.ts";
import type { EventType } from "../../core/event-type.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { Webhook } from "../../core/webhook.ts";
import type { Project } from "../../core/workspace.ts";

/** A secret or a set of header values as it lies on disk. */
export interface SealedSecret {
	/** Unique within the webhook; the newest has the highest. */
	readonly number: number;
	readonly sealed: Uint8Array;
	readonly createDate: number;
	/** From when on it signs no more; null = for good. */
	readonly expireDate: number | null;
}

/** A webhook with what is write-only, encrypted. */
export interface WebhookRecord extends Webhook {
	readonly secrets: readonly SealedSecret[];
	/** The sealed JSON of the header values; null if there are none. */
	readonly sealedHeaders: Uint8Array | null;
	/** Set when it was deleted: it is kept until its deliveries are settled. */
	readonly deleteDate: number | null;
}

export interface DirectoryStore {
	/** All that live, oldest first. */
	projects(): Promise<readonly Project[]>;
	insertProject(project: Project): Promise<void>;
	updateProject(project: Project): Promise<void>;
	/** Marks the project and its webhooks as deleted and removes its keys. False if there is no such project. */
	deleteProject(projectId: string, at: number): Promise<boolean>;

	/** All keys, newest first. */
	keys(): Promise<readonly ApiKey[]>;
	insertKey(key: ApiKey): Promise<void>;
	/** Removes a key, unless it is the last that administers the whole workspace. */
	deleteKey(keyId: string): Promise<"deleted" | "not_found" | "last_admin">;

	/** Every webhook, also deleted ones that still have deliveries to settle. */
	webhookRecords(): Promise<readonly WebhookRecord[]>;
	insertWebhook(record: WebhookRecord): Promise<void>;
	/** Replaces all of a webhook's record, its secrets included. Its health is left alone, or begins anew. */
	updateWebhook(record: WebhookRecord, options?: { readonly resetHealth: boolean }): Promise<void>;
	webhooks(projectId: string, page: PageRequest): Promise<Page<Webhook>>;

	/**
	 * A project's types by name, A first; "older" is further down the alphabet, and cursors are names. `archived` null: all.
	 * A page can hold fewer than `limit`, so that schemas and examples of one page stay within some megabytes.
	 */
	eventTypes(projectId: string, archived: boolean | null, page: PageRequest): Promise<Page<EventType>>;
	eventType(projectId: string, name: string): Promise<EventType | null>;
	/** Adds the type, or replaces the one of its name. Does nothing if it would be one more than `limit` in its project. */
	putEventType(eventType: EventType, limit: number): Promise<"added" | "replaced" | "full">;
	/** False if there is none of this name. */
	deleteEventType(projectId: string, name: string): Promise<boolean>;
}
