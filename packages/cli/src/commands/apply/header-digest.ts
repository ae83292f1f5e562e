// Digests of the values of headers. The server never returns the values, so a webhook's metadata keeps a digest of those that the file
// has set: it tells whether they have changed, and nothing about them.
import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";

const BYTES = 16;

/** A digest with a salt of its own. Slow to guess from. */
export function digestOf(headers: Readonly<Record<string, string>>, salt = randomBytes(BYTES)): string {
	const text = JSON.stringify(
		Object.entries(headers)
			.map(([name, value]) => [name.toLowerCase(), value] as const)
			.toSorted(([a], [b]) => (a < b ? -1 : 1)),
	);
	return `${salt.toString("base64url")}.${scryptSync(text, salt, BYTES).toString("base64url")}`;
}

/** Whether a digest is that of these headers. */
export function fits(digest: string | undefined, headers: Readonly<Record<string, string>>): boolean {
	const [salt] = digest?.split(".") ?? [];
	if (digest === undefined || salt === undefined || salt === "") return false;
	const expected = Buffer.from(digestOf(headers, Buffer.from(salt, "base64url")));
	const given = Buffer.from(digest);
	return given.length === expected.length && timingSafeEqual(given, expected);
}
