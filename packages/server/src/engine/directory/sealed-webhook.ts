// The forms of a webhook, and the sealing and unsealing of its secrets and header values.
import type { Sealer } from "../../core/crypto/sealing.ts";
import { signingKey } from "../../core/crypto/signing.ts";
import type { ArmedWebhook, Webhook } from "../../core/webhook.ts";
import type { WebhookRecord } from "../../ports/store/directory.ts";

/** A webhook in its three forms. */
export interface KnownWebhook {
	/** As the store has it, with sealed secrets and headers. */
	readonly record: WebhookRecord;
	/** As the API may show it, without anything that is write-only. */
	readonly webhook: Webhook;
	/** As an attempt needs it. */
	readonly armed: ArmedWebhook;
}

/** Unseals the secrets and headers of a record. */
export function unsealRecord(record: WebhookRecord, sealer: Sealer): KnownWebhook {
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
			headers: sealedHeaders === null ? {} : unsealHeaders(sealedHeaders, record.id, sealer),
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

function unsealHeaders(sealed: Uint8Array, webhookId: string, sealer: Sealer): Record<string, string> {
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
