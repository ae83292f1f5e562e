// Turns errors into responses. Only this file decides the status and the body of an error.
import { FanfareError, type ErrorCode, type ErrorKind, type Issue } from "../../core/errors.ts";
import { StoreError, StoreInDoubtError } from "../../ports/store/errors.ts";
import { json, type Reply } from "./route.ts";

/** The response code of each kind of error. */
export const KIND_STATUS: Readonly<Record<ErrorKind, number>> = {
	invalid: 400,
	unauthenticated: 401,
	forbidden: 403,
	not_found: 404,
	not_allowed: 405,
	timed_out: 408,
	conflict: 409,
	gone: 410,
	too_large: 413,
	misdirected: 421,
	over_quota: 429,
	headers_too_large: 431,
	internal: 500,
	unavailable: 503,
};

/**
 * The `Retry-After` of a 503, in seconds: streams last long, and a client without one can poll. It says that nothing was changed, so what
 * may have been changed has none (null): our SDK, and others, repeat a call that has one.
 */
const RETRY_AFTER_S: { readonly [Code in ErrorCode]?: string | null } = {
	too_many_streams: "30",
	outcome_unknown: null,
};
const RETRY_AFTER_BY_DEFAULT_S = "1";

/** The body of an error response. */
export interface Problem {
	readonly message: string;
	readonly code: ErrorCode;
	readonly requestId: string;
	readonly issues?: readonly Issue[];
}

/** The response for an error. An error that is not meant for callers becomes a 500 with a general sentence. */
export function problemReply(
	error: unknown,
	requestId: string,
): Reply & { readonly code: ErrorCode; readonly message: string } {
	const shown = presentable(error);
	const status = KIND_STATUS[shown.kind];
	const problem: Problem = {
		message: shown.message,
		code: shown.code,
		requestId,
		...(shown.issues.length > 0 && { issues: shown.issues }),
	};
	const { code, message } = shown;
	return { ...json(problem, status), headers: { ...headersOf(shown), ...headersIn(error) }, code, message };
}

/**
 * What the log shows of an error: the error itself if something failed; null for a refusal, also for one with a 503, such as
 * `overloaded`. A caller can provoke thousands of these a second, and a stack would make each line four times as long.
 */
export function failureBehind(error: unknown): unknown {
	if (error instanceof StoreError && error.code === "store_overloaded") return null;
	if (!(error instanceof FanfareError) || error.kind === "internal") return error;
	return error.kind === "unavailable" ? (error.cause ?? null) : null;
}

/**
 * The same for one event of a batch, without the request's id, which is in the header. `place` is the path of the
 * event, such as `events.3`; the paths of all issues begin with it. Shows at most `maxIssues` issues.
 */
export function problemItem(
	error: FanfareError,
	place: string,
	maxIssues = Infinity,
): { status: number; error: { message: string; code: ErrorCode; issues?: readonly Issue[] } } {
	const { kind, message, code } = error;
	const issues = error.issues.slice(0, maxIssues).map((issue) => ({ ...issue, path: pathIn(place, issue.path) }));
	return { status: KIND_STATUS[kind], error: { message, code, ...(issues.length > 0 && { issues }) } };
}

/**
 * Issues that the API found have their full path already. Issues from the engine do not, since it knows nothing of the
 * batch.
 */
function pathIn(place: string, path: string): string {
	if (path === place || path.startsWith(`${place}.`)) return path;
	return path === "" ? place : `${place}.${path}`;
}

/** A 405. `allow` is the value of the `Allow` header: the methods that the path has. */
export class MethodNotAllowed extends FanfareError {
	readonly allow: string;

	constructor(method: string, path: string, allow: string) {
		super("method_not_allowed", `${path} accepts ${allow}, got ${method}. See /docs for all calls.`);
		this.allow = allow;
	}
}

/**
 * The same error for the id of another project and for an id that does not exist, so that callers cannot tell them
 * apart.
 */
export function projectNotFound(): FanfareError {
	return new FanfareError(
		"project_not_found",
		"There is no such project, or this key does not open it. GET /workspace/projects lists the projects that it opens.",
	);
}

/** The error that the caller gets to see. */
function presentable(error: unknown): FanfareError {
	if (error instanceof FanfareError && error.code === "project_not_found") return projectNotFound();
	if (error instanceof FanfareError && error.code !== "internal") return error;
	if (error instanceof StoreError && error.code === "store_full") {
		return new FanfareError(
			"store_full",
			"The server's disk is full, so nothing was stored. Try again when it has room.",
		);
	}
	if (error instanceof StoreInDoubtError) {
		return new FanfareError(
			"outcome_unknown",
			"The server has lost its store while it made this change, so it is not known whether it was made. Look before you make it again.",
		);
	}
	if (error instanceof StoreError && error.code === "store_unavailable") {
		return new FanfareError(
			"store_unavailable",
			"The server cannot reach its store, so nothing was changed. Try again shortly.",
		);
	}
	if (error instanceof StoreError && error.code === "store_overloaded") {
		return new FanfareError(
			"overloaded",
			"Too many reads or changes of this project are waiting, so this one was refused. Try again shortly, with fewer requests at once.",
		);
	}
	return new FanfareError(
		"internal",
		"Something went wrong inside Fanfare. Try again. If that does not help, give the requestId to the server's operator.",
	);
}

function headersOf(error: FanfareError): Record<string, string> {
	switch (error.kind) {
		case "unauthenticated":
			return {
				"www-authenticate":
					error.code === "missing_key" ? 'Bearer realm="fanfare"' : 'Bearer realm="fanfare", error="invalid_token"',
			};
		case "unavailable": {
			const retryAfterS = RETRY_AFTER_S[error.code];
			return retryAfterS === null ? {} : { "retry-after": retryAfterS ?? RETRY_AFTER_BY_DEFAULT_S };
		}
		case "over_quota":
			return { "retry-after": String(Math.max(1, Math.ceil((error.retryAfterMs ?? 0) / 1_000))) };
		case "invalid":
		case "forbidden":
		case "not_found":
		case "not_allowed":
		case "timed_out":
		case "conflict":
		case "gone":
		case "too_large":
		case "misdirected":
		case "headers_too_large":
		case "internal":
			return {};
	}
}

function headersIn(error: unknown): Record<string, string> {
	return error instanceof MethodNotAllowed ? { allow: error.allow } : {};
}
