// Says why a request is rejected, in plain words: for debugging a receiver.
import { decodeBase64 } from "../base64.ts";
import { bytesOf, decodeSecret, SECRET_PREFIX, type RawBody, type WebhookHeaders } from "../verify.ts";
import { differenceText, isJsonObject, likelyChanges } from "./changes.ts";
import { fitsOne, macOf, type Mac, type SignedContent } from "./mac.ts";
import type { DiagnosisProblem } from "./problem.ts";

/** The result of `diagnose`. */
export interface Diagnosis {
	/** The `webhook-id`; null if it is missing. */
	readonly id: string | null;
	/** The `webhook-timestamp` as it came; null if it is missing. */
	readonly timestamp: string | null;
	/** The problems of the request. Empty if `verify` accepts it, and it is the expected request. */
	readonly problems: readonly DiagnosisProblem[];
	/** The last four characters of the secret that fits, as `secretHint` of a webhook has them; null if none fits. */
	readonly secretHint: string | null;
	/** How many signatures in the form of scheme v1 there are: two while a secret is replaced. */
	readonly signatureCount: number;
}

/** Options of `diagnose`. All are optional. */
export interface DiagnoseOptions {
	/** The most milliseconds between the timestamp and now, in either direction. Defaults to 300,000 (5 minutes). */
	readonly toleranceMs?: number | undefined;
	/** The clock, in milliseconds since the epoch. Defaults to `Date.now`. Pass when the request was received to judge an old one. */
	readonly now?: (() => number) | undefined;
	/** The `webhook-id` that the request should have. With another one, it has the problem `id_changed`. */
	readonly expectedId?: string | undefined;
	/** The body as it was sent, if it is known, such as from `events.getData` with `as: "body"`. */
	readonly sentBody?: RawBody | undefined;
}

const DEFAULT_TOLERANCE_MS = 5 * 60 * 1_000;
const MAC_BYTES = 32;
const MAX_SIGNATURES = 16;
/** The most characters of a signature whose form is looked at: the patterns take quadratic time. */
const MAX_FORM = 2_000;
const NAMES = ["webhook-id", "webhook-timestamp", "webhook-signature"] as const;

/**
 * Finds out why `verify` rejects a request. If no signature fits, it tries what usually happens to a request on its way, such as JSON
 * that was parsed and written again, and says after which change one does.
 *
 * For people who look for a mistake, not for receivers: it is slower than `verify`, and decides nothing.
 *
 * @param secret the webhook's secret, or several. With an empty list everything but the signature is checked
 * @throws TypeError if an argument is not valid, such as a secret that is not base64
 *
 * @example
 * const { problems } = await diagnose(rawBody, request.headers, "whsec_…");
 * for (const { code, message } of problems) console.log(code, message);
 */
export async function diagnose(
	body: RawBody,
	headers: WebhookHeaders,
	secret: string | readonly string[],
	{ toleranceMs = DEFAULT_TOLERANCE_MS, now = Date.now, expectedId, sentBody }: DiagnoseOptions = {},
): Promise<Diagnosis> {
	const secrets = (typeof secret === "string" ? [secret] : secret).map((text) => ({ text, key: decodeSecret(text) }));
	const bytes = bytesOf(body).slice();
	const sent = sentBody === undefined ? null : bytesOf(sentBody).slice();
	const { problems, values } = readHeaders(headers);
	const [id = "", timestamp = "", signature = ""] = values;
	const macs = macsOf(signature);
	const shown = { id: id || null, timestamp: timestamp || null, signatureCount: macs.length };
	const difference = sent === null ? null : differenceText(bytes, sent);
	const isMissing = problems.length > 0 && values.includes("");
	if (timestamp !== "") problems.push(...timeProblems(timestamp, now(), toleranceMs));
	if (isMissing || macs.length === 0) {
		if (signature !== "" && macs.length === 0) {
			problems.push({ code: "bad_signature_form", message: formText(signature.slice(0, MAX_FORM)) });
		}
		if (difference !== null) problems.push({ code: "body_changed", message: difference });
		if (id !== "" && isOther(id, expectedId)) problems.push(otherId(id, expectedId, "unchecked"));
		return { ...shown, problems, secretHint: null };
	}
	const signed: SignedContent = { id, timestamp, body: bytes };
	const fitting = await secretThatFits(macs, secrets, signed);
	if (fitting !== null) {
		if (difference !== null) problems.push({ code: "body_changed", message: difference });
		if (isOther(id, expectedId)) problems.push(otherId(id, expectedId, "fits"));
		if (!isJsonObject(bytes)) {
			const message = "The signature fits, but the body is no JSON object. Fanfare sends objects.";
			problems.push({ code: "invalid_body", message });
		}
		return { ...shown, problems, secretHint: hintOf(fitting) };
	}
	const found = await explain(signed, { macs, secrets, expectedId, sent, difference });
	return { ...shown, problems: [...problems, ...found.problems], secretHint: found.secretHint };
}

/** Whether the request has another id than the expected one, if one is. */
function isOther(id: string, expectedId: string | undefined): boolean {
	return expectedId !== undefined && expectedId !== id;
}

/** The problem of a request with another id than the expected one, which its signature fits, or was not checked against. */
function otherId(id: string, expectedId: string | undefined, signature: "fits" | "unchecked"): DiagnosisProblem {
	const begin = `The request has the webhook-id ${JSON.stringify(id)}`;
	const wanted = `and not ${JSON.stringify(expectedId)}: it is another event`;
	const message =
		signature === "fits"
			? `${begin}, which its signature fits, ${wanted}.`
			: `${begin}, ${wanted}, or the id was changed.`;
	return { code: "id_changed", message };
}

interface Secret {
	readonly text: string;
	readonly key: Uint8Array<ArrayBuffer>;
}

interface Evidence {
	readonly macs: readonly Mac[];
	readonly secrets: readonly Secret[];
	readonly expectedId: string | undefined;
	readonly sent: Uint8Array | null;
	/** How the body differs from the one that was sent; null if it does not, or that one is not known. */
	readonly difference: string | null;
}

type Explained = Pick<Diagnosis, "problems" | "secretHint">;

/** Why no signature fits. */
async function explain(signed: SignedContent, evidence: Evidence): Promise<Explained> {
	const { macs, secrets, expectedId, sent, difference } = evidence;
	for (const { content, code, message } of likelyChanges(signed, expectedId)) {
		const fitting = await secretThatFits(macs, secrets, content);
		if (fitting !== null) return { problems: [{ code, message }], secretHint: hintOf(fitting) };
	}
	const problems: DiagnosisProblem[] = difference === null ? [] : [{ code: "body_changed", message: difference }];
	if (sent !== null && difference !== null) {
		const fitting = await secretThatFits(macs, secrets, { ...signed, body: sent });
		if (fitting !== null) return { problems, secretHint: hintOf(fitting) };
	}
	if (secrets.length === 0) {
		if (isOther(signed.id, expectedId)) problems.push(otherId(signed.id, expectedId, "unchecked"));
		return { problems, secretHint: null };
	}
	const isText = await isSignedWithText(signed, macs, secrets);
	const message = isText
		? "The request was signed with the text of the secret. The key is the bytes that its base64, after whsec_, stands for."
		: unexplainedText(secrets, signed, sent !== null && difference === null);
	problems.push({ code: isText ? "secret_not_decoded" : "no_matching_signature", message });
	return { problems, secretHint: null };
}

async function secretThatFits(
	macs: readonly Mac[],
	secrets: readonly Secret[],
	content: SignedContent,
): Promise<Secret | null> {
	for (const secret of secrets) if (fitsOne(macs, await macOf(secret.key, content))) return secret;
	return null;
}

async function isSignedWithText(signed: SignedContent, macs: readonly Mac[], secrets: readonly Secret[]) {
	for (const { text } of secrets) {
		for (const key of [text, withoutPrefix(text)]) {
			if (fitsOne(macs, await macOf(new TextEncoder().encode(key), signed))) return true;
		}
	}
	return false;
}

/** The three headers, "" for one that is missing. */
function readHeaders(headers: WebhookHeaders): { problems: DiagnosisProblem[]; values: readonly string[] } {
	const problems: DiagnosisProblem[] = [];
	const values = NAMES.map((name) => {
		const given = headerValues(headers, name);
		if ((given[0] ?? "") === "") problems.push({ code: "missing_header", message: missingText(name, headers) });
		if (name === "webhook-signature") return given.join(" ");
		if (given.length > 1) {
			const message = `The header ${name} came ${given.length} times: a proxy may add it.`;
			problems.push({ code: "repeated_header", message });
		}
		return given[0] ?? "";
	});
	return { problems, values };
}

/** The values of a header: several if it came several times. */
function headerValues(headers: WebhookHeaders, name: string): readonly string[] {
	if (typeof headers.get === "function") {
		const value: string | null | undefined = headers.get(name);
		return value === null || value === undefined ? [] : [value];
	}
	return Object.entries(headers)
		.filter(([key]) => key.toLowerCase() === name)
		.flatMap(([, value]) => (value === undefined ? [] : (value as string | readonly string[])));
}

function timeProblems(timestamp: string, now: number, toleranceMs: number): DiagnosisProblem[] {
	if (!/^\d{1,15}$/.test(timestamp)) {
		const message = `The header webhook-timestamp must be seconds since the epoch, in digits; got ${JSON.stringify(timestamp)}.`;
		return [{ code: "bad_timestamp", message }];
	}
	if (timestamp.length >= 13) {
		const message = "The header webhook-timestamp is in milliseconds; it must be in seconds.";
		return [{ code: "bad_timestamp", message }];
	}
	// The same comparison as that of `verify`; what is shown is rounded away from now, so that it exceeds what is allowed.
	const ageMs = now - Number(timestamp) * 1_000;
	const seconds = Math.ceil(Math.abs(ageMs) / 1_000);
	const allowed = `more than the ${Math.round(toleranceMs / 1_000)} s that are allowed`;
	if (!(ageMs <= toleranceMs)) {
		const message = `The request was signed ${seconds} s ago, ${allowed}: it is an old one that was sent again, or a clock is wrong.`;
		return [{ code: "too_old", message }];
	}
	if (-ageMs > toleranceMs) {
		const message = `The request was signed ${seconds} s in the future, ${allowed}: a clock is wrong.`;
		return [{ code: "too_new", message }];
	}
	return [];
}

function macsOf(signature: string): Mac[] {
	return signature
		.split(" ")
		.filter((entry) => entry.startsWith("v1,"))
		.flatMap((entry) => decodeBase64(entry.slice("v1,".length)) ?? [])
		.filter((mac) => mac.length === MAC_BYTES)
		.slice(0, MAX_SIGNATURES);
}

function missingText(name: string, headers: WebhookHeaders): string {
	const other = [`svix-${name.slice("webhook-".length)}`, `x-${name}`].find((one) => headerValues(headers, one).length);
	if (other !== undefined) return `The header ${name} is missing; there is ${other}, which is of another sender.`;
	return `The header ${name} is missing: a proxy or a framework may have removed it, or the request is not from Fanfare.`;
}

function formText(signature: string): string {
	const form = "must be `v1,` and the base64 of 32 bytes, or several of them with spaces between them";
	if (/v1=/.test(signature)) return `The header webhook-signature ${form}; it has \`v1=\`.`;
	if (/(^|,)[0-9a-f]{64}$/i.test(signature)) return `The header webhook-signature ${form}; it is in hexadecimal.`;
	if (/v1,(?=\S*[-_])[\w-]{43}=?( |$)/.test(signature)) {
		return `The header webhook-signature ${form}; it is in the base64 of URLs, which has - and _ instead of + and /.`;
	}
	if (/v1,[\w+/]{43}( |$)/.test(signature)) return `The header webhook-signature ${form}; the = at its end is missing.`;
	if (/v1,\S+%[0-9a-f]{2}/i.test(signature)) return `The header webhook-signature ${form}; it was encoded for a URL.`;
	if (signature.trim().endsWith("v1,")) return `The header webhook-signature ${form}; there is nothing after \`v1,\`.`;
	if (/v\d+a?,/.test(signature) && !/v1,/.test(signature))
		return `The header webhook-signature ${form}; there is none of v1.`;
	return `The header webhook-signature ${form}.`;
}

function unexplainedText(secrets: readonly Secret[], { id, body }: SignedContent, isAsSent: boolean): string {
	const hints = secrets.map((secret) => `${SECRET_PREFIX}…${hintOf(secret)}`).join(" and ");
	const begin = `No signature fits the secret ${hints}, the id ${id}, the time and these ${body.length} bytes.`;
	const other =
		"it is the secret of another webhook, or one that was replaced: compare its last characters with the webhook's.";
	if (isAsSent) return `${begin} The body is as it was sent, so ${other}`;
	return `${begin} Most likely ${other} Otherwise the id, the time or the body was changed.`;
}

function hintOf({ text }: Secret): string {
	return text.slice(-4);
}

function withoutPrefix(text: string): string {
	return text.startsWith(SECRET_PREFIX) ? text.slice(SECRET_PREFIX.length) : text;
}
