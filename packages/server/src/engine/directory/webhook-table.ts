// All webhooks in memory: fan-out looks them up here, by customer and event type. What only sending needs is in armed-webhooks.ts.
import type { EventCustomers } from "../../core/access/customer.ts";
import { isDeliverable, type Webhook, type WebhookStatus } from "../../core/webhook.ts";
import type { WebhookSummary } from "../../ports/store/directory.ts";
import { WebhookIndex } from "./webhook-index.ts";

/** A webhook as the table has it now: it changes in place. */
export type KnownWebhook = Readonly<WebhookSummary>;

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

interface ProjectWebhooks {
	readonly projectId: string;
	/** The webhooks that are not deleted. */
	readonly index: WebhookIndex<KnownWebhook>;
}

/**
 * The part of the directory that has the webhooks. Its memory grows with the number of webhooks and with the length of their
 * names and event types, and with nothing else.
 */
export class WebhookTable {
	readonly #byId = new Map<string, Mutable<WebhookSummary>>();
	readonly #projects = new Map<string, ProjectWebhooks>();
	readonly #counts: Record<WebhookStatus, number> = { Enabled: 0, Paused: 0, Disabled: 0 };

	/**
	 * Adds or replaces a webhook, unless a newer revision is known. Returns what is known now. A deleted webhook is still
	 * found by its id, for its last deliveries, but not in its project.
	 */
	put(summary: WebhookSummary): KnownWebhook {
		const known = this.#byId.get(summary.id);
		if (known !== undefined && known.revision > summary.revision) return known;
		const { projectId, index } = this.#project(summary.projectId);
		// One text for all webhooks of a project.
		const next = { ...summary, projectId };
		if (known === undefined) {
			this.#byId.set(summary.id, next);
			if (next.deleteDate === null) index.add(next, eventTypesOf(next));
			this.#count(next, 1);
			return next;
		}
		this.#count(known, -1);
		this.#count(next, 1);
		if (known.eventTypesJson !== next.eventTypesJson || known.deleteDate !== next.deleteDate) {
			if (known.deleteDate === null) index.remove(known, eventTypesOf(known));
			if (next.deleteDate === null) index.add(known, eventTypesOf(next));
		}
		return Object.assign(known, next);
	}

	/** Marks all webhooks of a project as deleted. Returns their ids. Looks at every webhook. */
	removeProject(projectId: string, deleteDate: number): string[] {
		this.#projects.delete(projectId);
		const ids: string[] = [];
		for (const webhook of this.#byId.values()) {
			if (webhook.projectId !== projectId || webhook.deleteDate !== null) continue;
			this.#count(webhook, -1);
			webhook.deleteDate = deleteDate;
			ids.push(webhook.id);
		}
		return ids;
	}

	/** Forgets a deleted webhook, and returns it if it was known. Call it when the last delivery of the webhook has ended. */
	forget(webhookId: string): KnownWebhook | undefined {
		const known = this.#byId.get(webhookId);
		this.#byId.delete(webhookId);
		return known;
	}

	/** Finds a webhook by its id, deleted or not. */
	find(webhookId: string): KnownWebhook | undefined {
		return this.#byId.get(webhookId);
	}

	/** All webhooks, deleted or not. */
	all(): IterableIterator<KnownWebhook> {
		return this.#byId.values();
	}

	/** How many webhooks there are in each status, deleted ones left out. */
	get counts(): Readonly<Record<WebhookStatus, number>> {
		return { ...this.#counts };
	}

	/** Whether this webhook exists and may get deliveries now. */
	isDeliverable(webhookId: string): boolean {
		const found = this.#byId.get(webhookId);
		return found !== undefined && isDeliverable(found);
	}

	/** Finds a webhook of a project that is not deleted. */
	findIn(projectId: string, webhookId: string): KnownWebhook | undefined {
		const found = this.#byId.get(webhookId);
		return found !== undefined && found.projectId === projectId && found.deleteDate === null ? found : undefined;
	}

	/** The webhooks of a project that want events of this type for these customers, whatever their status. */
	match(projectId: string, eventType: string, customers: EventCustomers): KnownWebhook[] {
		return this.#projects.get(projectId)?.index.match(eventType, customers) ?? [];
	}

	/** The webhooks of a customer that are not deleted. */
	ofCustomer(projectId: string, customerId: string): readonly KnownWebhook[] {
		return this.#projects.get(projectId)?.index.ofCustomer(customerId) ?? [];
	}

	/** Whether a project has webhooks of customers that are not deleted. */
	hasCustomers(projectId: string): boolean {
		return this.#projects.get(projectId)?.index.hasCustomers ?? false;
	}

	#count({ status, deleteDate }: KnownWebhook, change: 1 | -1): void {
		if (deleteDate === null) this.#counts[status] += change;
	}

	#project(projectId: string): ProjectWebhooks {
		let project = this.#projects.get(projectId);
		if (project === undefined) {
			project = { projectId, index: new WebhookIndex() };
			this.#projects.set(projectId, project);
		}
		return project;
	}
}

/** The filter of a webhook; null for every type but own events. */
export function eventTypesOf({ eventTypesJson }: Pick<WebhookSummary, "eventTypesJson">): Webhook["eventTypes"] {
	return eventTypesJson === null ? null : (JSON.parse(eventTypesJson) as string[]);
}
