// Why a signature does not fit: looks for the change of body, id, time or secret after which it would.
import { createHmac, timingSafeEqual } from "node:crypto";

import type { ReceivedRequest } from "./request.ts";
import { hintOf, macOf, type Secret } from "./signature.ts";

/** Something that is wrong, in a word for programs and a sentence for people. */
export interface Problem {
	readonly code:
		| "missing_header"
		| "repeated_header"
		| "bad_timestamp"
		| "too_old"
		| "too_new"
		| "bad_signature_form"
		| "body_changed"
		| "id_changed"
		| "timestamp_changed"
		| "secret_not_decoded"
		| "no_matching_signature"
		| "invalid_body";
	readonly message: string;
}

/** What `fanfare verify` has found. */
export interface Diagnosis {
	readonly id: string | null;
	/** In seconds since the epoch, as the header says. */
	readonly timestamp: string | null;
	readonly problems: readonly Problem[];
	/** The secret that fits; null if none does. */
	readonly secretHint: string | null;
	/** How many signatures there are in the form of scheme v1. */
	readonly signatureCount: number;
}

const MAC_BYTES = 32;
const MAX_SIGNATURES = 16;
const NAMES = ["webhook-id", "webhook-timestamp", "webhook-signature"] as const;

/** Checks a request as a receiver does, and explains what is wrong. */
export function diagnose(
	{ headers, body }: ReceivedRequest,
	secrets: readonly Secret[],
	{
		now,
		toleranceMs,
		expectedId,
	}: { readonly now: number; readonly toleranceMs: number; readonly expectedId?: string },
): Diagnosis {
	const problems: Problem[] = [];
	const values = NAMES.map((name) => {
		const given = headers.get(name) ?? [];
		if ((given[0] ?? "") === "") problems.push({ code: "missing_header", message: missingText(name, headers) });
		if (given.length > 1 && name !== "webhook-signature") {
			problems.push({
				code: "repeated_header",
				message: `The header ${name} came ${given.length} times: a proxy may add it.`,
			});
		}
		return name === "webhook-signature" ? given.join(" ") : (given[0] ?? "");
	});
	const [id = "", timestamp = "", signature = ""] = values;
	const macs = macsOf(signature);
	const shown = { id: id || null, timestamp: timestamp || null, signatureCount: macs.length };
	if (problems.some(({ code }) => code === "missing_header")) return { ...shown, problems, secretHint: null };
	const late = timeProblem(timestamp, now, toleranceMs);
	if (late !== null) problems.push(late);
	if (macs.length === 0) {
		problems.push({ code: "bad_signature_form", message: formText(signature) });
		return { ...shown, problems, secretHint: null };
	}
	const signed: Signed = { id, timestamp, body };
	const fits = (secret: Secret, one: Signed) => isAmong(macs, macOf(secret.bytes, one.id, one.timestamp, one.body));
	const secret = secrets.find((one) => fits(one, signed));
	if (secret === undefined) {
		const change = changes(signed, expectedId).find(({ signed: other }) => secrets.some((one) => fits(one, other)));
		problems.push(change?.problem ?? undecoded(secrets, signed, macs) ?? unexplained(secrets, signed));
		return { ...shown, problems, secretHint: null };
	}
	if (!isObject(body)) {
		problems.push({
			code: "invalid_body",
			message: "The signature fits, but the body is no JSON object. Fanfare sends objects.",
		});
	}
	return { ...shown, problems, secretHint: hintOf(secret) };
}

/** What is signed. */
interface Signed {
	readonly id: string;
	readonly timestamp: string;
	readonly body: Buffer;
}

interface Change {
	readonly signed: Signed;
	readonly problem: Problem;
}

/** What may have been signed instead. */
function changes(signed: Signed, expectedId: string | undefined): Change[] {
	const { id, timestamp, body } = signed;
	const bodies = otherBodies(body).map(({ body, how }) => ({
		signed: { ...signed, body },
		problem: {
			code: "body_changed" as const,
			message: `The body is not as it was sent: ${how}. Sign and verify the bytes as they were received.`,
		},
	}));
	const ids = [id.trim(), id.toLowerCase(), id.replaceAll(/^"|"$/g, ""), expectedId ?? id]
		.filter((other) => other !== id)
		.map((other) => ({
			signed: { ...signed, id: other },
			problem: {
				code: "id_changed" as const,
				message: `The signature is that of the webhook-id ${JSON.stringify(other)}, not of ${JSON.stringify(id)}.`,
			},
		}));
	const seconds = /^\d{13}$/.test(timestamp) ? timestamp.slice(0, 10) : `${timestamp}000`;
	const times = {
		signed: { ...signed, timestamp: seconds },
		problem: {
			code: "timestamp_changed" as const,
			message: `The signature is that of the webhook-timestamp ${seconds}, not of ${timestamp}: seconds and milliseconds were mixed up.`,
		},
	};
	return [...bodies, ...ids, times];
}

/** What the body may have been, and what has happened to it since. */
function otherBodies(body: Buffer): { readonly body: Buffer; readonly how: string }[] {
	const text = body.toString("utf8");
	const others: { body: Buffer; how: string }[] = [];
	const add = (other: string | Buffer, how: string) => {
		const bytes = Buffer.from(other as string);
		if (!bytes.equals(body)) others.push({ body: bytes, how });
	};
	add(text.replace(/(\r?\n)+$/, ""), "a line feed was added at its end, as `echo` and editors do");
	add(`${text}\n`, "the line feed at its end is missing");
	add(text.replace(/^\uFEFF/, ""), "a byte order mark was added at its beginning");
	add(text.trim(), "white space was added around it");
	add(text.replaceAll("\r\n", "\n"), "its line feeds were made CRLF");
	add(text.replaceAll(/(?<!\r)\n/g, "\r\n"), "its CRLF were made line feeds");
	add(Buffer.from(text, "latin1"), "it was read as Latin-1 and written as UTF-8");
	add(Buffer.alloc(0), "it was signed without a body");
	const parsed = parse(text);
	if (parsed !== undefined) {
		const how = "it was parsed and written again as JSON, which changes its bytes";
		add(JSON.stringify(parsed), how);
		add(JSON.stringify(parsed).replaceAll(/[\u0080-\uFFFF]/g, escaped), how);
		add(JSON.stringify(parsed, null, 2), how);
		add(spaced(parsed), how);
		if (typeof parsed === "string") add(parsed, "it was put into a JSON string, with quotation marks around it");
	}
	add(JSON.stringify(text), "the quotation marks around it were removed");
	return others;
}

/** As Python's `json.dumps` writes it. */
function spaced(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
	if (typeof value !== "object" || value === null) return JSON.stringify(value);
	return `{${Object.entries(value)
		.map(([name, one]) => `${JSON.stringify(name)}: ${spaced(one)}`)
		.join(", ")}}`;
}

function escaped(character: string): string {
	return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** A sender that has signed with the text of the secret. */
function undecoded(
	secrets: readonly Secret[],
	{ id, timestamp, body }: Signed,
	macs: readonly Buffer[],
): Problem | null {
	for (const { text } of secrets) {
		for (const key of [text, text.replace(/^whsec_/, "")]) {
			const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
			if (!isAmong(macs, mac)) continue;
			const message =
				"The request was signed with the text of the secret. The key is the bytes that its base64, after whsec_, stands for.";
			return { code: "secret_not_decoded", message };
		}
	}
	return null;
}

function unexplained(secrets: readonly Secret[], { id, body }: Signed): Problem {
	const hints = secrets.map(hintOf).join(" and ");
	const message =
		`No signature fits the secret ${hints}, the id ${id}, the time and these ${body.length} bytes. Most likely it is the secret of another webhook, or one ` +
		"that was replaced: compare its last characters with `fanfare webhooks get`. Otherwise the id, the time or the body was changed.";
	return { code: "no_matching_signature", message };
}

function timeProblem(timestamp: string, now: number, toleranceMs: number): Problem | null {
	if (!/^\d{1,15}$/.test(timestamp)) {
		const message = `The header webhook-timestamp must be seconds since the epoch, in digits; got ${JSON.stringify(timestamp)}.`;
		return { code: "bad_timestamp", message };
	}
	if (timestamp.length >= 13) {
		return {
			code: "bad_timestamp",
			message: "The header webhook-timestamp is in milliseconds; it must be in seconds.",
		};
	}
	const ageS = Math.round(now / 1_000 - Number(timestamp));
	const allowed = `more than the ${Math.round(toleranceMs / 1_000)} s that are allowed`;
	if (ageS * 1_000 > toleranceMs) {
		const message = `The request was signed ${ageS} s ago, ${allowed}: it is an old one that was sent again, or a clock is wrong. To check an old request, pass --at with its time.`;
		return { code: "too_old", message };
	}
	if (-ageS * 1_000 > toleranceMs) {
		return {
			code: "too_new",
			message: `The request was signed ${-ageS} s in the future, ${allowed}: a clock is wrong.`,
		};
	}
	return null;
}

function macsOf(signature: string): Buffer[] {
	return signature
		.split(" ")
		.filter((entry) => entry.startsWith("v1,"))
		.map((entry) => Buffer.from(entry.slice(3), "base64"))
		.filter((mac) => mac.length === MAC_BYTES)
		.slice(0, MAX_SIGNATURES);
}

function isAmong(macs: readonly Buffer[], mac: string): boolean {
	const bytes = Buffer.from(mac, "base64");
	return macs.some((one) => timingSafeEqual(one, bytes));
}

function missingText(name: string, headers: ReceivedRequest["headers"]): string {
	const other = [`svix-${name.slice(8)}`, `x-${name}`].find((other) => headers.has(other));
	if (other !== undefined) return `The header ${name} is missing; there is ${other}, which is of another sender.`;
	return `The header ${name} is missing: a proxy or a framework may have removed it, or the request is not from Fanfare.`;
}

function formText(signature: string): string {
	const form = "must be `v1,` and the base64 of 32 bytes, or several of them with spaces between them";
	if (/v1=/.test(signature)) return `The header webhook-signature ${form}; it has \`v1=\`.`;
	if (/(^|,)[0-9a-f]{64}$/i.test(signature)) return `The header webhook-signature ${form}; it is in hexadecimal.`;
	if (/v\d+a?,/.test(signature)) return `The header webhook-signature ${form}; there is none of v1.`;
	return `The header webhook-signature ${form}.`;
}

function isObject(body: Buffer): boolean {
	const parsed = parse(body.toString("utf8"));
	return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
