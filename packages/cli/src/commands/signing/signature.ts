// Signatures of Standard Webhooks 1.0, scheme v1, and the secrets of files.
import { createHmac } from "node:crypto";

import { usageError } from "../../frame/failure.ts";
import { readSecret } from "../../frame/values.ts";

const PREFIX = "whsec_";
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const BYTES = { min: 24, max: 64 } as const;
/** A webhook has two while its secret is replaced. */
const MAX_SECRETS = 10;

/** The text for the option that names a file with secrets. */
export const SECRET_FILE =
	"A file with the webhook's secret, or - for standard input. A second line has the other secret while it is replaced.";

/** A secret as text and as the bytes that sign. */
export interface Secret {
	readonly text: string;
	readonly bytes: Uint8Array;
}

/** The secret, or null if it is not `whsec_` and the base64 of 24–64 bytes. */
export function parseSecret(text: string): Secret | null {
	const base64 = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
	if (!BASE64.test(base64)) return null;
	const bytes = Buffer.from(base64, "base64");
	return bytes.length < BYTES.min || bytes.length > BYTES.max ? null : { text, bytes };
}

/** Reads the secrets of a file, one a line. An error never shows what was read. */
export async function readSecrets(file: string): Promise<Secret[]> {
	const lines = (await readSecret("--secret-file", file)).split(/\r?\n/).map((line) => line.trim());
	const given = lines.filter((line) => line !== "");
	if (given.length > MAX_SECRETS) {
		throw usageError(`--secret-file must have at most ${MAX_SECRETS} secrets, one a line, got ${given.length} lines.`);
	}
	return given.map((line, index) => {
		const secret = parseSecret(line);
		if (secret !== null) return secret;
		throw usageError(
			`--secret-file must have a secret in each line: ${PREFIX} and the base64 of ${BYTES.min}–${BYTES.max} bytes. Line ${index + 1} has ${line.length} characters that are something else.`,
		);
	});
}

/** A secret as it may be shown: its last four characters. */
export function hintOf({ text }: Pick<Secret, "text">): string {
	return `${PREFIX}…${text.slice(-4)}`;
}

/** The base64 of a signature. */
function macOf(key: Uint8Array, id: string, timestamp: string, body: Uint8Array): string {
	return createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
}

/** The headers of a signed request, in the order in which Fanfare sends them. One signature for each secret. */
export function signedHeaders(
	secrets: readonly Secret[],
	id: string,
	timestampS: number,
	body: Uint8Array,
): readonly (readonly [name: string, value: string])[] {
	const timestamp = String(timestampS);
	const signatures = secrets.map(({ bytes }) => `v1,${macOf(bytes, id, timestamp, body)}`);
	return [
		["webhook-id", id],
		["webhook-timestamp", timestamp],
		["webhook-signature", signatures.join(" ")],
	];
}
