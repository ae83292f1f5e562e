// From an HTTP answer to a value or an error.
import { apiError, UnexpectedResponseError, type Issue } from "./errors.ts";
import type { FetchResponse } from "./platform.ts";
import { parseRetryAfterMs } from "./retry.ts";

const EXCERPT_LENGTH = 200;
// Twice the largest page there is: 1,000 event types, each with a schema and an example of 64 KiB.
const MAX_BYTES = 256 * 1_024 * 1_024;
const MAX_ERROR_BYTES = 1_024 * 1_024;

/** Answers that do not name themselves by `object`, or whose name alone says too little, and how they are known. */
const SHAPES = {
	workspace: (answer: unknown) => stringField(answer, "id") !== null,
	projects: (answer: unknown) => Array.isArray(answer) && answer.every((entry) => field(entry, "object") === "project"),
	webhook: (answer: unknown) => isNamed(answer, "webhook") && typeof field(answer, "retries") === "object",
	webhookTest: (answer: unknown) => stringField(answer, "status") !== null,
	deleted: (answer: unknown) => field(answer, "deleted") === true,
} as const satisfies Record<string, (answer: unknown) => boolean>;

/** What an answer is: the `object` that it carries, or one of the shapes above. */
export type AnswerKind =
	| keyof typeof SHAPES
	| "deliveriesChanged"
	| "delivery"
	| "erasure"
	| "event"
	| "eventType"
	| "key"
	| "project"
	| "replay"
	| "replayEstimate"
	| "stats";

interface Asked {
	readonly method: string;
	readonly path: string;
	readonly answer?: AnswerKind;
	readonly isConfidential?: boolean;
}

/** What an answer is read with. */
interface Reader {
	readonly now: number;
	/** Never shown: a debugging proxy's page repeats what it was sent. */
	readonly secretKey: string;
}

/** What was read of a body. */
interface ReadText {
	readonly text: string;
	/** There was more than any Fanfare sends. */
	readonly isCut: boolean;
}

/** The body as text, up to a size, so that a body without end doesn't fill the memory within the timeout. */
export async function readText(response: FetchResponse): Promise<ReadText> {
	const { body } = response;
	// Not every fetch gives a body to read from; node-fetch's, for one, is a stream of Node.
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
 * The JSON of a 2xx, if it is what was asked for. Anything else is thrown as the error that it is: whoever else answers 200 to
 * everything must not be taken for a Fanfare that has stored an event.
 */
export function readAnswer(asked: Asked, response: FetchResponse, read: ReadText, reader: Reader): unknown {
	const { status } = response;
	// A good answer stays as it is, whatever is in it.
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
		if (asked.answer === undefined || isKind(body, asked.answer)) return body;
		// Without an excerpt: a good answer of another kind may hold a key.
		const message = `${asked.method} ${asked.path} was answered ${status} with JSON that is no ${asked.answer}. Is the client's endpoint right, or does a proxy stand in between?`;
		throw new UnexpectedResponseError(message, { status, requestId });
	}
	// 0: how browsers show a redirect that isn't followed.
	if (status === 0 || (status >= 300 && status < 400)) {
		const target = response.headers.get("location");
		const message = `${asked.method} ${asked.path} was answered with a redirect${target === null ? "" : ` to ${target}`}, which is not followed: set the client's endpoint to where Fanfare is.`;
		throw new UnexpectedResponseError(message, { status, requestId });
	}
	const code = stringField(body, "code");
	// Fanfare's own errors have a code and repeat no secret; those of others may.
	const message = asked.isConfidential === true && code === null ? null : stringField(body, "message");
	throw apiError(message ?? notFanfare(asked, response, json), {
		status,
		code,
		requestId,
		issues: issuesOf(body),
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
	return text.replaceAll(secretKey, "***");
}

/** The parsed JSON; undefined if it is none. */
function parseJson(text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return undefined;
	}
}

/** Says what came instead, as far as a person can use it: a proxy's page, say, without its markup. */
function notFanfare(asked: Asked, response: FetchResponse, text: string): string {
	const type = response.headers.get("content-type") ?? "no content type";
	const excerpt =
		asked.isConfidential === true ? "a body that is not shown, as it may repeat a secret" : excerptOf(text);
	return `${asked.method} ${asked.path} was answered ${response.status} (${type}) without Fanfare's JSON: ${excerpt}. Is the client's endpoint right, or does a proxy stand in between?`;
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
