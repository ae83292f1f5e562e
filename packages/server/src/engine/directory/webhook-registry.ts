// Every webhook that lives, in memory and armed: what fan-out and attempts look things up in.
import type { Sealer } from "../../core/crypto/sealing.ts";
import { signingKey } from "../../core/crypto/signing.ts";
import { EventTypeIndex, type ArmedWebhook, type Webhook } from "../../core/webhook.ts";
import type { WebhookRecord } from "../../ports/store/directory.ts";

/** A webhook's record and what its attempts need. */
export interface RegisteredWebhook {
	readonly record: WebhookRecord;
	/** What may be shown. */
	readonly webhook: Webhook;
	readonly armed: ArmedWebhook;
}

interface ProjectWebhooks {
	readonly byId: Map<string, RegisteredWebhook>;
	/** Made anew after each change, when it is next needed. */
	index: EventTypeIndex<ArmedWebhook> | null;
}

/** Changed only after the store has changed; read by everybody else. Grows with the number of webhooks alone. */
export class WebhookRegistry {
	readonly #sealer: Sealer;
	readonly #byId = new Map<string, RegisteredWebhook>();
	readonly #projects = new Map<string, ProjectWebhooks>();

	constructor(sealer: Sealer) {
		this.#sealer = sealer;
	}

	/** Adds a webhook or replaces it. A deleted one is still found by id, for its last deliveries, but not in its project. */
	put(record: WebhookRecord): RegisteredWebhook {
		const entry = register(record, this.#sealer);
		this.#byId.set(record.id, entry);
		const project = this.#project(record.projectId);
		if (record.deleteDate === null) project.byId.set(record.id, entry);
		else project.byId.delete(record.id);
		project.index = null;
		return entry;
	}

	/** Forgets a deleted webhook whose last delivery is settled. */
	forget(webhookId: string): void {
		this.#byId.delete(webhookId);
	}

	/** Deleted ones too. */
	find(webhookId: string): RegisteredWebhook | undefined {
		return this.#byId.get(webhookId);
	}

	findIn(projectId: string, webhookId: string): RegisteredWebhook | undefined {
		return this.#projects.get(projectId)?.byId.get(webhookId);
	}

	/** The webhooks of a project, deleted ones left out. */
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

/** The header values are sealed as one JSON object, with the webhook's id as context. */
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

/** The record under another master key. */
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

/** A record's first or next secret, sealed. */
export function sealSecret(bytes: Uint8Array, number: number, webhookId: string, sealer: Sealer, now: number) {
	return { number, sealed: sealer.seal(bytes, webhookId), createDate: now, expireDate: null };
}
