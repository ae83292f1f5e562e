// The rotation of a webhook's secret: which secrets sign from now on, and until when.
import { timingSafeEqual } from "node:crypto";

import type { Sealer } from "../../core/crypto/sealing.ts";
import { secretHint } from "../../core/crypto/signing.ts";
import { DEFAULT_SECRET_OVERLAP_MS, MAX_ACTIVE_SECRETS } from "../../core/webhook.ts";
import type { SealedSecret, WebhookRecord } from "../../ports/store/directory.ts";
import { sealSecret } from "./sealed-webhook.ts";

/**
 * The record with `secret` as its newest one. Older secrets that still sign go on for `overlapMs` (null: a day), or until
 * their own earlier end. None is kept twice: an older secret that is put again becomes the newest one.
 *
 * The newest secret put again is no rotation. Then `overlapMs` can only end an overlap earlier, and null changes nothing.
 *
 * Returns the same record if nothing changes.
 */
export function withSecret(
	record: WebhookRecord,
	secret: Uint8Array,
	overlapMs: number | null,
	{ sealer, now }: { readonly sealer: Sealer; readonly now: number },
): WebhookRecord {
	const [newest, ...previous] = [...record.secrets].sort((a, b) => b.number - a.number);
	const isEqual = ({ sealed }: SealedSecret) => equals(sealer.unseal(sealed, record.id), secret);
	const others = previous.filter((known) => !isEqual(known));
	if (newest !== undefined && isEqual(newest)) {
		const older = overlapping(others, now + (overlapMs ?? Infinity), now);
		return isSameOverlap(previous, older, now) ? record : withSecrets(record, newest, older);
	}
	const older = newest === undefined ? [] : [newest, ...others];
	const sealed = sealSecret(secret, (newest?.number ?? 0) + 1, record.id, sealer, now);
	const until = now + (overlapMs ?? DEFAULT_SECRET_OVERLAP_MS);
	return withSecrets({ ...record, secretHint: secretHint(secret) }, sealed, overlapping(older, until, now));
}

function equals(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && timingSafeEqual(a, b);
}

function withSecrets(record: WebhookRecord, newest: SealedSecret, older: readonly SealedSecret[]): WebhookRecord {
	const ends = older.map(({ expireDate }) => expireDate ?? 0);
	return {
		...record,
		secrets: [newest, ...older],
		secretOverlapUntil: ends.length === 0 ? null : Math.max(...ends),
	};
}

/** The secrets that still sign beside a newer one: the newest unexpired ones. */
function overlapping(newestFirst: readonly SealedSecret[], until: number, now: number): SealedSecret[] {
	return newestFirst
		.map((secret) => ({ ...secret, expireDate: Math.min(secret.expireDate ?? until, until) }))
		.filter(({ expireDate }) => expireDate > now)
		.slice(0, MAX_ACTIVE_SECRETS - 1);
}

/** Whether the secrets that sign beside the newest one are the same as before, until the same times. */
function isSameOverlap(before: readonly SealedSecret[], after: readonly SealedSecret[], now: number): boolean {
	const signing = before.filter(({ expireDate }) => expireDate === null || expireDate > now);
	return (
		signing.length === after.length &&
		signing.every(({ number, expireDate }, at) => number === after[at]?.number && expireDate === after[at].expireDate)
	);
}
