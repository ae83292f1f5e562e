// The changes that usually happen to a request between its sender and the code that verifies it.
import type { SignedContent } from "./mac.ts";
import type { DiagnosisProblem } from "./problem.ts";

/** Content that may have been signed instead, and the problem that this would mean. */
export interface LikelyChange extends DiagnosisProblem {
	readonly content: SignedContent;
}

/** The contents that may have been signed instead of this one, the likely ones first. */
export function likelyChanges(signed: SignedContent, expectedId: string | undefined): LikelyChange[] {
	const { id, timestamp, body } = signed;
	const bodies = otherBodies(body).map(([body, how]): LikelyChange => ({
		content: { ...signed, body },
		code: "body_changed",
		message: `The body is not as it was sent: ${how}. Sign and verify the bytes as they were received.`,
	}));
	const ids = [id.trim(), id.toLowerCase(), id.replaceAll(/^"|"$/g, ""), expectedId ?? id]
		.filter((other) => other !== id)
		.map((other): LikelyChange => ({
			content: { ...signed, id: other },
			code: "id_changed",
			message: `The signature is that of the webhook-id ${JSON.stringify(other)}, not of ${JSON.stringify(id)}.`,
		}));
	const seconds = /^\d{13}$/.test(timestamp) ? timestamp.slice(0, 10) : `${timestamp}000`;
	const time: LikelyChange = {
		content: { ...signed, timestamp: seconds },
		code: "timestamp_changed",
		message: `The signature is that of the webhook-timestamp ${seconds}, not of ${timestamp}: seconds and milliseconds were mixed up.`,
	};
	return [...bodies, ...ids, time];
}

/** How a body differs from the one that was sent; null if it is the same. */
export function differenceText(body: Uint8Array, sent: Uint8Array): string | null {
	if (isSame(body, sent)) return null;
	const how =
		otherBodies(body).find(([other]) => isSame(other, sent))?.[1] ?? (isSameJson(body, sent) ? REWRITTEN : null);
	const begin = "The body is not as it was sent: ";
	if (how !== null) return `${begin}${how}. Sign and verify the bytes as they were received.`;
	if (body.length === 0) return `${begin}it is empty. It was ${sent.length} bytes.`;
	const shorter = Math.min(body.length, sent.length);
	let at = 0;
	while (at < shorter && body[at] === sent[at]) at += 1;
	if (at === body.length) return `${begin}it ends after ${at} of ${sent.length} bytes.`;
	if (at === sent.length) return `${begin}${body.length - at} bytes were added at its end.`;
	return `${begin}it differs from byte ${at + 1} on, which was ${excerpt(sent, at)} and is ${excerpt(body, at)}.`;
}

/** Whether it is the text of a JSON object. */
export function isJsonObject(body: Uint8Array): boolean {
	let text: string;
	try {
		// As `verify` reads it.
		text = new TextDecoder("utf-8", { fatal: true }).decode(body);
	} catch {
		return false;
	}
	const parsed = parse(text);
	return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
}

const EXCERPT = 24;
const MAX_DEPTH = 200;
const REWRITTEN = "it was parsed and written again as JSON, which changes its bytes";

/** The bodies that may have been signed, each with how it was changed since. */
function otherBodies(body: Uint8Array): readonly (readonly [body: Uint8Array, how: string])[] {
	const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body);
	const others: [Uint8Array, string][] = [];
	const add = (other: string | Uint8Array, how: string) => {
		const bytes = typeof other === "string" ? new TextEncoder().encode(other) : other;
		if (!isSame(bytes, body)) others.push([bytes, how]);
	};
	add(withoutLastLines(text), "a line feed was added at its end, as `echo` and editors do");
	add(`${text}\n`, "the line feed at its end is missing");
	add(text.replace(/^\uFEFF/, ""), "a byte order mark was added at its beginning");
	add(text.trim(), "white space was added around it");
	add(text.replaceAll("\r\n", "\n"), "its line feeds were made CRLF");
	add(text.replaceAll(/(?<!\r)\n/g, "\r\n"), "its CRLF were made line feeds");
	add(
		Uint8Array.from(text, (character) => character.charCodeAt(0)),
		"it was read as Latin-1 and written as UTF-8",
	);
	add(new Uint8Array(), "it was signed without a body");
	const parsed = parse(text);
	if (parsed !== undefined && !isDeep(parsed)) {
		add(JSON.stringify(parsed), REWRITTEN);
		add(JSON.stringify(parsed).replaceAll(/[\u0080-\uFFFF]/g, escaped), REWRITTEN);
		add(JSON.stringify(parsed, null, 2), REWRITTEN);
		add(spaced(parsed), REWRITTEN);
		if (typeof parsed === "string") add(parsed, "it was put into a JSON string, with quotation marks around it");
	}
	add(JSON.stringify(text), "the quotation marks around it were removed");
	return others;
}

/** Not by a regular expression, which takes the square of the time for many line feeds before other text. */
function withoutLastLines(text: string): string {
	let end = text.length;
	while (text[end - 1] === "\n") end -= text[end - 2] === "\r" ? 2 : 1;
	return text.slice(0, end);
}

/** Whether functions that call themselves for each level could exhaust the stack, as `JSON.stringify` does. */
function isDeep(value: unknown): boolean {
	let level = [value];
	for (let depth = 0; level.length > 0; depth += 1) {
		if (depth > MAX_DEPTH) return true;
		level = level.flatMap((one) => (typeof one === "object" && one !== null ? (Object.values(one) as unknown[]) : []));
	}
	return false;
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

/** Whether both are JSON with the same members, in whatever order. */
function isSameJson(body: Uint8Array, sent: Uint8Array): boolean {
	const [one, other] = [body, sent].map((bytes) => parse(new TextDecoder().decode(bytes)));
	if (one === undefined || other === undefined || isDeep(one) || isDeep(other)) return false;
	return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(sorted);
	if (typeof value !== "object" || value === null) return value;
	return Object.entries(value)
		.sort(([one], [other]) => (one < other ? -1 : 1))
		.map(([name, member]) => [name, sorted(member)]);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
	return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** The text at a place, for a message. */
function excerpt(bytes: Uint8Array, at: number): string {
	const text = new TextDecoder().decode(bytes.subarray(at, at + EXCERPT));
	return JSON.stringify(at + EXCERPT < bytes.length ? `${text}…` : text);
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
