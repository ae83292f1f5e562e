// Webhook secrets, and signatures by Standard Webhooks 1.0, scheme v1. The specification:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
import { createHmac, createSecretKey, type KeyObject } from "node:crypto";

import { randomBytes, type Chance } from "../chance.ts";

const SECRET_PREFIX = "whsec_";
export const SECRET_MIN_BYTES = 24;
export const SECRET_MAX_BYTES = 64;
const GENERATED_SECRET_BYTES = 32;

const STANDARD_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A new secret as text: `whsec_` and the standard base64 of 32 random bytes. */
export function generateSecret(chance: Pick<Chance, "randomize">): string {
	return SECRET_PREFIX + generateSecretBytes(chance).toString("base64");
}

/** The bytes of a new secret: 32 random bytes. */
export function generateSecretBytes(chance: Pick<Chance, "randomize">): Buffer {
	return randomBytes(chance, GENERATED_SECRET_BYTES);
}

/**
 * The bytes of a secret written as standard base64, with or without `whsec_`; null if it is not base64 of 24–64 bytes.
 *
 * @example
 * decodeSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?.length; // 24
 */
export function decodeSecret(contents: string): Uint8Array | null {
	const base64 = contents.startsWith(SECRET_PREFIX) ? contents.slice(SECRET_PREFIX.length) : contents;
	if (!STANDARD_BASE64.test(base64)) return null;
	const bytes = Buffer.from(base64, "base64");
	return bytes.length >= SECRET_MIN_BYTES && bytes.length <= SECRET_MAX_BYTES ? bytes : null;
}

/** The last four characters of a secret's base64, which tell secrets apart without showing them. */
export function secretHint(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("base64").slice(-4);
}

/** Converts the bytes of a secret into a key, once for many signatures. */
export function signingKey(bytes: Uint8Array): KeyObject {
	return createSecretKey(bytes);
}

/**
 * The value of the header `webhook-signature`: `v1,<base64 HMAC-SHA256 of "{id}.{timestamp}.{body}">`, one for each
 * key, separated by spaces.
 *
 * @param timestampS the time of this attempt, in seconds since the epoch
 */
export function sign(keys: readonly KeyObject[], id: string, timestampS: number, body: Uint8Array): string {
	const head = `${id}.${timestampS}.`;
	let signatures = "";
	for (const key of keys) {
		const mac = createHmac("sha256", key).update(head).update(body).digest("base64");
		signatures += signatures === "" ? `v1,${mac}` : ` v1,${mac}`;
	}
	return signatures;
}
