// The directory: the projects, keys, webhooks and event types in memory. Everything else in the engine reads them here, and management
// calls change them here after they have changed the store.
import type { EventCustomers } from "../../core/access/customer.ts";
import type { ApiKey } from "../../core/access/key.ts";
import { isInScope, projectOf, type Scope } from "../../core/access/principal.ts";
import { SharedRuns } from "../../core/concurrency/shared-runs.ts";
import type { EventType } from "../../core/event-type.ts";
import type { ArmedWebhook, WebhookStatus } from "../../core/webhook.ts";
import { FIRST_VERSION, type Project, type Workspace } from "../../core/workspace.ts";
import type { DirectoryStore, ProjectChanges, WebhookRecord } from "../../ports/store/directory.ts";
import { inTurns } from "../background/next-turn.ts";
import type { PartsOn } from "../parts.ts";
import { ArmedWebhooks } from "./armed-webhooks.ts";
import type { DirectoryListener } from "./directory-listener.ts";
import { EventTypeCache } from "./event-type-cache.ts";
import { KeyTable, type FoundKey } from "./key-table.ts";
import { projectNotFound, webhookNotFound } from "./not-found.ts";
import { ProjectNames, type NameStore } from "./project-names.ts";
import { summarize } from "./sealed-webhook.ts";
import { changePages, firstChanges, summaryPages } from "./webhook-pages.ts";
import { WebhookTable, type KnownWebhook } from "./webhook-table.ts";

type Parts = Pick<PartsOn<DirectoryStore & NameStore>, "store" | "clock" | "sealer" | "observer" | "wire">;

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
 * Memory: all projects and keys, of each webhook what matching needs, and within bounds the event types that were used last
 * and what attempts need of the webhooks that were used last.
 */
export class Directory {
	readonly workspace: Workspace;
	readonly #parts: Parts;
	readonly #projects = new Map<string, KnownProject>();
	readonly #keys = new KeyTable({
		keyChanged: (key) => this.#listener?.keyChanged(key),
		keysDeleted: (ids) => this.#listener?.keysDeleted(ids),
	});
	readonly #webhooks = new WebhookTable();
	readonly #armed: ArmedWebhooks;
	readonly #eventTypes: EventTypeCache;
	readonly #reads = new SharedRuns();
	readonly #names = new ProjectNames();
	#workspaceVersion = FIRST_VERSION;
	/** The newest versions that changes of this process have made: a read that is older lacks such a change. */
	#ownWorkspaceVersion = 0;
	readonly #ownVersions = new Map<string, number>();
	#listener: DirectoryListener | null = null;

	constructor(parts: Parts, workspace: Workspace) {
		this.#parts = parts;
		this.workspace = workspace;
		this.#armed = new ArmedWebhooks(parts);
		this.#eventTypes = EventTypeCache.of(parts.store);
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
		for (const key of await store.keys()) this.#keys.put(key);
		await this.#names.load(store);
		for await (const page of summaryPages(store)) for (const summary of page) this.#webhooks.put(summary);
	}

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
		if (known === undefined) throw projectNotFound();
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

	/** Forgets a project that was deleted at this time, and stops its attempts. `version` is that of the workspace. */
	async removeProject(projectId: string, at: number, version: number): Promise<void> {
		await Promise.all([this.#dropProject(projectId, at), this.#workspaceAt(version)]);
	}

	// Keys

	/** The key with this secret key, which may have expired; null if there is none. Takes the same time in both cases. */
	keyOf(secretKey: string): FoundKey | null {
		return this.#keys.find(secretKey);
	}

	key(keyId: string): ApiKey | undefined {
		return this.#keys.get(keyId);
	}

	/** In no particular order. */
	keys(): readonly ApiKey[] {
		return this.#keys.all();
	}

	/** Adds or replaces a key. Its `revision` is the version of its project, or of the workspace. */
	putKey(key: ApiKey): Promise<void> {
		const { projectId, revision } = key;
		// Its project may have been deleted since the key was stored, and the key with it.
		if (projectId === null || this.#projects.has(projectId)) this.#keys.put(key);
		return projectId === null ? this.#workspaceAt(revision) : this.#projectAt(projectId, revision);
	}

	/** `version` is that of the key's project, or of the workspace. */
	removeKey(key: ApiKey, version: number): Promise<void> {
		this.#keys.remove(({ id }) => id === key.id);
		return key.projectId === null ? this.#workspaceAt(version) : this.#projectAt(key.projectId, version);
	}

	// Webhooks

	/** Finds a webhook by its id, deleted or not. It changes in place. */
	readonly webhook = (webhookId: string): KnownWebhook | undefined => this.#webhooks.find(webhookId);

	/** All webhooks, deleted or not, in no particular order. They change in place. */
	readonly webhooks = (): Iterable<KnownWebhook> => this.#webhooks.all();

	/** How many webhooks of all projects are in each status, deleted ones left out. */
	readonly webhookCounts = (): Readonly<Record<WebhookStatus, number>> => this.#webhooks.counts;

	/** Finds a webhook in a scope that is not deleted. Throws `project_not_found`, `webhook_not_found`. */
	webhookIn(scope: Scope, webhookId: string): KnownWebhook {
		const projectId = projectOf(scope);
		this.project(projectId);
		const found = this.#webhooks.findIn(projectId, webhookId);
		if (found === undefined || !isInScope(scope, found)) throw webhookNotFound();
		return found;
	}

	/** The webhooks among these that the project has. Deleted ones and those of others are left out. */
	webhooksIn(projectId: string, webhookIds: readonly string[]): KnownWebhook[] {
		return webhookIds.flatMap((id) => this.#webhooks.findIn(projectId, id) ?? []);
	}

	/**
	 * The record of a webhook in a scope that is not deleted, as the store has it now. Rejects with `project_not_found`,
	 * `webhook_not_found`, or if the store fails.
	 */
	async record(scope: Scope, webhookId: string): Promise<WebhookRecord> {
		this.webhookIn(scope, webhookId);
		const [record] = await this.#parts.store.webhookRecords([webhookId]);
		if (record !== undefined && record.deleteDate === null) return record;
		// Deleted in the meantime, perhaps by another process.
		await this.refresh("project", projectOf(scope));
		throw webhookNotFound();
	}

	/**
	 * What an attempt needs of a webhook, if it is in memory and no older than anything that is known of the webhook. If it is
	 * undefined, wait for `readArmed`.
	 */
	armed(webhook: KnownWebhook): ArmedWebhook | undefined {
		return this.#armed.get(webhook);
	}

	/**
	 * Reads what an attempt needs of a webhook; null if there is no such webhook. Ask `armed` again afterwards, since the
	 * webhook may have changed meanwhile. Rejects if the store fails. Callers that await this very promise go on in their order.
	 */
	readArmed(webhookId: string): Promise<ArmedWebhook | null> {
		return this.#armed.read(webhookId);
	}

	/** The webhooks of a project that want events of this type for these customers, whatever their status. */
	match(projectId: string, eventType: string, customers: EventCustomers): KnownWebhook[] {
		return this.#webhooks.match(projectId, eventType, this.reachable(projectId, eventType, customers));
	}

	/** The webhooks of a customer that are not deleted. */
	webhooksOf(projectId: string, customerId: string): readonly KnownWebhook[] {
		return this.#webhooks.ofCustomer(projectId, customerId);
	}

	/** Whether a project has webhooks of customers that are not deleted. */
	readonly hasCustomers = (projectId: string): boolean => this.#webhooks.hasCustomers(projectId);

	/** Whether this webhook exists and may get deliveries now. */
	isDeliverable(webhookId: string): boolean {
		return this.#webhooks.isDeliverable(webhookId);
	}

	/**
	 * Adds or replaces a webhook. Its `revision` is the version of the project. Resolves when all other processes know, unless nobody waits
	 * for that (`isAwaited`), with what is known of it now: a webhook whose project was deleted since it was stored is deleted, too.
	 */
	async putWebhook(record: WebhookRecord, { isAwaited = true } = {}): Promise<KnownWebhook> {
		const isNew = this.#webhooks.find(record.id) === undefined;
		const isProjectKnown = this.#projects.has(record.projectId);
		const deleteDate = isProjectKnown ? record.deleteDate : (record.deleteDate ?? this.#parts.clock.now());
		const known = this.#webhooks.put(summarize({ ...record, deleteDate }));
		if (known.deleteDate === null) this.#armed.put(record);
		// Nothing can wait for a webhook that this process has just made.
		if (!isNew || !isProjectKnown) this.#listener?.webhookChanged(record.id);
		await this.#projectAt(record.projectId, record.revision, isAwaited);
		return known;
	}

	/** Forgets a deleted webhook. Call it when the last delivery of the webhook has ended. */
	forgetWebhook(webhookId: string): void {
		const known = this.#webhooks.forget(webhookId);
		if (known !== undefined) this.#armed.forget(known);
	}

	// Event types

	/** Resolves with null if the project has no event type of this name. Rejects if it must be read and the store fails. */
	eventType(projectId: string, name: string): Promise<EventType | null> {
		return this.#eventTypes.get(projectId, name);
	}

	/** Whether events of this type are hidden from all customers of the project. */
	isInternal(projectId: string, eventType: string): boolean {
		return this.#names.internalTypes.has(projectId, eventType);
	}

	/** The customers that an event names, as far as it may reach their webhooks: none if its type is internal. */
	reachable(projectId: string, eventType: string, customers: EventCustomers): EventCustomers {
		return customers !== null && this.isInternal(projectId, eventType) ? null : customers;
	}

	/** Call this after an event type was changed or deleted (`isInternal` false), which has raised the project to `version`. */
	eventTypeChanged(projectId: string, name: string, version: number, isInternal: boolean): Promise<void> {
		this.#eventTypes.forget(projectId, name);
		this.#names.internalTypes.set(projectId, name, isInternal);
		return this.#projectAt(projectId, version);
	}

	// Customers

	/** Whether a customer is being deleted: it gets no webhooks and no events until that is over. */
	isDeleting(projectId: string, customerId: string): boolean {
		return this.#names.deletingCustomers.has(projectId, customerId);
	}

	/** Call this after a deletion of a customer has begun, or ended (`isDeleting` false), which has raised the project to `version`. */
	customerChanged(projectId: string, customerId: string, version: number, isDeleting: boolean): Promise<void> {
		this.#names.deletingCustomers.set(projectId, customerId, isDeleting);
		return this.#projectAt(projectId, version);
	}

	// Changes that others have made

	/**
	 * Reads what has changed in the store since the version that is known: of the workspace (its projects and keys; `id` is
	 * the workspace's), or in one project. Resolves when everything that was committed before this call is known. Calls at
	 * the same time share reads. Rejects if the store fails; what is known is then as before.
	 */
	refresh(kind: "workspace" | "project", id: string): Promise<void> {
		const read = () => (kind === "workspace" ? this.#readWorkspace() : this.#readProject(id));
		return this.#reads.run(`${kind} ${id}`, read);
	}

	async #readWorkspace(): Promise<void> {
		const { workspace } = await this.#parts.store.directoryVersions();
		const [projects, keys] = await Promise.all([this.#parts.store.projects(), this.#parts.store.keys()]);
		for (const { id } of projects) if (!this.#projects.has(id)) await this.#readProject(id);
		if (workspace < this.#ownWorkspaceVersion) return this.#readWorkspace();
		const ids = new Set(projects.map(({ id }) => id));
		for (const { id } of this.projects()) if (!ids.has(id)) void this.#dropProject(id);
		// The keys of a project change with the project.
		const ofWorkspace = keys.filter(({ projectId }) => projectId === null);
		this.#keys.replace(null, ofWorkspace);
		this.#workspaceVersion = Math.max(this.#workspaceVersion, workspace);
	}

	async #readProject(projectId: string): Promise<void> {
		const wasKnown = this.#projects.has(projectId);
		const changes = await firstChanges(this.#parts.store, projectId, this.versionOf(projectId));
		// Perhaps newer than the version, which then makes the next commit stale.
		const putNames = await this.#names.read(this.#parts.store, projectId);
		// Deleted in the meantime.
		if (wasKnown && !this.#projects.has(projectId)) return;
		if (changes.project === null) return void this.#dropProject(projectId);
		const { project, version, keys } = changes;
		if (version < (this.#ownVersions.get(projectId) ?? 0)) return this.#readProject(projectId);
		if (version <= this.versionOf(projectId)) return;
		if (!(await this.#takeWebhooks(projectId, changes, wasKnown))) return;
		this.#projects.set(projectId, { project, version });
		this.#keys.replace(projectId, keys);
		this.#eventTypes.forgetProject(projectId);
		putNames();
	}

	/** Takes over changed webhooks before the project gets its new version: until then, commits are stale. False if it was deleted. */
	async #takeWebhooks(projectId: string, first: ProjectChanges, wasKnown: boolean): Promise<boolean> {
		for await (const { project, webhooks } of changePages(this.#parts.store, projectId, first)) {
			if (project === null) void this.#dropProject(projectId);
			if (project === null || (wasKnown && !this.#projects.has(projectId))) return false;
			for (const summary of webhooks) this.#webhooks.put(summary);
			for (const { id } of webhooks) this.#listener?.webhookChanged(id);
		}
		return true;
	}

	/** A change of this process has raised the project to `version`. Resolves when all other processes know, if that is awaited. Never rejects. */
	async #projectAt(projectId: string, version: number, isAwaited = true): Promise<void> {
		const known = this.#projects.get(projectId);
		if (known !== undefined && version > known.version) {
			if (version === known.version + 1) this.#projects.set(projectId, { ...known, version });
			else {
				this.#ownVersions.set(projectId, Math.max(version, this.#ownVersions.get(projectId) ?? 0));
				this.#refreshLater("project", projectId);
			}
		}
		if (isAwaited) await this.#parts.wire.changed(projectId, version);
		else this.#parts.wire.made(projectId, version);
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
		const facts = kind === "project" ? { projectId: id } : {};
		this.refresh(kind, id).catch((error: unknown) =>
			this.#parts.observer.problem(`the ${kind} could not be read again`, error, facts),
		);
	}

	/**
	 * Forgets a project; its webhooks count as deleted from now on, also for whatever begins an attempt. Resolves when the listener knows of
	 * each of them, and never rejects. A read of changes does not wait for that: its process would lose the tenure over 100,000 webhooks.
	 */
	#dropProject(projectId: string, deleteDate = this.#parts.clock.now()): Promise<void> {
		const wasKnown = this.#projects.delete(projectId);
		this.#ownVersions.delete(projectId);
		this.#names.drop(projectId);
		this.#eventTypes.forgetProject(projectId);
		this.#keys.remove((key) => key.projectId === projectId);
		const webhookIds = this.#webhooks.removeProject(projectId, deleteDate);
		if (wasKnown) this.#listener?.projectDeleted(projectId);
		return inTurns(this.#parts.clock, webhookIds, (id) => this.#listener?.webhookChanged(id)).catch((error: unknown) =>
			this.#parts.observer.problem("a project was not dropped completely", error, { projectId }),
		);
	}
}
