// The slice for the directory (projects, keys, webhooks, event types): read at the start, changed by management calls.
import type { AuditEntry } from "../../core/access/audit.ts";
import type { ApiKey } from "../../core/access/key.ts";
import type { Scope } from "../../core/access/principal.ts";
import type { EventType } from "../../core/event-type.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { HealthState } from "../../core/policies/webhook-health.ts";
import type { Webhook, WebhookLimits, WebhookStatus } from "../../core/webhook.ts";
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

/** What is kept in memory of every webhook. Its size is bounded by the number of webhooks and by `maxWebhookBytes`. */
export interface WebhookSummary extends Pick<
	Webhook,
	| "id"
	| "projectId"
	| "customerId"
	| "name"
	| "rateLimit"
	| "disableAfterMs"
	| "status"
	| "disabledReason"
	| "pausedReason"
	| "revision"
> {
	/** `eventTypes` as JSON text, which is smaller than an array; null for every type but own events. */
	readonly eventTypesJson: string | null;
	readonly deleteDate: number | null;
}

/** Selects webhooks that match all fields. Null matches every webhook. */
export interface WebhookFilter {
	/** Webhooks whose name, description, host or key contains the text, in any case of letters, or whose id it is. */
	readonly text: string | null;
	/** One of these. */
	readonly statuses: readonly WebhookStatus[] | null;
	/** One of these, as `shownHealth` of core/policies/webhook-health.ts says. */
	readonly health: readonly HealthState[] | null;
	readonly customerId: string | null;
	readonly key: string | null;
	/**
	 * Webhooks whose filter lets this event type through, for the customers that an event is for. Those of customers do not match
	 * an internal type; in the scope of a customer, whether it is internal does not count.
	 */
	readonly eventType: string | null;
	/** Webhooks that have all of these entries in their metadata. */
	readonly metadata: Readonly<Record<string, string>>;
	/** Whether the webhooks that relays are match, too. False if omitted. */
	readonly withRelays?: boolean;
}

/** Another webhook of the project has the key. */
export interface KeyTaken {
	readonly kind: "key_taken";
	readonly webhookId: string;
}

/** Why a webhook is not added or changed: a limit of its project, its key, or that its customer is being deleted. */
export type WebhookRefusal = "too_many_webhooks" | "webhooks_too_large" | "customer_being_deleted" | KeyTaken;

/** A project with more webhooks than its limits, which can be lower than when the webhooks were made. */
export interface ProjectOverLimits {
	readonly projectId: string;
	/** Webhooks that are not deleted, and what they count as by `maxWebhookBytes`. */
	readonly webhooks: number;
	readonly webhookBytes: number;
}

/**
 * Where a reader of changes is. Known are all webhooks of lower revisions, and those of this revision up to this id; null
 * for all of this revision.
 */
export interface ChangesPosition {
	readonly revision: number;
	readonly webhookId: string | null;
}

/** The version of the workspace and of each project that is not deleted. */
export interface DirectoryVersions {
	readonly workspace: number;
	readonly projects: readonly { readonly projectId: string; readonly version: number }[];
}

/** What has changed in a project since a version, or a page of that. A page is one snapshot. */
export interface ProjectChanges {
	/** The project's version in this snapshot. */
	readonly version: number;
	/** Null if the project is deleted or unknown: then there is nothing else either. */
	readonly project: Project | null;
	/** The webhooks that have changed, deleted ones too, by revision and then by id. */
	readonly webhooks: readonly WebhookSummary[];
	/**
	 * Where the next page begins; null if there is none. After all pages, everything is known up to the version of the first
	 * one: a webhook that changes meanwhile is on a later page.
	 */
	readonly next: ChangesPosition | null;
	/** All keys of the project, changed or not. */
	readonly keys: readonly ApiKey[];
}

/** When a key was used last. */
export interface KeyUse {
	readonly keyId: string;
	readonly at: number;
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
	/** What has changed in a project after a position, with at most `limit` webhooks. */
	projectChanges(projectId: string, after: ChangesPosition, limit: number): Promise<ProjectChanges>;

	/** All projects that are not deleted, in the order of their `createDate`. */
	projects(): Promise<readonly Project[]>;
	/**
	 * Adds a project, with `FIRST_VERSION`. Returns the workspace's version. Changes nothing and returns `full` if there are
	 * `limit` projects already that are not deleted; if omitted, there is no limit. Rejects with `store_conflict` if the id
	 * exists.
	 */
	insertProject(project: Project, entry: AuditEntry | null, limit?: number): Promise<number | "full">;
	/**
	 * Replaces the settings. Returns the new revision; null if there is no such
	 * project, it is deleted, or its revision is not the expected one.
	 */
	updateProject(project: Project, options: UpdateOptions): Promise<number | null>;
	/**
	 * Marks the project as deleted. By this mark its webhooks and keys are deleted, too, and it has no event types: a small change, however
	 * many there are. The rows of its keys stay until `removeKeysOfDeleted` removes them, and all others and its events until
	 * `purgeDeletedProjects` does. Returns the workspace's version; null if there is no such project or it is already deleted.
	 */
	deleteProject(projectId: string, at: number, entry: AuditEntry | null): Promise<number | null>;

	/** All keys of the workspace, newest first, without those of deleted projects, which no other call finds either. */
	keys(): Promise<readonly ApiKey[]>;
	/**
	 * Adds a key. Returns the version of its project, or of the workspace. Changes nothing and returns `full` if there are `limit`
	 * keys already; if omitted, there is no limit. Rejects with `store_conflict` if the id or the digest exists, or if its project
	 * does not or is deleted.
	 */
	insertKey(key: ApiKey, entry: AuditEntry | null, limit?: number): Promise<number | "full">;
	/**
	 * Replaces the record of a key. Returns the new revision; null if there is no such key, or its revision is not the expected
	 * one.
	 */
	updateKey(key: ApiKey, options: UpdateOptions): Promise<number | null>;
	/**
	 * Removes a key, but never the last one with scope `admin` for the whole workspace that does not expire: that is
	 * `last_admin`. Returns the version of its project, or of the workspace. Its name is kept for as long as an audit entry names it.
	 */
	deleteKey(keyId: string, entry: AuditEntry | null): Promise<number | "not_found" | "last_admin">;
	/**
	 * Removes about `limit` rows of keys of a deleted project, or of any one for null, with their sessions and sign-in links. The names of keys
	 * are kept for as long as an audit entry names them. Returns whether there may be more. Changes nothing if the project is not deleted.
	 *
	 * It may resolve before it is synced: a loss of power can bring rows back, which the next start removes again.
	 */
	removeKeysOfDeleted(projectId: string | null, limit: number): Promise<boolean>;
	/** When each key was used last, of those that were ever used. */
	keyUses(): Promise<readonly KeyUse[]>;
	/**
	 * Notes uses of keys, of which the last one of each key counts, whatever the order of the calls. A key that is deleted is
	 * left out. It may resolve before it is synced: a loss of power can undo it.
	 */
	noteKeyUses(uses: readonly KeyUse[]): Promise<void>;

	/**
	 * The oldest `limit` webhooks of all projects whose ids come after `after`, oldest first; null for the first ones. Of the
	 * deleted webhooks, only those that have Pending or Held deliveries.
	 */
	webhookSummaries(after: string | null, limit: number): Promise<readonly WebhookSummary[]>;
	/** The records of the webhooks among these that exist, deleted or not, in no particular order. */
	webhookRecords(webhookIds: readonly string[]): Promise<readonly WebhookRecord[]>;
	/** The projects whose webhooks exceed these limits, at most `limit` of them, and how many there are. */
	projectsOverLimits(
		limits: WebhookLimits,
		limit: number,
	): Promise<{ readonly projects: readonly ProjectOverLimits[]; readonly count: number }>;
	/**
	 * Adds a webhook. Returns its revision. Changes nothing and returns the reason if the project would have more than
	 * `limits` allow (if omitted, there are none), or if another of its webhooks that are not deleted has the same key. Rejects with `store_conflict` if the id exists, or if the project does not or
	 * is deleted.
	 */
	insertWebhook(
		record: WebhookRecord,
		entry: AuditEntry | null,
		limits?: WebhookLimits,
	): Promise<number | WebhookRefusal>;
	/**
	 * Replaces the whole record of a webhook, its secrets included. `resetHealth` makes the webhook healthy in the same
	 * transaction; if omitted, its health stays, but a new `disableAfterMs` takes back the warnings about it
	 * (`withoutWarnings` of core/policies/webhook-health.ts). Returns the new revision; null if there is no such webhook, it is
	 * deleted, or its revision is not the expected one.
	 *
	 * Changes nothing and returns `webhooks_too_large` if the webhook grows, and its project then has more than `limits`
	 * allow. A change that makes a webhook no larger is always made, unless another webhook has its new key.
	 */
	updateWebhook(
		record: WebhookRecord,
		options: UpdateOptions & { readonly resetHealth?: boolean; readonly limits?: WebhookLimits },
	): Promise<number | Exclude<WebhookRefusal, "too_many_webhooks"> | null>;
	/**
	 * A page of a project's webhooks that are not deleted, newest first. Relays are left out. A page looks at a bounded number of webhooks, so it can have
	 * fewer rows than `limit` although there are more, and also ends at about 4 MB.
	 */
	webhooks(scope: Scope, filter: WebhookFilter, page: PageRequest): Promise<Page<Webhook>>;

	/**
	 * A page of a project's event types, sorted by name in ASCII order. Cursors are names, and "older" means further down
	 * the alphabet. `archived` selects archived or other types; null selects both. In the scope of a customer are the public ones.
	 *
	 * A page can have fewer than `limit` rows although `hasOlder` is true, so that the schemas and examples of one page
	 * stay within some megabytes.
	 */
	eventTypes(scope: Scope, archived: boolean | null, page: PageRequest): Promise<Page<EventType>>;
	eventType(projectId: string, name: string): Promise<EventType | null>;
	/** The event types with these names, in their order; null for a name that the project has no type of. */
	eventTypesByName(projectId: string, names: readonly string[]): Promise<readonly (EventType | null)[]>;
	/** The names of the `internal` event types of a project, or for null of all projects. */
	internalEventTypes(
		projectId: string | null,
	): Promise<readonly { readonly projectId: string; readonly name: string }[]>;
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
