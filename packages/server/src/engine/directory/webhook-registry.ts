// All webhooks in memory, with their keys and headers decrypted: fan-out and attempts look them up here.
import type { Sealer } from "../../core/crypto/sealing.ts";
import { signingKey } from "../../core/crypto/signing.ts";
import { EventTypeIndex, isDeliverable, type ArmedWebhook, type Webhook } from "../../core/webhook.ts";
import type { WebhookRecord } from "../../ports/store/directory.ts";

/** A webhook in its three forms. */
export interface RegisteredWebhook {
	/** As the store has it, with sealed secrets and headers. */
	readonly record: WebhookRecord;
	/** As the API may show it, without anything that is write-only. */
	readonly webhook: Webhook;
	/** As an attempt needs it. */
	readonly armed: ArmedWebhook;
}

interface ProjectWebhooks {
	readonly byId: Map<string, RegisteredWebhook>;
	/** Null after a change; built again when it is next needed. */
	index: EventTypeIndex<ArmedWebhook> | null;
}

/** Changed only after the store has changed. Its memory grows with the number of webhooks only. */
export class WebhookRegistry {
	readonly #sealer: Sealer;
	readonly #byId = new Map<string, RegisteredWebhook>();
	readonly #projects = new Map<string, ProjectWebhooks>();

	constructor(sealer: Sealer) {
		this.#sealer = sealer;
	}

	/**
	 * Adds or replaces a webhook. A deleted one is still found by its id, for its last deliveries, but not in its
	 * project.
	 */
	put(record: WebhookRecord): RegisteredWebhook {
		const entry = register(record, this.#sealer);
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
	find(webhookId: string): RegisteredWebhook | undefined {
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
	findIn(projectId: string, webhookId: string): RegisteredWebhook | undefined {
		return this.#projects.get(projectId)?.byId.get(webhookId);
	}

	/** The webhooks of a project that are not deleted. */
	in(projectId: string): RegisteredWebhook[] {
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
	all(): IterableIterator<RegisteredWebhook> {
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

function register(record: WebhookRecord, sealer: Sealer): RegisteredWebhook {
	const { secrets, sealedHeaders, deleteDate: _, ...webhook } = record;
	const newestFirst = [...secrets].sort((a, b) => b.number - a.number);
	return {
		record,
		webhook,
		armed: {
			...webhook,
			signingKeys: newestFirst.map(({ sealed, expireDate }) => ({
				key: signingKey(sealer.unseal(sealed, record.id)),
				expireDate,
			})),
			headers: sealedHeaders === null ? {} : openHeaders(sealedHeaders, record.id, sealer),
		},
	};
}

/** Seals the header values of a webhook as one JSON object, bound to the webhook's id. Null if there are no headers. */
export function sealHeaders(
	headers: Readonly<Record<string, string>>,
	webhookId: string,
	sealer: Sealer,
): Uint8Array | null {
	if (Object.keys(headers).length === 0) return null;
	return sealer.seal(Buffer.from(JSON.stringify(headers)), webhookId);
}

function openHeaders(sealed: Uint8Array, webhookId: string, sealer: Sealer): Record<string, string> {
	return JSON.parse(Buffer.from(sealer.unseal(sealed, webhookId)).toString()) as Record<string, string>;
}

/** The record with its secrets and headers sealed with another master key. */
export function resealRecord(record: WebhookRecord, from: Sealer, to: Sealer): WebhookRecord {
	return {
		...record,
		secrets: record.secrets.map((secret) => ({
			...secret,
			sealed: to.seal(from.unseal(secret.sealed, record.id), record.id),
		})),
		sealedHeaders:
			record.sealedHeaders === null ? null : to.seal(from.unseal(record.sealedHeaders, record.id), record.id),
	};
}

/** Seals a secret for the record of a webhook. `number` must be higher than those of its other secrets. */
export function sealSecret(bytes: Uint8Array, number: number, webhookId: string, sealer: Sealer, now: number) {
	return { number, sealed: sealer.seal(bytes, webhookId), createDate: now, expireDate: null };
}
