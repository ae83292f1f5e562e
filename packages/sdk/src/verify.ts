// For receivers: whether a request really comes from Fanfare, and what it says. Standard Webhooks 1.0, scheme v1.
import { decodeBase64 } from "./base64.ts";
import { FanfareError } from "./errors.ts";

/** Why a request was not accepted. */
export const WEBHOOK_VERIFICATION_CODES = [
	/** `webhook-id`, `webhook-timestamp` or `webhook-signature` is not there. */
	"missing_header",
	/** `webhook-timestamp` is something else than digits. */
	"bad_timestamp",
	/** Older than `toleranceMs`: perhaps a replay of a recorded request. */
	"too_old",
	/** Further in the future than `toleranceMs`: a clock is wrong. */
	"too_new",
	/** No signature was made with one of the secrets over exactly these bytes. */
	"no_matching_signature",
	/** Signed well, but not a JSON object. Only from `verify`. */
	"invalid_body",
] as const;
export type WebhookVerificationCode = (typeof WEBHOOK_VERIFICATION_CODES)[number];

/** The request was not accepted: answer 400 or 401, and do nothing of what it says. */
export class WebhookVerificationError extends FanfareError {
	override readonly name = "WebhookVerificationError";
	readonly code: WebhookVerificationCode;

	constructor(code: WebhookVerificationCode, message: string) {
		super(message);
		this.code = code;
	}
}

/** A body exactly as it was received. A Node `Buffer` is a `Uint8Array`. */
export type RawBody = string | Uint8Array | ArrayBuffer;

/** A `Headers` object, or a record such as Node's `request.headers`. Names in any case. */
export type WebhookHeaders =
	| { get(name: string): string | null }
	| Readonly<Record<string, string | readonly string[] | undefined>>;

export interface VerifyOptions {
	/** How far the timestamp may be from now, either way. Default: 300,000 (5 minutes). */
	readonly toleranceMs?: number | undefined;
	/** The clock, in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

/** An event as a receiver gets it. */
export interface VerifiedEvent<Data = unknown> {
	/** The `webhook-id`: the same for every attempt and every replay, so remember it to handle an event once. */
	readonly id: string;
	readonly type: string;
	/** When it happened, as in the body: `2026-11-24T13:24:00.000Z`. */
	readonly timestamp: string;
	readonly data: Data;
}

/** What the headers say, once they are proven. */
export interface VerifiedHeaders {
	readonly id: string;
	/** Seconds since the epoch, of this attempt. */
	readonly timestamp: number;
}

const DEFAULT_TOLERANCE_MS = 5 * 60 * 1_000;
/** In front of a secret's base64. Optional wherever a secret is accepted. */
export const SECRET_PREFIX = "whsec_";
const SIGNATURE_BYTES = 32;
// A sender has a few active secrets. More than that is somebody who wants us to compute.
const MAX_SIGNATURES = 16;

/**
 * Proves that a request comes from the owner of the secret, unchanged and lately, and gives its event. Rejects with a
 * `WebhookVerificationError` otherwise. Asynchronous, since WebCrypto is.
 *
 * Takes the body as it was received: parsed and serialized again, it is other bytes. During a change of secrets hand in both.
 * The fields of the body are handed on as they are, so another Standard Webhooks sender's can be others than Fanfare's.
 *
 * @example
 * const event = await verify<{ orderId: number }>(await request.text(), request.headers, "whsec_…");
 * if (event.type === "order.paid") await ship(event.data.orderId);
 */
export async function verify<Data = unknown>(
	body: RawBody,
	headers: WebhookHeaders,
	secret: string | readonly string[],
	options: VerifyOptions = {},
): Promise<VerifiedEvent<Data>> {
	// A copy: what is parsed is what was proven, also where the buffer is used again in the meantime.
	const bytes = bytesOf(body).slice();
	const { id } = await verifySignature(bytes, headers, secret, options);
	// What the owner of the secret has signed is what Data says, or that is theirs to sort out.
	return { ...(parseObject(bytes) as Omit<VerifiedEvent<Data>, "id">), id };
}

/**
 * The proof alone, for a body that is not JSON or not to be parsed. Rejects as `verify` does.
 *
 * @example
 * const { id } = await verifySignature(rawBody, request.headers, ["whsec_new…", "whsec_old…"]);
 */
export async function verifySignature(
	body: RawBody,
	headers: WebhookHeaders,
	secret: string | readonly string[],
	options: VerifyOptions = {},
): Promise<VerifiedHeaders> {
	const secrets = secretList(secret).map(decodeSecret);
	const bytes = bytesOf(body);
	const id = requiredHeader(headers, "webhook-id", ",");
	const timestamp = requiredHeader(headers, "webhook-timestamp", ",");
	const signatures = requiredHeader(headers, "webhook-signature", " ");
	const seconds = checkTimestamp(timestamp, options);
	// Before anything is awaited, since the buffer is the caller's.
	const content = concat(new TextEncoder().encode(`${id}.${timestamp}.`), bytes);
	const keys = await Promise.all(secrets.map(importKey));
	for (const signature of candidates(signatures)) {
		for (const key of keys) {
			// WebCrypto compares in constant time.
			if (await crypto.subtle.verify("HMAC", key, signature, content)) return { id, timestamp: seconds };
		}
	}
	throw new WebhookVerificationError(
		"no_matching_signature",
		"No signature in webhook-signature was made with this secret over this body. Is the secret the webhook's, and the body raw, as received?",
	);
}

function secretList(secret: string | readonly string[]): readonly string[] {
	const secrets = typeof secret === "string" ? [secret] : secret;
	if (!Array.isArray(secrets) || secrets.length === 0) throw new TypeError("Hand in at least one webhook secret.");
	return secrets;
}

/** A bad secret is the receiver's mistake, so it is a TypeError and not taken for a bad request. Never names the secret. */
function decodeSecret(secret: string): Uint8Array<ArrayBuffer> {
	const bytes = typeof secret === "string" ? decodeBase64(withoutPrefix(secret)) : null;
	if (bytes === null || bytes.length < 24 || bytes.length > 64) {
		throw new TypeError(`A webhook secret must be base64 of 24–64 bytes, with or without ${SECRET_PREFIX}.`);
	}
	return bytes;
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
	return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function withoutPrefix(secret: string): string {
	return secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
}

/** Looked at by shape, not by class: a value can come from another realm (a vm, an iframe, a test environment). */
function bytesOf(body: unknown): Uint8Array {
	if (typeof body === "string") return new TextEncoder().encode(body);
	if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
	if (Object.prototype.toString.call(body) === "[object ArrayBuffer]") return new Uint8Array(body as ArrayBuffer);
	throw new TypeError("The body must be raw, as received: a string, a Uint8Array or an ArrayBuffer, not parsed JSON.");
}

function requiredHeader(headers: WebhookHeaders, name: string, separator: string): string {
	const value = header(headers, name, separator);
	if (value !== null && value !== "") return value;
	throw new WebhookVerificationError("missing_header", `The header ${name} is missing.`);
}

function header(headers: WebhookHeaders, name: string, separator: string): string | null {
	// `?? null`: a Map and Express's request give undefined, which a sender can bring about by leaving a header out.
	if (typeof headers.get === "function") {
		const value: string | null | undefined = headers.get(name);
		return value ?? null;
	}
	for (const [key, value] of Object.entries(headers)) {
		if (key.toLowerCase() !== name || value === undefined) continue;
		return typeof value === "string" ? value : (value as readonly string[]).join(separator);
	}
	return null;
}

/** The timestamp as seconds, if it is near enough to now. */
function checkTimestamp(timestamp: string, options: VerifyOptions): number {
	const { toleranceMs = DEFAULT_TOLERANCE_MS, now = Date.now } = options;
	if (typeof toleranceMs !== "number" || !(toleranceMs >= 0)) {
		throw new TypeError(`toleranceMs must be a number of 0 or more, got ${String(toleranceMs)}.`);
	}
	const seconds = Number(timestamp);
	if (!/^\d+$/.test(timestamp) || !Number.isSafeInteger(seconds)) {
		throw new WebhookVerificationError("bad_timestamp", "The header webhook-timestamp must be seconds: digits only.");
	}
	const ageMs = now() - seconds * 1_000;
	const allowed = `more than the ${toleranceMs} ms that are allowed`;
	// Not `ageMs > toleranceMs`: a clock that gives NaN must refuse everything, not accept it.
	if (!(ageMs <= toleranceMs)) {
		throw new WebhookVerificationError("too_old", `webhook-timestamp is ${ageMs} ms old, ${allowed}.`);
	}
	if (-ageMs > toleranceMs) {
		throw new WebhookVerificationError("too_new", `webhook-timestamp is ${-ageMs} ms in the future, ${allowed}.`);
	}
	return seconds;
}

/** The `v1` signatures of the header. Other versions are skipped, as the specification wants it. */
function candidates(header: string): Uint8Array<ArrayBuffer>[] {
	const found: Uint8Array<ArrayBuffer>[] = [];
	for (const entry of header.split(" ")) {
		if (!entry.startsWith("v1,")) continue;
		const signature = decodeBase64(entry.slice("v1,".length));
		if (signature?.length === SIGNATURE_BYTES) found.push(signature);
		if (found.length === MAX_SIGNATURES) break;
	}
	return found;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
	const whole = new Uint8Array(a.length + b.length);
	whole.set(a);
	whole.set(b, a.length);
	return whole;
}

function parseObject(bytes: Uint8Array): object {
	let parsed: unknown;
	try {
		parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
	} catch {
		parsed = undefined;
	}
	if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed;
	throw new WebhookVerificationError("invalid_body", "The signature is good, but the body is not a JSON object.");
}
