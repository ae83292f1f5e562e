// API keys: who may do what. A key is shown once, when it is made; only its SHA-256 is stored.
import { hash, timingSafeEqual } from "node:crypto";

import { randomBytes, type Chance } from "../chance.ts";

/** What a key allows. Each scope includes the scopes before it. */
export const SCOPES = ["read", "write", "admin"] as const;
export type KeyScope = (typeof SCOPES)[number];

/** The record of a key, without the key itself. */
export interface ApiKey {
	readonly id: string;
	readonly name: string;
	readonly scope: KeyScope;
	/** The only project that the key gives access to; null for the whole workspace. */
	readonly projectId: string | null;
	/** The last four characters of the key. */
	readonly hint: string;
	/** SHA-256 of the key's text. */
	readonly digest: Uint8Array;
	readonly createDate: number;
}

const KEY_BYTES = 32;
const KEY_PATTERN = /^sk_[A-Za-z0-9_-]{43}$/;

/** A new key: `sk_` and 43 base64url characters (256 random bits). */
export function generateSecretKey(chance: Pick<Chance, "randomize">): string {
	return `sk_${randomBytes(chance, KEY_BYTES).toString("base64url")}`;
}

/** Whether `text` has the form of a key. */
export function isSecretKey(text: string): boolean {
	return KEY_PATTERN.test(text);
}

/** Makes the record of a key: its hint and its digest, never the key itself. */
export function makeKey(
	id: string,
	secretKey: string,
	input: { readonly name: string; readonly scope: KeyScope; readonly projectId: string | null },
	now: number,
): ApiKey {
	return { id, ...input, hint: secretKey.slice(-4), digest: keyDigest(secretKey), createDate: now };
}

/** The SHA-256 of a key, by which it is found. */
export function keyDigest(secretKey: string): Uint8Array {
	return hash("sha256", secretKey, "buffer");
}

/** Compares two digests in constant time. */
export function sameDigest(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && timingSafeEqual(a, b);
}

/** Whether a key of scope `granted` may make a call that needs scope `needed`. */
export function scopeAllows(granted: KeyScope, needed: KeyScope): boolean {
	return SCOPES.indexOf(granted) >= SCOPES.indexOf(needed);
}
