// Every error that a call to Fanfare can end in. All extend FanfareError; none ever holds the secret key.

/** One thing that was wrong in what was sent, and where. */
export interface Issue {
	/** The place, such as `spec.endpoint` or `events.3.type`. */
	readonly path: string;
	readonly message: string;
}

/**
 * The base of all of the SDK's errors. A wrong argument is not one of them: it throws a `TypeError` before anything is sent.
 *
 * @example
 * try {
 * 	await project.batch.webhooks.get(webhookId);
 * } catch (error) {
 * 	if (error instanceof NotFoundError) return null;
 * 	throw error;
 * }
 */
export class FanfareError extends Error {
	override readonly name: string = "FanfareError";
}

/** What is known about an answer that refuses. */
export interface ApiErrorDetails {
	readonly status: number;
	/** The server's stable name for what went wrong, such as `webhook_not_found`; null if no Fanfare answered. */
	readonly code: string | null;
	/** What to look for in the server's log. */
	readonly requestId: string | null;
	readonly issues: readonly Issue[];
	/** How long the server asked to wait, whatever the wait was in the end; null if it didn't. */
	readonly retryAfterMs: number | null;
}

/** The server answered and refused. There is a subclass per status; others (405, say) are a plain `ApiError`. */
export class ApiError extends FanfareError implements ApiErrorDetails {
	override readonly name: string = "ApiError";
	readonly status: number;
	readonly code: string | null;
	readonly requestId: string | null;
	readonly issues: readonly Issue[];
	readonly retryAfterMs: number | null;

	constructor(message: string, details: ApiErrorDetails) {
		super(message);
		this.status = details.status;
		this.code = details.code;
		this.requestId = details.requestId;
		this.issues = details.issues;
		this.retryAfterMs = details.retryAfterMs;
	}
}

/** 400: what was sent is not valid; `issues` says what and where. */
export class BadRequestError extends ApiError {
	override readonly name = "BadRequestError";
}

/** 401: the secret key is missing or unknown. */
export class AuthenticationError extends ApiError {
	override readonly name = "AuthenticationError";
}

/** 403: the key lacks the scope. */
export class PermissionDeniedError extends ApiError {
	override readonly name = "PermissionDeniedError";
}

/** 404: nothing has this id, or it belongs to another project. */
export class NotFoundError extends ApiError {
	override readonly name = "NotFoundError";
}

/** 409: it contradicts what is there, such as an idempotency key used for something else. */
export class ConflictError extends ApiError {
	override readonly name = "ConflictError";
}

/** 413: the body is too large. */
export class PayloadTooLargeError extends ApiError {
	override readonly name = "PayloadTooLargeError";
}

/** 429: too many requests, even after the retries. */
export class RateLimitError extends ApiError {
	override readonly name = "RateLimitError";
}

/** Any 5xx, even after the retries. */
export class InternalServerError extends ApiError {
	override readonly name: string = "InternalServerError";
}

/** 503: overloaded or shutting down, even after the retries. */
export class ServiceUnavailableError extends InternalServerError {
	override readonly name = "ServiceUnavailableError";
}

/** An answer that Fanfare doesn't give: a redirect, or a 2xx whose body is not the JSON that was expected. Never repeated. */
export class UnexpectedResponseError extends FanfareError {
	override readonly name = "UnexpectedResponseError";
	readonly status: number;
	readonly requestId: string | null;

	constructor(message: string, details: { readonly status: number; readonly requestId: string | null }) {
		super(message);
		this.status = details.status;
		this.requestId = details.requestId;
	}
}

/** No whole answer came: the connection was refused, lost or never made. `cause` is what `fetch` threw. */
export class ConnectionError extends FanfareError {
	override readonly name: string = "ConnectionError";
}

/** No whole answer came within `timeoutMs`. Whether the server did what was asked is not known. */
export class TimeoutError extends ConnectionError {
	override readonly name = "TimeoutError";
}

/** The class for a status, filled in. */
export function apiError(message: string, details: ApiErrorDetails): ApiError {
	return new (errorClass(details.status))(message, details);
}

function errorClass(status: number): typeof ApiError {
	switch (status) {
		case 400:
			return BadRequestError;
		case 401:
			return AuthenticationError;
		case 403:
			return PermissionDeniedError;
		case 404:
			return NotFoundError;
		case 409:
			return ConflictError;
		case 413:
			return PayloadTooLargeError;
		case 429:
			return RateLimitError;
		case 503:
			return ServiceUnavailableError;
		default:
			return status >= 500 ? InternalServerError : ApiError;
	}
}
