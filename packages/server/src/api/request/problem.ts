// Errors as answers. The only place that turns an error into a status and a body.
import { FanfareError, type ErrorCode, type ErrorKind, type Issue } from "../../core/errors.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { json, type Reply } from "./route.ts";

export const KIND_STATUS: Readonly<Record<ErrorKind, number>> = {
	invalid: 400,
	unauthenticated: 401,
	forbidden: 403,
	not_found: 404,
	not_allowed: 405,
	timed_out: 408,
	conflict: 409,
	too_large: 413,
	headers_too_large: 431,
	internal: 500,
	unavailable: 503,
};

const RETRY_AFTER_S = "1";

/** The body of an error's answer. */
export interface Problem {
	readonly message: string;
	readonly code: ErrorCode;
	readonly requestId: string;
	readonly issues?: readonly Issue[];
}

/** An error as the caller sees it. Whatever is not meant for callers becomes a general sentence. */
export function problemReply(error: unknown, requestId: string): Reply & { readonly code: ErrorCode } {
	const shown = presentable(error);
	const status = KIND_STATUS[shown.kind];
	const problem: Problem = {
		message: shown.message,
		code: shown.code,
		requestId,
		...(shown.issues.length > 0 && { issues: shown.issues }),
	};
	return { ...json(problem, status), headers: { ...headersOf(shown), ...headersIn(error) }, code: shown.code };
}

/** The same for one event of a batch, whose answer carries the request's id already. Issues' paths begin with `place`. */
export function problemItem(
	error: FanfareError,
	place: string,
): { status: number; error: { message: string; code: ErrorCode; issues?: readonly Issue[] } } {
	const { kind, message, code } = error;
	const issues = error.issues.map((issue) => ({ ...issue, path: pathIn(place, issue.path) }));
	return { status: KIND_STATUS[kind], error: { message, code, ...(issues.length > 0 && { issues }) } };
}

/** What the api itself refused says its whole path already; the engine knows nothing of batches. */
function pathIn(place: string, path: string): string {
	if (path === place || path.startsWith(`${place}.`)) return path;
	return path === "" ? place : `${place}.${path}`;
}

/** A 405; the methods that the path has go with it. */
export class MethodNotAllowed extends FanfareError {
	readonly allow: string;

	constructor(method: string, path: string, allow: string) {
		super("method_not_allowed", `${path} takes ${allow}, got ${method}. See /docs for what each does.`);
		this.allow = allow;
	}
}

/** The one answer for another project's id and for nobody's. */
export function projectNotFound(): FanfareError {
	return new FanfareError(
		"project_not_found",
		"There is no such project, or this key does not open it. GET /workspace/projects lists those that it opens.",
	);
}

function presentable(error: unknown): FanfareError {
	if (error instanceof FanfareError && error.code === "project_not_found") return projectNotFound();
	if (error instanceof FanfareError && error.code !== "internal") return error;
	if (error instanceof StoreError && error.code === "store_full") {
		return new FanfareError("store_full", "The disk is full: nothing was stored. Try again once there is room.");
	}
	if (error instanceof StoreError && error.code === "store_unavailable") {
		return new FanfareError("store_unavailable", "The store cannot be reached: nothing was done. Try again shortly.");
	}
	return new FanfareError(
		"internal",
		"Something went wrong inside Fanfare. Try again; if it stays, give the requestId to whoever runs this server.",
	);
}

function headersOf(error: FanfareError): Record<string, string> {
	switch (error.kind) {
		case "unauthenticated":
			return {
				"www-authenticate":
					error.code === "missing_key" ? 'Bearer realm="fanfare"' : 'Bearer realm="fanfare", error="invalid_token"',
			};
		case "unavailable":
			return { "retry-after": RETRY_AFTER_S };
		case "invalid":
		case "forbidden":
		case "not_found":
		case "not_allowed":
		case "timed_out":
		case "conflict":
		case "too_large":
		case "headers_too_large":
		case "internal":
			return {};
	}
}

function headersIn(error: unknown): Record<string, string> {
	return error instanceof MethodNotAllowed ? { allow: error.allow } : {};
}
