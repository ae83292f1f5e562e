// What changes of webhooks have in common: what they may not change, what they are called, and what follows from them.
import type { AuditAction, AuditDraft } from "../../../core/access/audit.ts";
import { invalidRequest } from "../../../core/errors.ts";
import { isRelayEndpoint } from "../../../core/receivers/relay.ts";
import type { WebhookRecord } from "../../../ports/store/directory.ts";
import type { ChangeActor } from "../../reacting/own-events.ts";

/** What is made of a record. The same record means that there is nothing to change. */
export type RecordChange = (record: WebhookRecord, now: number) => WebhookRecord;

export interface ChangeOptions {
	/** The revision that the webhook must have; null if any will do. */
	readonly wanted?: number | null;
	/** Whether it waits until all other processes know. Defaults to true. */
	readonly isAwaited?: boolean;
}

export const RESUMED = { status: "Enabled", disabledReason: null, pausedReason: null } as const;

/** The client of a relay makes its secret, and its endpoint is the relay itself. */
export function checkNoRelay({ endpoint }: WebhookRecord, path: string): void {
	if (!isRelayEndpoint(endpoint)) return;
	const message = "is a relay's, and can't be changed here: its client sets it when it connects";
	throw invalidRequest([{ path, message }]);
}

/** Resumes a webhook that a restore from a backup has paused, and no other. */
export function released(record: WebhookRecord): WebhookRecord {
	return record.pausedReason === "restored" ? { ...record, ...RESUMED } : record;
}

/** What the audit log says when the server itself disables a webhook. */
export const DISABLED: AuditDraft = {
	keyId: null,
	actor: null,
	customerId: null,
	sessionId: null,
	portalSessionId: null,
	action: "webhook.disable" satisfies AuditAction,
	fields: ["status", "disabledReason"],
	requestId: null,
};

/** Who has made a change. An event about a customer's webhook may reach the customer, so it does not say for whom a key was used. */
export function actorOf({ customerId, portalSessionId, actor }: AuditDraft): ChangeActor {
	return customerId === null ? { kind: "key" } : { kind: "customer", portalSessionId, actor };
}

/** What an own event calls a change. */
export function kindOfChange(before: WebhookRecord, after: WebhookRecord) {
	if (after.deleteDate !== null) return "deleted";
	if (before.status === after.status) return "updated";
	return after.status === "Enabled" ? "resumed" : "paused";
}

/**
 * Whether a change resets the health of a webhook: earlier attempts say nothing about a resumed webhook, a new endpoint or
 * a new secret. A deleted webhook has none.
 */
export function resetsHealth(before: WebhookRecord, after: WebhookRecord): boolean {
	const isResumed = before.status !== "Enabled" && after.status === "Enabled";
	const hasNewSecret = before.secrets[0]?.number !== after.secrets[0]?.number;
	return isResumed || hasNewSecret || before.endpoint !== after.endpoint || after.deleteDate !== null;
}
