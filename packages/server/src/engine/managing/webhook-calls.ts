// Webhooks: created, changed, tested and deleted here. A change is made in the store first, then in the directory, which
// tells the delivery line.
import type { AuditDraft } from "../../core/access/audit.ts";
import { projectScope, wholeProject, type Scope } from "../../core/access/principal.ts";
import { generateSecretBytes, secretHint } from "../../core/crypto/signing.ts";
import { invalidRequest } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { MAX_ACTIVE_SECRETS, type Webhook } from "../../core/webhook.ts";
import type { AuditStore } from "../../ports/store/audit.ts";
import type { DirectoryStore, SealedSecret, WebhookRecord } from "../../ports/store/directory.ts";
import type { Change, Webhooks, WebhookPatch, WebhookSettings, WebhookTest } from "../calls.ts";
import type { Directory } from "../directory/directory.ts";
import { sealHeaders, sealSecret } from "../directory/sealed-webhook.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { PartsOn } from "../parts.ts";
import type { OwnEvents } from "../reacting/own-events.ts";
import { auditEntry } from "./audit-entries.ts";
import type { EventTypeCalls } from "./event-type-calls.ts";
import { revisionConflict, retried, UNCHANGED } from "./revisions.ts";
import { SerialByKey } from "./serial-by-key.ts";
import type { WebhookTester } from "./webhook-tester.ts";

type Parts = Pick<PartsOn<DirectoryStore & AuditStore>, "store" | "clock" | "chance" | "ids" | "sealer" | "guard">;

interface Neighbours {
	readonly directory: Directory;
	readonly tester: WebhookTester;
	readonly eventTypes: Pick<EventTypeCalls, "sample">;
	readonly live: LiveReporter;
	readonly ownEvents: Pick<OwnEvents, "emit">;
}

/** What is made of a record. The same record means that there is nothing to change. */
type RecordChange = (record: WebhookRecord, now: number) => WebhookRecord;

/** The webhooks of all projects. Changes of one webhook run one after the other. */
export class WebhookCalls implements Webhooks {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	readonly #changes = new SerialByKey();

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	async create({ scope, audit }: Change, settings: WebhookSettings, secret: Uint8Array | null): Promise<Webhook> {
		const projectId = wholeProject(scope);
		this.#near.directory.project(projectId);
		this.#checkEndpoint(settings.endpoint);
		const { chance, clock, ids, sealer, store } = this.#parts;
		const now = clock.now();
		const id = ids.make("webhook", now);
		const { headers, ...plain } = settings;
		const key = secret ?? generateSecretBytes(chance);
		const record: Omit<WebhookRecord, "revision"> = {
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
		const entry = auditEntry(this.#parts, audit, { objectId: id, projectId });
		const revision = await store.insertWebhook({ ...record, revision: 0 }, entry);
		const { webhook } = await this.#near.directory.putWebhook({ ...record, revision });
		return this.#shown(webhook);
	}

	async list(scope: Scope, page: PageRequest): Promise<Page<Webhook>> {
		this.#near.directory.project(wholeProject(scope));
		const { rows, ...edges } = await this.#parts.store.webhooks(scope, page);
		return { ...edges, rows: rows.map((webhook) => this.#shown(webhook)) };
	}

	get(scope: Scope, webhookId: string): Webhook {
		return this.#shown(this.#near.directory.webhookIn(wholeProject(scope), webhookId).webhook);
	}

	async update(change: Change, webhookId: string, patch: WebhookPatch): Promise<Webhook> {
		if (patch.endpoint !== undefined) this.#checkEndpoint(patch.endpoint);
		const { revision = null, ...settings } = patch;
		const { headers, retries, ...plain } = settings;
		return this.#change(change, webhookId, revision, (record) => {
			if (Object.keys(settings).length === 0) return record;
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
	}

	updateSecret(change: Change, webhookId: string, secret: Uint8Array, overlapMs: number): Promise<Webhook> {
		return this.#change(change, webhookId, null, (record, now) => {
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

	async test({ scope, audit }: Change, webhookId: string, eventType: string | null): Promise<WebhookTest> {
		const projectId = wholeProject(scope);
		const { armed } = this.#near.directory.webhookIn(projectId, webhookId);
		const sample = eventType === null ? null : await this.#near.eventTypes.sample(projectId, eventType);
		// The entry is written first: nothing is sent that the log does not have.
		return this.#near.tester.test(armed, sample, async () => {
			const entry = auditEntry(this.#parts, audit, { objectId: webhookId, projectId });
			if (entry !== null) await this.#parts.store.insertAuditEntry(entry);
		});
	}

	pause(change: Change, webhookId: string): Promise<Webhook> {
		return this.#change(change, webhookId, null, (record) =>
			record.status === "Enabled" ? { ...record, status: "Paused" } : record,
		);
	}

	resume(change: Change, webhookId: string): Promise<Webhook> {
		return this.#change(change, webhookId, null, (record) =>
			record.status === "Enabled" ? record : { ...record, status: "Enabled", disabledReason: null },
		);
	}

	async delete(change: Change, webhookId: string): Promise<void> {
		await this.#change(change, webhookId, null, (record, now) => ({ ...record, deleteDate: now }));
	}

	/**
	 * Disables a webhook and records that in the audit log. Does nothing if it is disabled or deleted, or if its revision
	 * is no longer `expected`.
	 */
	async disable(webhookId: string, reason: string, expected: number | null = null): Promise<void> {
		const found = this.#near.directory.webhook(webhookId);
		if (found === undefined || found.record.deleteDate !== null || found.record.status === "Disabled") return;
		let disabled = false;
		const change = { scope: projectScope(found.record.projectId), audit: DISABLED };
		const webhook = await this.#change(change, webhookId, null, (record) => {
			disabled = record.status !== "Disabled" && (expected === null || record.revision === expected);
			return disabled ? { ...record, status: "Disabled", disabledReason: reason } : record;
		});
		if (!disabled) return;
		this.#near.ownEvents.emit(webhook.projectId, {
			type: "fanfare.webhook.disabled",
			data: { webhookId, name: webhook.name, reason },
		});
	}

	/**
	 * Reads, changes and writes one webhook, after earlier changes of the same one have ended. If another process has
	 * changed it meanwhile, the change is made again on what that process has written.
	 *
	 * Throws `revision_conflict` if the webhook does not have the revision `wanted`; null means any.
	 */
	#change({ scope, audit }: Change, webhookId: string, wanted: number | null, change: RecordChange): Promise<Webhook> {
		const { directory, live } = this.#near;
		const projectId = wholeProject(scope);
		const entry = auditEntry(this.#parts, audit, { objectId: webhookId, projectId });
		let tries = 0;
		const attempt = async (): Promise<Webhook | typeof UNCHANGED> => {
			const { record, webhook } = directory.webhookIn(projectId, webhookId);
			if (wanted !== null && record.revision !== wanted) {
				// The caller may know a newer revision than this process does.
				if (tries++ === 0) return UNCHANGED;
				throw revisionConflict("webhook", record.revision);
			}
			const now = this.#parts.clock.now();
			const changed = change(record, now);
			if (changed === record) return this.#shown(webhook);
			const next = { ...changed, updateDate: Math.max(now, record.updateDate) };
			const options = { expected: record.revision, entry, resetHealth: resetsHealth(record, next) };
			const revision = await this.#parts.store.updateWebhook(next, options);
			if (revision === null) return UNCHANGED;
			live.webhookUpdated(record, next);
			return this.#shown((await directory.putWebhook({ ...next, revision })).webhook);
		};
		return this.#changes.run(webhookId, () => retried(attempt, () => directory.refresh("project", projectId)));
	}

	/** The webhook as the API shows it: without an overlap of secrets that has ended. */
	#shown(webhook: Webhook): Webhook {
		const { secretOverlapUntil } = webhook;
		if (secretOverlapUntil === null || secretOverlapUntil > this.#parts.clock.now()) return webhook;
		return { ...webhook, secretOverlapUntil: null };
	}

	#checkEndpoint(endpoint: string): void {
		const reason = this.#parts.guard.reject(endpoint);
		if (reason !== null) throw invalidRequest([{ path: "spec.endpoint", message: reason }]);
	}
}

/** What the audit log says when the server itself disables a webhook. */
const DISABLED: AuditDraft = {
	keyId: null,
	action: "webhook.disable",
	fields: ["status", "disabledReason"],
	requestId: null,
};

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
