// Webhooks: created, changed, tested and deleted here. A change is made in the store first, then in memory, then in the
// deliveries.
import { generateSecretBytes, secretHint } from "../../core/crypto/signing.ts";
import { FanfareError, invalidRequest } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { MAX_ACTIVE_SECRETS, type Webhook } from "../../core/webhook.ts";
import type { DirectoryStore, SealedSecret, WebhookRecord } from "../../ports/store/directory.ts";
import type { Audit, Projects, Webhooks, WebhookSettings, WebhookTest } from "../calls.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import {
	sealHeaders,
	sealSecret,
	type RegisteredWebhook,
	type WebhookRegistry,
} from "../directory/webhook-registry.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { PartsOn } from "../parts.ts";
import type { OwnEvents } from "../reacting/own-events.ts";
import type { EventTypeCalls } from "./event-type-calls.ts";
import { SerialByKey } from "./serial-by-key.ts";
import type { WebhookTester } from "./webhook-tester.ts";

type Parts = Pick<PartsOn<DirectoryStore>, "store" | "clock" | "ids" | "sealer" | "guard">;

interface Neighbours {
	readonly registry: WebhookRegistry;
	readonly projects: Pick<Projects, "get">;
	readonly audit: Audit;
	readonly line: Pick<DeliveryLine, "look">;
	readonly tester: WebhookTester;
	readonly eventTypes: Pick<EventTypeCalls, "sample">;
	readonly live: LiveReporter;
	readonly ownEvents: Pick<OwnEvents, "emit">;
}

/** The webhooks of all projects. Changes of one webhook run one after the other. */
export class WebhookCalls implements Webhooks {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	readonly #changes = new SerialByKey();

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	async create(projectId: string, settings: WebhookSettings, secret: Uint8Array | null): Promise<Webhook> {
		this.#near.projects.get(projectId);
		this.#checkEndpoint(settings.endpoint);
		const { clock, ids, sealer, store } = this.#parts;
		const now = clock.now();
		const id = ids.make("webhook", now);
		const { headers, ...plain } = settings;
		const key = secret ?? generateSecretBytes();
		const record: WebhookRecord = {
			...plain,
			id,
			projectId,
			headerNames: Object.keys(headers),
			sealedHeaders: sealHeaders(headers, id, sealer),
			secrets: [sealSecret(key, 1, id, sealer, now)],
			secretHint: secretHint(key),
			secretOverlapUntil: null,
			status: "Enabled",
			disabledReason: null,
			createDate: now,
			updateDate: now,
			deleteDate: null,
		};
		await store.insertWebhook(record);
		return this.#shown(this.#near.registry.put(record).webhook);
	}

	async list(projectId: string, page: PageRequest): Promise<Page<Webhook>> {
		this.#near.projects.get(projectId);
		const { rows, ...edges } = await this.#parts.store.webhooks(projectId, page);
		return { ...edges, rows: rows.map((webhook) => this.#shown(webhook)) };
	}

	get(projectId: string, webhookId: string): Webhook {
		return this.#shown(this.#find(projectId, webhookId).webhook);
	}

	async update(
		projectId: string,
		webhookId: string,
		patch: Partial<Omit<WebhookSettings, "retries">> & { readonly retries?: Partial<WebhookSettings["retries"]> },
	): Promise<Webhook> {
		if (patch.endpoint !== undefined) this.#checkEndpoint(patch.endpoint);
		const webhook = await this.#change(projectId, webhookId, (record) => {
			const { headers, retries, ...plain } = patch;
			return {
				...record,
				...plain,
				retries: { ...record.retries, ...retries },
				...(headers !== undefined && {
					headerNames: Object.keys(headers),
					sealedHeaders: sealHeaders(headers, webhookId, this.#parts.sealer),
				}),
			};
		});
		this.#near.line.look(webhookId);
		return webhook;
	}

	async updateSecret(projectId: string, webhookId: string, secret: Uint8Array, overlapMs: number): Promise<Webhook> {
		return this.#change(projectId, webhookId, (record, now) => {
			const number = Math.max(0, ...record.secrets.map((known) => known.number)) + 1;
			const sealed = sealSecret(secret, number, webhookId, this.#parts.sealer, now);
			const older = overlapping(record.secrets, now + overlapMs, now);
			return {
				...record,
				secrets: [sealed, ...older],
				secretHint: secretHint(secret),
				secretOverlapUntil: older.length === 0 ? null : Math.max(...older.map(({ expireDate }) => expireDate ?? now)),
			};
		});
	}

	async test(projectId: string, webhookId: string, eventType: string | null): Promise<WebhookTest> {
		const { armed } = this.#find(projectId, webhookId);
		const sample = eventType === null ? null : await this.#near.eventTypes.sample(projectId, eventType);
		return this.#near.tester.test(armed, sample);
	}

	async pause(projectId: string, webhookId: string): Promise<Webhook> {
		const webhook = await this.#change(projectId, webhookId, (record) =>
			record.status === "Enabled" ? { ...record, status: "Paused" } : record,
		);
		this.#near.line.look(webhookId);
		return webhook;
	}

	async resume(projectId: string, webhookId: string): Promise<Webhook> {
		const webhook = await this.#change(projectId, webhookId, (record) => ({
			...record,
			status: "Enabled",
			disabledReason: null,
		}));
		this.#near.line.look(webhookId);
		return webhook;
	}

	async delete(projectId: string, webhookId: string): Promise<void> {
		await this.#change(projectId, webhookId, (record, now) => ({ ...record, deleteDate: now }));
		this.#near.line.look(webhookId);
	}

	/**
	 * Disables a webhook and records that in the audit log. Does nothing if it is disabled or deleted, or if its record
	 * is no longer `expected`.
	 */
	async disable(webhookId: string, reason: string, expected: WebhookRecord | null = null): Promise<void> {
		const found = this.#near.registry.find(webhookId);
		if (found === undefined || found.record.deleteDate !== null || found.record.status === "Disabled") return;
		let disabled = false;
		const webhook = await this.#change(found.record.projectId, webhookId, (record) => {
			if (record.status === "Disabled" || (expected !== null && record !== expected)) return record;
			disabled = true;
			return { ...record, status: "Disabled", disabledReason: reason };
		});
		if (!disabled) return;
		this.#near.line.look(webhookId);
		this.#near.ownEvents.emit(webhook.projectId, {
			type: "fanfare.webhook.disabled",
			data: { webhookId, name: webhook.name, reason },
		});
		await this.#near.audit.record({
			keyId: null,
			projectId: found.record.projectId,
			action: "webhook.disable",
			objectId: webhookId,
			fields: ["status", "disabledReason"],
			requestId: null,
		});
	}

	/** Called when the store has marked a project and its webhooks as deleted. Stops their deliveries. */
	projectDeleted(projectId: string): void {
		const deleteDate = this.#parts.clock.now();
		for (const { record } of this.#near.registry.in(projectId)) {
			this.#near.registry.put({ ...record, deleteDate });
			this.#near.line.look(record.id);
		}
	}

	/** Reads, changes and writes one webhook, after earlier changes of the same one have ended. */
	#change(
		projectId: string,
		webhookId: string,
		change: (record: WebhookRecord, now: number) => WebhookRecord,
	): Promise<Webhook> {
		return this.#changes.run(webhookId, async () => {
			const { record, webhook } = this.#find(projectId, webhookId);
			const now = this.#parts.clock.now();
			const changed = change(record, now);
			if (changed === record) return this.#shown(webhook);
			const next = { ...changed, updateDate: Math.max(now, record.updateDate) };
			await this.#parts.store.updateWebhook(next, { resetHealth: resetsHealth(record, next) });
			this.#near.live.webhookUpdated(record, next);
			return this.#shown(this.#near.registry.put(next).webhook);
		});
	}

	/** The webhook as the API shows it: without an overlap of secrets that has ended. */
	#shown(webhook: Webhook): Webhook {
		const { secretOverlapUntil } = webhook;
		if (secretOverlapUntil === null || secretOverlapUntil > this.#parts.clock.now()) return webhook;
		return { ...webhook, secretOverlapUntil: null };
	}

	#find(projectId: string, webhookId: string): RegisteredWebhook {
		this.#near.projects.get(projectId);
		const found = this.#near.registry.findIn(projectId, webhookId);
		if (found === undefined) {
			throw new FanfareError(
				"webhook_not_found",
				"No such webhook in this project. List the project's webhooks to find its id.",
			);
		}
		return found;
	}

	#checkEndpoint(endpoint: string): void {
		const reason = this.#parts.guard.reject(endpoint);
		if (reason !== null) throw invalidRequest([{ path: "spec.endpoint", message: reason }]);
	}
}

/**
 * The secrets that still sign beside a new one: the newest unexpired ones. Each expires at `until`, or earlier if it
 * did already.
 */
function overlapping(secrets: readonly SealedSecret[], until: number, now: number): SealedSecret[] {
	return secrets
		.map((secret) => ({ ...secret, expireDate: Math.min(secret.expireDate ?? until, until) }))
		.filter(({ expireDate }) => expireDate > now)
		.sort((a, b) => b.number - a.number)
		.slice(0, MAX_ACTIVE_SECRETS - 1);
}

/**
 * Whether a change resets the health of a webhook: earlier attempts say nothing about a resumed webhook or a new
 * endpoint.
 */
function resetsHealth(before: WebhookRecord, after: WebhookRecord): boolean {
	return (before.status !== "Enabled" && after.status === "Enabled") || before.endpoint !== after.endpoint;
}
