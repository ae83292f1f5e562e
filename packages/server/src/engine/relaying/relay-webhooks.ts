// The webhooks of relays: how they are made, and how they change when a client comes or goes.
import type { AuditAction, AuditDraft } from "../../core/access/audit.ts";
import { projectScope } from "../../core/access/principal.ts";
import type { Sealer } from "../../core/crypto/sealing.ts";
import { DEFAULT_RETRY_POLICY } from "../../core/policies/retry-policy.ts";
import { relayEndpoint } from "../../core/receivers/relay.ts";
import type { Webhook } from "../../core/webhook.ts";
import type { WebhookRecord } from "../../ports/store/directory.ts";
import type { Change } from "../calls.ts";
import type { Directory } from "../directory/directory.ts";
import { withSecret } from "../directory/secret-rotation.ts";
import type { WebhookCalls } from "../managing/webhook-calls.ts";
import type { RelaySettings } from "../relay-calls.ts";
import type { NewWebhook } from "../webhook-settings.ts";

interface Neighbours {
	readonly sealer: Sealer;
	readonly directory: Directory;
	readonly webhooks: Pick<WebhookCalls, "createUnchecked" | "change">;
}

/** The settings that a relay does not have: it is never disabled, since it is not there most of the time. */
const OTHER_SETTINGS = {
	key: null,
	retries: DEFAULT_RETRY_POLICY,
	description: null,
	rateLimit: null,
	disableAfterMs: 0,
	metadata: {},
	headers: {},
} as const satisfies Partial<NewWebhook>;

/** What the audit log says when the server itself deletes a relay. */
const GONE: AuditDraft = {
	keyId: null,
	actor: null,
	customerId: null,
	sessionId: null,
	portalSessionId: null,
	action: "relay.delete" satisfies AuditAction,
	fields: ["deleteDate"],
	requestId: null,
};

export class RelayWebhooks {
	readonly #near: Neighbours;

	constructor(near: Neighbours) {
		this.#near = near;
	}

	/** `prepare` is called before it is made, and not if it is refused for a quota or a limit that this process knows. */
	create(
		change: Change,
		webhookId: string,
		settings: RelaySettings & Pick<NewWebhook, "customerId">,
		secret: Uint8Array,
		prepare: () => Promise<void>,
	): Promise<Webhook> {
		const all = { ...OTHER_SETTINGS, ...settings, endpoint: relayEndpoint(webhookId) };
		return this.#near.webhooks.createUnchecked(change, webhookId, all, secret, prepare);
	}

	/** Changes settings, and the secret if there is one, which then signs alone. */
	update(
		change: Change,
		webhookId: string,
		patch: Partial<RelaySettings>,
		secret: Uint8Array | null,
	): Promise<Webhook> {
		const { sealer, webhooks } = this.#near;
		return webhooks.change(change, webhookId, (record, now) => {
			const resealed = secret === null ? record : withSecret(record, secret, 0, { sealer, now });
			const next = { ...resealed, ...patch };
			return isSame(record, next) && resealed === record ? record : next;
		});
	}

	/**
	 * Pauses the webhook of a relay that is away, or takes that back. Neither undoes what a person has done. Many go away and come back
	 * together, one after the other, so it resolves before other processes know. Returns whether it has changed.
	 */
	async setAway(webhookId: string, isAway: boolean): Promise<boolean> {
		const { directory } = this.#near;
		const known = directory.webhook(webhookId);
		if (known === undefined || known.deleteDate !== null) return false;
		if (isAway ? known.status !== "Enabled" : known.pausedReason !== "away") return false;
		const make = (record: WebhookRecord): WebhookRecord => {
			if (isAway) return record.status === "Enabled" ? { ...record, status: "Paused", pausedReason: "away" } : record;
			return record.pausedReason === "away" ? { ...record, status: "Enabled", pausedReason: null } : record;
		};
		await this.#byServer(webhookId, known.projectId, null, make, { isAwaited: false });
		return true;
	}

	/** Deletes the webhook of a relay whose client has not come back. Its deliveries are cancelled with that reason. */
	async deleteGone(webhookId: string): Promise<void> {
		const known = this.#near.directory.webhook(webhookId);
		if (known === undefined || known.deleteDate !== null) return;
		await this.#byServer(webhookId, known.projectId, GONE, (record, now) => ({
			...record,
			status: "Paused",
			disabledReason: null,
			pausedReason: "gone",
			deleteDate: now,
		}));
	}

	async #byServer(
		webhookId: string,
		projectId: string,
		audit: AuditDraft | null,
		make: (record: WebhookRecord, now: number) => WebhookRecord,
		options: { readonly isAwaited?: boolean } = {},
	): Promise<void> {
		await this.#near.webhooks.change({ scope: projectScope(projectId), audit }, webhookId, make, options);
	}
}

function isSame(a: RelaySettings, b: RelaySettings): boolean {
	const isSameFilter = JSON.stringify(a.eventTypes) === JSON.stringify(b.eventTypes);
	return a.name === b.name && a.timeoutMs === b.timeoutMs && isSameFilter;
}
