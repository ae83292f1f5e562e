// The forms of a webhook, and the sealing and unsealing of its secrets and header values.
import type { Sealer } from "../../core/crypto/sealing.ts";
import { signingKey } from "../../core/crypto/signing.ts";
import type { ArmedWebhook, Webhook } from "../../core/webhook.ts";
import type { WebhookRecord, WebhookSummary } from "../../ports/store/directory.ts";
import type { SealedParts } from "../../ports/store/lifecycle.ts";

/** As an attempt needs it: unseals the secrets and headers of a record. */
export function armRecord(record: WebhookRecord, sealer: Sealer): ArmedWebhook {
	const { id, projectId, customerId, endpoint, retries, timeoutMs, status, headerNames, revision, deleteDate } = record;
	const newestFirst = [...record.secrets].sort((a, b) => b.number - a.number);
	const signingKeys = newestFirst.map(({ sealed, expireDate }) => ({
		key: signingKey(sealer.unseal(sealed, id)),
		expireDate,
	}));
	const headers = record.sealedHeaders === null ? {} : unsealHeaders(record.sealedHeaders, id, sealer);
	return {
		id,
		projectId,
		customerId,
		endpoint,
		retries,
		timeoutMs,
		status,
		headerNames,
		revision,
		deleteDate,
		signingKeys,
		headers,
	};
}

/** What the directory keeps of a record. */
export function summarize(record: Omit<WebhookRecord, "secrets" | "sealedHeaders">): WebhookSummary {
	const {
		id,
		projectId,
		customerId,
		name,
		rateLimit,
		disableAfterMs,
		status,
		disabledReason,
		pausedReason,
		revision,
		deleteDate,
	} = record;
	const eventTypesJson = record.eventTypes === null ? null : JSON.stringify(record.eventTypes);
	return {
		id,
		projectId,
		customerId,
		name,
		rateLimit,
		disableAfterMs,
		status,
		disabledReason,
		pausedReason,
		revision,
		eventTypesJson,
		deleteDate,
	};
}

/** As the API may show it, without anything that is write-only. */
export function publicPart(webhook: Webhook | WebhookRecord): Webhook {
	if (!("secrets" in webhook)) return webhook;
	const { secrets: _secrets, sealedHeaders: _headers, deleteDate: _date, ...shown } = webhook;
	return shown;
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

function unsealHeaders(sealed: Uint8Array, webhookId: string, sealer: Sealer): Record<string, string> {
	return JSON.parse(Buffer.from(sealer.unseal(sealed, webhookId)).toString()) as Record<string, string>;
}

/** The sealed parts of a webhook, sealed with another master key. */
export function resealParts({ id, secrets, sealedHeaders }: SealedParts, from: Sealer, to: Sealer): SealedParts {
	return {
		id,
		secrets: secrets.map((secret) => ({ ...secret, sealed: to.seal(from.unseal(secret.sealed, id), id) })),
		sealedHeaders: sealedHeaders === null ? null : to.seal(from.unseal(sealedHeaders, id), id),
	};
}

/** Seals a secret for the record of a webhook. `number` must be higher than those of its other secrets. */
export function sealSecret(bytes: Uint8Array, number: number, webhookId: string, sealer: Sealer, now: number) {
	return { number, sealed: sealer.seal(bytes, webhookId), createDate: now, expireDate: null };
}
