// The directory: what memory knows of projects, keys, webhooks and event types. Everything else in the engine reads them
// here, and management calls change them here after they have changed the store.
import { keyDigest, sameDigest, type ApiKey } from "../../core/access/key.ts";
import { FanfareError } from "../../core/errors.ts";
import type { EventType } from "../../core/event-type.ts";
import type { ArmedWebhook } from "../../core/webhook.ts";
import { FIRST_VERSION, type Project, type Workspace } from "../../core/workspace.ts";
import type { DirectoryStore, WebhookRecord } from "../../ports/store/directory.ts";
import type { PartsOn } from "../parts.ts";
import { EventTypeCache } from "./event-type-cache.ts";
import type { KnownWebhook } from "./sealed-webhook.ts";
import { SharedReads } from "./shared-reads.ts";
import { WebhookTable } from "./webhook-table.ts";

type Parts = Pick<PartsOn<DirectoryStore>, "store" | "clock" | "sealer" | "observer" | "wire">;

/** Told what has changed. Calls are hints: the directory itself says what is true now. */
export interface DirectoryListener {
	/** A webhook was changed or deleted, or somebody else has added it. */
	webhookChanged(webhookId: string): void;
	/** A key no longer exists. */
	keyDeleted(keyId: string): void;
	/** A project no longer exists. Its webhooks were reported before; its keys follow. */
	projectDeleted(projectId: string): void;
}

interface KnownProject {
	readonly project: Project;
	/** Everything in the project is known up to this version. */
	readonly version: number;
}

/**
 * A copy of rows. It changes only after the store has changed, in one of two ways:
 *
 * - a management call of this process puts what it has written (`put…`, `add…`, `remove…`), and is answered when every
 *   other process has it, too;
 * - `refresh` reads what others have written.
 *
 * Each change carries the version that it has given the project. If a version was skipped, another process has changed
 * something in between, and the project is refreshed. A commit that was built on an older version is told that it is
 * stale, so an outdated directory delays a send but never sends it to the wrong webhooks.
 *
 * Memory: all projects, keys and webhooks, and the event types that were used last, within a bound.
 */
export class Directory {
	readonly workspace: Workspace;
	readonly #parts: Parts;
	readonly #projects = new Map<string, KnownProject>();
	/** By the digest, in hex. */
	readonly #keys = new Map<string, ApiKey>();
	readonly #webhooks: WebhookTable;
	readonly #eventTypes: EventTypeCache;
	readonly #reads = new SharedReads();
	#workspaceVersion = FIRST_VERSION;
	/** The newest versions that changes of this process have made: a read that is older lacks such a change. */
	#ownWorkspaceVersion = 0;
	readonly #ownVersions = new Map<string, number>();
	#listener: DirectoryListener | null = null;

	constructor(parts: Parts, workspace: Workspace) {
		this.#parts = parts;
		this.workspace = workspace;
		this.#webhooks = new WebhookTable(parts.sealer);
		this.#eventTypes = new EventTypeCache((projectId, name) => parts.store.eventType(projectId, name));
		parts.wire.follow((projectId, version) => this.#follow(projectId, version));
	}

	/** Reads everything from the store, at the start. */
	async load(): Promise<void> {
		const { store } = this.#parts;
		// The versions first: whatever is committed after this read is then read again by the next refresh.
		const versions = await store.directoryVersions();
		const versionOf = new Map(versions.projects.map(({ projectId, version }) => [projectId, version]));
		this.#workspaceVersion = versions.workspace;
		for (const project of await store.projects()) {
			this.#projects.set(project.id, { project, version: versionOf.get(project.id) ?? project.revision });
		}
		for (const key of await store.keys()) this.#addKey(key);
		for (const record of await store.webhookRecords()) this.#webhooks.put(record);
	}

	/** Says who is told of changes. */
	listen(listener: DirectoryListener): void {
		this.#listener = listener;
	}

	// Projects

	/** Oldest first. */
	projects(): readonly Project[] {
		return [...this.#projects.values()].map(({ project }) => project);
	}

	/** Throws `project_not_found`. */
	project(projectId: string): Project {
		const known = this.#projects.get(projectId);
		if (known === undefined) {
			throw new FanfareError(
				"project_not_found",
				"No such project. GET /workspace/projects lists the projects that this key can access.",
			);
		}
		return known.project;
	}

	/** The version up to which everything in a project is known; 0 for an unknown project. */
	versionOf(projectId: string): number {
		return this.#projects.get(projectId)?.version ?? 0;
	}

	/** `version` is that of the workspace. */
	addProject(project: Project, version: number): Promise<void> {
		this.#projects.set(project.id, { project, version: project.revision });
		return this.#workspaceAt(version);
	}

	/** Its `revision` is the version of the project. */
	putProject(project: Project): Promise<void> {
		const known = this.#projects.get(project.id);
		if (known !== undefined && project.revision > known.project.revision) {
			this.#projects.set(project.id, { ...known, project });
		}
		return this.#projectAt(project.id, project.revision);
	}

	/** Forgets a project that was deleted at this time. `version` is that of the workspace. */
	removeProject(projectId: string, at: number, version: number): Promise<void> {
		this.#dropProject(projectId, at);
		return this.#workspaceAt(version);
	}

	// Keys

	/** The key with this text; null if there is none. Takes the same time in both cases. */
	keyOf(secretKey: string): ApiKey | null {
		const digest = keyDigest(secretKey);
		// The timing of the look-up reveals nothing useful, as nobody can choose the digest. The comparison takes constant
		// time.
		const key = this.#keys.get(hex(digest));
		return key !== undefined && sameDigest(key.digest, digest) ? key : null;
	}

	/** In no particular order. */
	keys(): readonly ApiKey[] {
		return [...this.#keys.values()];
	}

	/** `version` is that of the key's project, or of the workspace. */
	addKey(key: ApiKey, version: number): Promise<void> {
		this.#addKey(key);
		return key.projectId === null ? this.#workspaceAt(version) : this.#projectAt(key.projectId, version);
	}

	/** `version` is that of the key's project, or of the workspace. */
	removeKey(key: ApiKey, version: number): Promise<void> {
		this.#dropKeys(({ id }) => id === key.id);
		return key.projectId === null ? this.#workspaceAt(version) : this.#projectAt(key.projectId, version);
	}

	// Webhooks

	/** Finds a webhook by its id, deleted or not. */
	webhook(webhookId: string): KnownWebhook | undefined {
		return this.#webhooks.find(webhookId);
	}

	/** Finds a webhook of a project that is not deleted. Throws `project_not_found`, `webhook_not_found`. */
	webhookIn(projectId: string, webhookId: string): KnownWebhook {
		this.project(projectId);
		const found = this.#webhooks.findIn(projectId, webhookId);
		if (found === undefined) {
			throw new FanfareError(
				"webhook_not_found",
				"No such webhook in this project. List the project's webhooks to find its id.",
			);
		}
		return found;
	}

	/** The webhooks among these that the project has, in a form for attempts. Deleted ones and those of others are left out. */
	armed(projectId: string, webhookIds: readonly string[]): ArmedWebhook[] {
		return webhookIds.flatMap((id) => this.#webhooks.findIn(projectId, id)?.armed ?? []);
	}

	/** The webhooks of a project that want events of this type, whatever their status. */
	match(projectId: string, eventType: string): ArmedWebhook[] {
		return this.#webhooks.match(projectId, eventType);
	}

	/** Whether this webhook exists and may get deliveries now. */
	isDeliverable(webhookId: string): boolean {
		return this.#webhooks.isDeliverable(webhookId);
	}

	/** The attempts per second that this webhook may get; null means any number. */
	rateLimitOf(webhookId: string): number | null {
		return this.#webhooks.rateLimitOf(webhookId);
	}

	/** All webhooks, deleted ones too. */
	webhooks(): IterableIterator<KnownWebhook> {
		return this.#webhooks.all();
	}

	/** Adds or replaces a webhook. Its `revision` is the version of the project. Returns what is known of it now. */
	async putWebhook(record: WebhookRecord): Promise<KnownWebhook> {
		const isNew = this.#webhooks.find(record.id) === undefined;
		const known = this.#webhooks.put(record);
		// Nothing can wait for a webhook that this process has just made.
		if (!isNew) this.#listener?.webhookChanged(record.id);
		await this.#projectAt(record.projectId, record.revision);
		return known;
	}

	/** Forgets a deleted webhook. Call it when the last delivery of the webhook has ended. */
	forgetWebhook(webhookId: string): void {
		this.#webhooks.forget(webhookId);
	}

	// Event types

	/** Resolves with null if the project has no event type of this name. Rejects if it must be read and the store fails. */
	eventType(projectId: string, name: string): Promise<EventType | null> {
		return this.#eventTypes.get(projectId, name);
	}

	/** Call this after an event type was changed or deleted in the store, which has raised the project to `version`. */
	eventTypeChanged(projectId: string, name: string, version: number): Promise<void> {
		this.#eventTypes.forget(projectId, name);
		return this.#projectAt(projectId, version);
	}

	// Changes that others have made

	/**
	 * Reads what has changed in the store since the version that is known: of the workspace (its projects and keys; `id` is
	 * the workspace's), or in one project. Resolves when everything that was committed before this call is known. Calls at
	 * the same time share reads. Rejects if the store fails; what is known is then as before.
	 */
	refresh(kind: "workspace" | "project", id: string): Promise<void> {
		return this.#reads.run(`${kind} ${id}`, () =>
			kind === "workspace" ? this.#readWorkspace() : this.#readProject(id),
		);
	}

	async #readWorkspace(): Promise<void> {
		const { clock, store } = this.#parts;
		const { workspace } = await store.directoryVersions();
		const [projects, keys] = await Promise.all([store.projects(), store.keys()]);
		for (const { id } of projects) if (!this.#projects.has(id)) await this.#readProject(id);
		if (workspace < this.#ownWorkspaceVersion) return this.#readWorkspace();
		const ids = new Set(projects.map(({ id }) => id));
		for (const { id } of this.projects()) if (!ids.has(id)) this.#dropProject(id, clock.now());
		// The keys of a project change with the project.
		this.#replaceKeys(
			null,
			keys.filter(({ projectId }) => projectId === null),
		);
		this.#workspaceVersion = Math.max(this.#workspaceVersion, workspace);
	}

	async #readProject(projectId: string): Promise<void> {
		const { clock, store } = this.#parts;
		const wasKnown = this.#projects.has(projectId);
		const changes = await store.projectChanges(projectId, this.versionOf(projectId));
		// Deleted in the meantime.
		if (wasKnown && !this.#projects.has(projectId)) return;
		if (changes.project === null) {
			this.#dropProject(projectId, clock.now());
			return;
		}
		const { project, version, webhooks, keys } = changes;
		if (version < (this.#ownVersions.get(projectId) ?? 0)) return this.#readProject(projectId);
		// Everything at once: a caller sees either the old version or the new one.
		if (version <= this.versionOf(projectId)) return;
		this.#projects.set(projectId, { project, version });
		this.#replaceKeys(projectId, keys);
		this.#eventTypes.forgetProject(projectId);
		for (const record of webhooks) this.#webhooks.put(record);
		for (const { id } of webhooks) this.#listener?.webhookChanged(id);
	}

	/** A change of this process has raised the project to `version`. Resolves when all other processes know. Never rejects. */
	#projectAt(projectId: string, version: number): Promise<void> {
		const known = this.#projects.get(projectId);
		if (known !== undefined && version > known.version) {
			if (version === known.version + 1) this.#projects.set(projectId, { ...known, version });
			else {
				this.#ownVersions.set(projectId, Math.max(version, this.#ownVersions.get(projectId) ?? 0));
				this.#refreshLater("project", projectId);
			}
		}
		return this.#parts.wire.changed(projectId, version);
	}

	/** A change of this process has raised the workspace to `version`. Resolves when all other processes know. Never rejects. */
	#workspaceAt(version: number): Promise<void> {
		this.#ownWorkspaceVersion = Math.max(this.#ownWorkspaceVersion, version);
		if (version === this.#workspaceVersion + 1) this.#workspaceVersion = version;
		else if (version > this.#workspaceVersion) this.#refreshLater("workspace", this.workspace.id);
		return this.#parts.wire.changed(null, version);
	}

	/** Another process has raised the project (null: the workspace) to `version`. Resolves when this one knows the change. */
	async #follow(projectId: string | null, version: number): Promise<void> {
		if (projectId === null) {
			if (version > this.#workspaceVersion) await this.refresh("workspace", this.workspace.id);
		} else if (version > this.versionOf(projectId)) {
			await this.refresh("project", projectId);
		}
	}

	/** If this fails, the next commit of the project is stale, which refreshes it again. */
	#refreshLater(kind: "workspace" | "project", id: string): void {
		this.refresh(kind, id).catch((error: unknown) =>
			this.#parts.observer.problem(`the ${kind} could not be read again`, error),
		);
	}

	/** Forgets a project; its webhooks count as deleted from now on. */
	#dropProject(projectId: string, deleteDate: number): void {
		if (!this.#projects.delete(projectId)) return;
		this.#ownVersions.delete(projectId);
		const records = this.#webhooks.in(projectId).map(({ record }) => record);
		for (const record of records) this.#webhooks.put({ ...record, deleteDate });
		for (const { id } of records) this.#listener?.webhookChanged(id);
		this.#eventTypes.forgetProject(projectId);
		this.#listener?.projectDeleted(projectId);
		this.#dropKeys((key) => key.projectId === projectId);
	}

	/** Replaces the keys of a project, or those of the workspace for null. */
	#replaceKeys(projectId: string | null, keys: readonly ApiKey[]): void {
		const ids = new Set(keys.map(({ id }) => id));
		this.#dropKeys((key) => key.projectId === projectId && !ids.has(key.id));
		for (const key of keys) this.#addKey(key);
	}

	#addKey(key: ApiKey): void {
		this.#keys.set(hex(key.digest), key);
	}

	#dropKeys(which: (key: ApiKey) => boolean): void {
		for (const [digest, key] of this.#keys) {
			if (!which(key)) continue;
			this.#keys.delete(digest);
			this.#listener?.keyDeleted(key.id);
		}
	}
}

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("hex");
}
