// All webhooks in memory, with their keys and headers unsealed: fan-out and attempts look them up here.
import type { Sealer } from "../../core/crypto/sealing.ts";
import { EventTypeIndex, isDeliverable, type ArmedWebhook } from "../../core/webhook.ts";
import type { WebhookRecord } from "../../ports/store/directory.ts";
import { unsealRecord, type KnownWebhook } from "./sealed-webhook.ts";

interface ProjectWebhooks {
	readonly byId: Map<string, KnownWebhook>;
	/** Null after a change; built again when it is next needed. */
	index: EventTypeIndex<ArmedWebhook> | null;
}

/** The part of the directory that has the webhooks. Its memory grows with the number of webhooks only. */
export class WebhookTable {
	readonly #sealer: Sealer;
	readonly #byId = new Map<string, KnownWebhook>();
	readonly #projects = new Map<string, ProjectWebhooks>();

	constructor(sealer: Sealer) {
		this.#sealer = sealer;
	}

	/**
	 * Adds or replaces a webhook, unless a newer revision is known. Returns what is known now. A deleted webhook is still
	 * found by its id, for its last deliveries, but not in its project.
	 */
	put(record: WebhookRecord): KnownWebhook {
		const known = this.#byId.get(record.id);
		if (known !== undefined && known.record.revision > record.revision) return known;
		const entry = unsealRecord(record, this.#sealer);
		this.#byId.set(record.id, entry);
		const project = this.#project(record.projectId);
		if (record.deleteDate === null) project.byId.set(record.id, entry);
		else project.byId.delete(record.id);
		project.index = null;
		return entry;
	}

	/** Forgets a deleted webhook. Call it when the last delivery of the webhook has ended. */
	forget(webhookId: string): void {
		this.#byId.delete(webhookId);
	}

	/** Finds a webhook by its id, deleted or not. */
	find(webhookId: string): KnownWebhook | undefined {
		return this.#byId.get(webhookId);
	}

	/** Whether this webhook exists and may get deliveries now. */
	isDeliverable(webhookId: string): boolean {
		const found = this.#byId.get(webhookId);
		return found !== undefined && isDeliverable(found.record);
	}

	/** The attempts per second that this webhook may get; null means any number. */
	rateLimitOf(webhookId: string): number | null {
		return this.#byId.get(webhookId)?.record.rateLimit?.perSecond ?? null;
	}

	/** Finds a webhook of a project that is not deleted. */
	findIn(projectId: string, webhookId: string): KnownWebhook | undefined {
		return this.#projects.get(projectId)?.byId.get(webhookId);
	}

	/** The webhooks of a project that are not deleted. */
	in(projectId: string): KnownWebhook[] {
		return [...(this.#projects.get(projectId)?.byId.values() ?? [])];
	}

	/** The webhooks of a project that want events of this type, whatever their status. */
	match(projectId: string, eventType: string): ArmedWebhook[] {
		const project = this.#projects.get(projectId);
		if (project === undefined) return [];
		project.index ??= new EventTypeIndex([...project.byId.values()].map(({ armed }) => armed));
		return project.index.match(eventType);
	}

	/** All webhooks, deleted ones too. */
	all(): IterableIterator<KnownWebhook> {
		return this.#byId.values();
	}

	#project(projectId: string): ProjectWebhooks {
		let project = this.#projects.get(projectId);
		if (project === undefined) {
			project = { byId: new Map(), index: null };
			this.#projects.set(projectId, project);
		}
		return project;
	}
}
