// For receivers: verifies a request's signature and returns its event. Standard Webhooks 1.0, scheme v1.
import { decodeBase64 } from "./base64.ts";
import { FanfareError } from "./errors.ts";

/** Why a request was rejected. */
export const WEBHOOK_VERIFICATION_CODES = [
	/** `webhook-id`, `webhook-timestamp` or `webhook-signature` is missing. */
	"missing_header",
	/** `webhook-timestamp` does not consist of digits. */
	"bad_timestamp",
	/** The timestamp is older than `toleranceMs`: perhaps a recorded request that was sent again. */
	"too_old",
	/** The timestamp is more than `toleranceMs` in the future: a clock is wrong. */
	"too_new",
	/** No signature fits one of the secrets and exactly these bytes. */
	"no_matching_signature",
	/** The signature is valid, but the body is not a JSON object. Only from `verify`. */
	"invalid_body",
] as const;
/** Why a request was rejected. */
export type WebhookVerificationCode = (typeof WEBHOOK_VERIFICATION_CODES)[number];

/** The request could not be verified. Respond with 400 or 401, and do not process it. */
export class WebhookVerificationError extends FanfareError {
	override readonly name = "WebhookVerificationError";
	/** The reason. */
	readonly code: WebhookVerificationCode;

	/** Errors are made by `verify`. For tests of your own, make one with the code that your code reads. */
	constructor(code: WebhookVerificationCode, message: string) {
		super(message);
		this.code = code;
	}
}

/** A body exactly as it was received, not parsed. A Node `Buffer` is a `Uint8Array`. */
export type RawBody = string | Uint8Array | ArrayBuffer;

/** A `Headers` object, or a record such as Node's `request.headers`. Names are case-insensitive. */
export type WebhookHeaders =
	| {
			/** Returns the value of a header; null if there is none. */
			get(name: string): string | null;
	  }
	| Readonly<Record<string, string | readonly string[] | undefined>>;

/** Options of `verify` and `verifySignature`. All are optional. */
export interface VerifyOptions {
	/** The most milliseconds between the timestamp and now, in either direction. Defaults to 300,000 (5 minutes). */
	readonly toleranceMs?: number | undefined;
	/** The clock, in milliseconds since the epoch. Defaults to `Date.now`. */
	readonly now?: (() => number) | undefined;
}

/** An event as a receiver gets it, verified. */
export interface VerifiedEvent<Data = unknown> {
	/** The `webhook-id`: the same for all attempts and replays. Store it to process each event only once. */
	readonly id: string;
	/** Such as `order.paid`. */
	readonly type: string;
	/** When the event happened, in ISO 8601: `2026-11-24T13:24:00.000Z`. */
	readonly timestamp: string;
	/** The data that was sent with the event. */
	readonly data: Data;
}

/** The headers of a verified request. */
export interface VerifiedHeaders {
	/** The `webhook-id`: the same for all attempts and replays. */
	readonly id: string;
	/** The time of this attempt, in seconds since the epoch. */
	readonly timestamp: number;
}

const DEFAULT_TOLERANCE_MS = 5 * 60 * 1_000;
/** In front of a secret's base64. Optional wherever a secret is accepted. */
export const SECRET_PREFIX = "whsec_";
const SIGNATURE_BYTES = 32;
// A real sender signs with a few secrets. More signatures could be an attempt to waste the receiver's CPU.
const MAX_SIGNATURES = 16;

/**
 * Verifies that a request was signed with the secret, is unchanged and is recent, and returns its event.
 *
 * The fields of the body are returned unchanged. Other Standard Webhooks senders may use other fields than Fanfare.
 *
 * @param body the body exactly as it was received; parsing and serializing it again changes its bytes
 * @param secret the webhook's secret, or several while you rotate it
 * @throws WebhookVerificationError if the request is not authentic
 * @throws TypeError if an argument is not valid, such as a secret that is not base64
 *
 * @example
 * import { verify } from "@fanfare/sdk";
 *
 * const event = await verify<{ orderId: number }>(await request.text(), request.headers, "whsec_…");
 * if (event.type === "order.paid") await ship(event.data.orderId);
 */
export async function verify<Data = unknown>(
	body: RawBody,
	headers: WebhookHeaders,
	secret: string | readonly string[],
	options: VerifyOptions = {},
): Promise<VerifiedEvent<Data>> {
	// A copy, so that exactly the verified bytes are parsed, even if the caller reuses the buffer meanwhile.
	const bytes = bytesOf(body).slice();
	const { id } = await verifySignature(bytes, headers, secret, options);
	// The sender is trusted now, and `Data` is the caller's claim about the sender's events.
	return { ...(parseObject(bytes) as Omit<VerifiedEvent<Data>, "id">), id };
}

/**
 * Verifies a request like `verify`, but does not parse the body: it may be something other than JSON.
 *
 * If the body is not a JSON object, this does not protect the id and the timestamp. What is signed is `id.timestamp.body`, and
 * nothing says which of the full stops are the separators: a recorded request whose body begins with digits and a full stop can be
 * sent again with another id and another time, and so can one whose id ends in a full stop and digits. Then do not rely on
 * the id to recognise repetitions, nor on the time to refuse old requests. The bodies that Fanfare sends are JSON objects, for which
 * there is only one way to read them, and `verify` refuses all others.
 *
 * @throws WebhookVerificationError if the request is not authentic
 * @throws TypeError if an argument is not valid
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
	// Copy before the first `await`, because the caller may reuse the buffer.
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
		"No signature in webhook-signature fits this secret and this body. Check that the secret is the webhook's, and that the body is raw, as received.",
	);
}

function secretList(secret: string | readonly string[]): readonly string[] {
	const secrets = typeof secret === "string" ? [secret] : secret;
	if (!Array.isArray(secrets) || secrets.length === 0) throw new TypeError("Pass at least one webhook secret.");
	return secrets;
}

/** An invalid secret is the receiver's mistake, so it is a TypeError. The message never contains the secret. */
export function decodeSecret(secret: string): Uint8Array<ArrayBuffer> {
	const bytes = typeof secret === "string" ? decodeBase64(withoutPrefix(secret)) : null;
	if (bytes === null || bytes.length < 24 || bytes.length > 64) {
		throw new TypeError(`A webhook secret must be 24–64 bytes in base64, with or without ${SECRET_PREFIX}.`);
	}
	return bytes;
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
	return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function withoutPrefix(secret: string): string {
	return secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
}

/** Checks without `instanceof`, because a value may come from another realm (a vm, an iframe, a test environment). */
export function bytesOf(body: unknown): Uint8Array {
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
	// `?? null`: a Map and Express's request return undefined if a sender omits the header.
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

/** Returns the timestamp in seconds, or throws if it is not valid or too far from now. */
function checkTimestamp(timestamp: string, options: VerifyOptions): number {
	const { toleranceMs = DEFAULT_TOLERANCE_MS, now = Date.now } = options;
	if (typeof toleranceMs !== "number" || !(toleranceMs >= 0)) {
		throw new TypeError(`toleranceMs must be a number of 0 or more, got ${String(toleranceMs)}.`);
	}
	const seconds = Number(timestamp);
	if (!/^\d+$/.test(timestamp) || !Number.isSafeInteger(seconds)) {
		throw new WebhookVerificationError(
			"bad_timestamp",
			"The header webhook-timestamp must be a number of seconds, digits only.",
		);
	}
	const ageMs = now() - seconds * 1_000;
	const allowed = `more than the ${toleranceMs} ms that are allowed`;
	// Not `ageMs > toleranceMs`: a clock that returns NaN must cause a rejection.
	if (!(ageMs <= toleranceMs)) {
		throw new WebhookVerificationError("too_old", `webhook-timestamp is ${ageMs} ms old, ${allowed}.`);
	}
	if (-ageMs > toleranceMs) {
		throw new WebhookVerificationError("too_new", `webhook-timestamp is ${-ageMs} ms in the future, ${allowed}.`);
	}
	return seconds;
}

/** The header's `v1` signatures. Other versions are skipped, as the specification demands. */
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
	throw new WebhookVerificationError("invalid_body", "The signature is valid, but the body is not a JSON object.");
}
