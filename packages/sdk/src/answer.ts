// Turns an HTTP response into a value or an error.
import { apiError, UnexpectedResponseError, type Issue } from "./errors.ts";
import type { FetchResponse } from "./platform.ts";
import { parseRetryAfterMs } from "./retry.ts";
import { withSdkNames, type BodyNames } from "./wire/names.ts";

const EXCERPT_LENGTH = 200;
const CHECK_ENDPOINT = "Check the client's endpoint, and any proxy in between.";
// Twice the largest possible page: 1,000 event types, each with a schema and an example of 64 KiB.
const MAX_BYTES = 256 * 1_024 * 1_024;
const MAX_ERROR_BYTES = 1_024 * 1_024;

/** How to recognize response bodies that have no `object` field, or whose `object` field is not enough. */
const SHAPES = {
	workspace: (answer: unknown) => stringField(answer, "id") !== null,
	projects: (answer: unknown) => Array.isArray(answer) && answer.every((entry) => field(entry, "object") === "project"),
	webhook: (answer: unknown) => isNamed(answer, "webhook") && typeof field(answer, "retries") === "object",
	webhookTest: (answer: unknown) => stringField(answer, "status") !== null,
	deleted: (answer: unknown) => field(answer, "deleted") === true,
} as const satisfies Record<string, (answer: unknown) => boolean>;

/** The kind of a response body: the value of its `object` field, one of the shapes above, or `text`: any JSON, not parsed. */
export type AnswerKind =
	| keyof typeof SHAPES
	| "text"
	| "caller"
	| "conformance"
	| "session"
	| "sessionsEnded"
	| "signInLink"
	| "customer"
	| "deliveriesChanged"
	| "deliveryCount"
	| "delivery"
	| "erasure"
	| "event"
	| "eventType"
	| "key"
	| "portalSession"
	| "portalSessionsRevoked"
	| "project"
	| "relay"
	| "relayAnswer"
	| "relays"
	| "replay"
	| "replayEstimate"
	| "replaysStarted"
	| "stats"
	| "projectUsage"
	| "workspaceStatus"
	| "webhookStats"
	| "egressAddresses"
	| "webhooksReleased"
	| "streamItems"
	| "webhooksChanged";

/** The request that a response belongs to. */
interface Asked {
	readonly method: string;
	readonly path: string;
	readonly answer?: AnswerKind;
	readonly isTextWanted?: boolean;
	readonly isConfidential?: boolean;
	readonly names?: BodyNames;
}

/** A response's JSON, parsed and as it came. */
export interface AnswerWithText {
	readonly body: unknown;
	readonly text: string;
}

/** Values needed to read a response. */
interface Reader {
	readonly now: number;
	/** Removed from error messages: the page of a debugging proxy may repeat the request. */
	readonly secretKey: string | null;
}

/** The text of a body. */
interface ReadText {
	readonly text: string;
	/** The body was longer than any response of Fanfare, and the rest was not read. */
	readonly isCut: boolean;
}

/** Reads the body as text, up to a limit, so that an endless body cannot exhaust the memory before the timeout. */
export async function readText(response: FetchResponse): Promise<ReadText> {
	const { body } = response;
	// Not every fetch returns a web stream: the body of node-fetch, for example, is a Node stream.
	if (typeof body?.getReader !== "function") return { text: await response.text(), isCut: false };
	const maxBytes = isSuccess(response.status) ? MAX_BYTES : MAX_ERROR_BYTES;
	const reader = body.getReader();
	const decoder = new TextDecoder();
	let text = "";
	let bytes = 0;
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return { text: text + decoder.decode(), isCut: false };
		if (value === undefined) continue;
		bytes += value.byteLength;
		if (bytes > maxBytes) return { text, isCut: true };
		text += decoder.decode(value, { stream: true });
	}
}

/**
 * Returns the JSON of a 2xx response, if wanted with its text, if it is of the expected kind. Everything else is thrown as an error: a server
 * that responds with 200 to everything must not be mistaken for a Fanfare that has stored an event.
 */
export function readAnswer(asked: Asked, response: FetchResponse, read: ReadText, reader: Reader): unknown {
	const { status } = response;
	// A successful response is returned unchanged, even if it contains the key.
	const json = isSuccess(status) ? read.text : concealed(read.text, reader);
	const body = read.isCut ? undefined : parseJson(json);
	const requestId = stringField(body, "requestId") ?? response.headers.get("x-request-id");
	if (isSuccess(status)) {
		if (body === undefined) {
			throw new UnexpectedResponseError(notFanfare(asked, response, concealed(read.text, reader)), {
				status,
				requestId,
			});
		}
		if (asked.answer === "text") return read.text;
		if (asked.answer === undefined || isKind(body, asked.answer)) {
			return asked.isTextWanted === true ? ({ body, text: read.text } satisfies AnswerWithText) : body;
		}
		// Without an excerpt: a successful response of another kind may contain a key.
		const message = `${asked.method} ${asked.path} was answered with ${status} and JSON that is not a ${asked.answer}. ${CHECK_ENDPOINT}`;
		throw new UnexpectedResponseError(message, { status, requestId });
	}
	// Browsers report an unfollowed redirect as status 0.
	if (status === 0 || (status >= 300 && status < 400)) {
		const target = response.headers.get("location");
		const redirect = target === null ? "a redirect" : `a redirect to ${target}`;
		const message = `${asked.method} ${asked.path} was answered with ${redirect}, which is not followed. Set the client's endpoint to Fanfare's own URL.`;
		throw new UnexpectedResponseError(message, { status, requestId });
	}
	const code = stringField(body, "code");
	// Fanfare's own errors have a code and repeat no secret. Errors of other servers may repeat one.
	const message = asked.isConfidential === true && code === null ? null : stringField(body, "message");
	const complaint = { message: message ?? notFanfare(asked, response, json), issues: issuesOf(body) };
	const named = asked.names === undefined ? complaint : withSdkNames(complaint, asked.names);
	throw apiError(named.message, {
		status,
		code,
		requestId,
		issues: named.issues,
		retryAfterMs: parseRetryAfterMs(response.headers.get("retry-after"), reader.now),
	});
}

function isKind(answer: unknown, kind: AnswerKind): boolean {
	return kind in SHAPES ? SHAPES[kind as keyof typeof SHAPES](answer) : isNamed(answer, kind);
}

function isNamed(answer: unknown, name: string): boolean {
	return field(answer, "object") === name;
}

function isSuccess(status: number): boolean {
	return status >= 200 && status < 300;
}

function concealed(text: string, { secretKey }: Reader): string {
	return secretKey === null ? text : text.replaceAll(secretKey, "***");
}

/** The parsed JSON; undefined if the text is not JSON. */
function parseJson(text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return undefined;
	}
}

/**
 * Describes a response that is not Fanfare's, with an excerpt of its text: a proxy's error page, for example, without
 * markup.
 */
function notFanfare(asked: Asked, response: FetchResponse, text: string): string {
	const type = response.headers.get("content-type") ?? "no content type";
	const excerpt =
		asked.isConfidential === true ? "a body that is not shown because it may repeat a secret" : excerptOf(text);
	return `${asked.method} ${asked.path} was answered with ${response.status} (${type}) instead of Fanfare's JSON: ${excerpt}. ${CHECK_ENDPOINT}`;
}

function excerptOf(text: string): string {
	const words = text
		.slice(0, EXCERPT_LENGTH * 20)
		.replace(/<(style|script)\b[^]*?<\/\1>/gi, " ")
		.replace(/<[^>]*>/g, " ")
		.replace(/\s+/g, " ")
		.trim();
	return words === "" ? "an empty body" : `"${words.slice(0, EXCERPT_LENGTH)}"`;
}

function issuesOf(body: unknown): readonly Issue[] {
	const issues = field(body, "issues");
	if (!Array.isArray(issues)) return [];
	return issues.flatMap((issue: unknown) => {
		const message = stringField(issue, "message");
		return message === null ? [] : [{ path: stringField(issue, "path") ?? "", message }];
	});
}

function stringField(body: unknown, name: string): string | null {
	const value = field(body, name);
	return typeof value === "string" ? value : null;
}

function field(body: unknown, name: string): unknown {
	return typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;
}
