// API keys: who may do what. A key is shown once, when it is made; only its SHA-256 is stored.
import { hash, timingSafeEqual } from "node:crypto";

import { randomBytes, type Chance } from "../chance.ts";

/** What a key allows. Each scope includes the scopes before it. */
export const SCOPES = ["read", "write", "admin"] as const;
export type KeyScope = (typeof SCOPES)[number];

/** An earlier secret key, from before the key was rolled, which is still accepted for a while. */
export interface OlderSecret {
	/** SHA-256 of the secret key. */
	readonly digest: Uint8Array;
	/** It is accepted before this time. */
	readonly expireDate: number;
}

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
	/** Newest first; some may have expired. */
	readonly olderSecrets: readonly OlderSecret[];
	readonly createDate: number;
	/** The key is accepted before this time; null if it never expires. */
	readonly expireDate: number | null;
	readonly revision: number;
}

/** How long the earlier secret key is accepted after a roll, if the caller does not say. */
export const DEFAULT_KEY_OVERLAP_MS = 24 * 60 * 60 * 1_000;
export const MAX_KEY_OVERLAP_MS = 7 * DEFAULT_KEY_OVERLAP_MS;
/** The most secret keys of a key that are accepted at once. */
const MAX_SECRETS = 5;

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

/** The properties of a key that its creator chooses. */
export type KeyInput = Pick<ApiKey, "name" | "scope" | "projectId"> & Partial<Pick<ApiKey, "expireDate">>;

/** Makes the record of a key: its hint and its digest, never the key itself. The store gives it its revision. */
export function makeKey(id: string, secretKey: string, input: KeyInput, now: number): ApiKey {
	const { name, scope, projectId, expireDate = null } = input;
	const secret = { hint: secretKey.slice(-4), digest: keyDigest(secretKey), olderSecrets: [] };
	return { id, name, scope, projectId, ...secret, createDate: now, expireDate, revision: 0 };
}

/**
 * The key with a new secret key. The earlier ones are accepted for `overlapMs` more, or until their own earlier end: those that were
 * used last, if there are more than four.
 */
export function rolledKey(key: ApiKey, secretKey: string, overlapMs: number, now: number): ApiKey {
	const until = now + overlapMs;
	const olderSecrets = [{ digest: key.digest, expireDate: until }, ...key.olderSecrets]
		.map(({ digest, expireDate }) => ({ digest, expireDate: Math.min(expireDate, until) }))
		.filter(({ expireDate }) => expireDate > now)
		.slice(0, MAX_SECRETS - 1);
	return { ...key, hint: secretKey.slice(-4), digest: keyDigest(secretKey), olderSecrets };
}

/** Until when the secret key with this digest is accepted: `Infinity` if it never ends, 0 if it does not belong to this key. */
export function secretEndDate({ digest, olderSecrets, expireDate }: ApiKey, wanted: Uint8Array): number {
	const end = expireDate ?? Infinity;
	if (sameDigest(digest, wanted)) return end;
	const older = olderSecrets.find((secret) => sameDigest(secret.digest, wanted));
	return older === undefined ? 0 : Math.min(end, older.expireDate);
}

/** Until when an earlier secret key is accepted beside the newest one; null if none is. */
export function overlapEndDate({ olderSecrets, expireDate }: ApiKey, now: number): number | null {
	const end = Math.min(expireDate ?? Infinity, Math.max(0, ...olderSecrets.map((secret) => secret.expireDate)));
	return end > now ? end : null;
}

/** Whether the key is accepted at this time. */
export function isExpired({ expireDate }: Pick<ApiKey, "expireDate">, now: number): boolean {
	return expireDate !== null && expireDate <= now;
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
