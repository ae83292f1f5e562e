// All errors that a call can reject with. They extend FanfareError, and none contains the secret key.

/** One problem in a request, and its place. */
export interface Issue {
	/** The path of the field, such as `spec.endpoint` or `events.3.type`. */
	readonly path: string;
	/** What is wrong there, and what is expected. */
	readonly message: string;
}

/**
 * The base class of the SDK's errors. Invalid arguments are reported differently: with a `TypeError`, before anything
 * is sent.
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
	/** The name of its class, also in minified code. */
	override readonly name: string = "FanfareError";
}

/** The fields of an `ApiError`. */
export interface ApiErrorDetails {
	/** The HTTP status of the response. */
	readonly status: number;
	/** The server's stable error code, such as `webhook_not_found`; null if the response is not Fanfare's. */
	readonly code: string | null;
	/** The request's id in the server's log; null if there is none. */
	readonly requestId: string | null;
	/** The problems in the request, empty unless it was not valid. */
	readonly issues: readonly Issue[];
	/** The wait that `Retry-After` asks for, in milliseconds; null if the response has none. */
	readonly retryAfterMs: number | null;
}

/** The server responded with an error. Common statuses have a subclass; others, such as 405, are a plain `ApiError`. */
export class ApiError extends FanfareError implements ApiErrorDetails {
	override readonly name: string = "ApiError";
	readonly status: number;
	readonly code: string | null;
	readonly requestId: string | null;
	readonly issues: readonly Issue[];
	readonly retryAfterMs: number | null;

	/** Errors are made by the client. For tests of your own, make one with the fields that your code reads. */
	constructor(message: string, details: ApiErrorDetails) {
		super(message);
		this.status = details.status;
		this.code = details.code;
		this.requestId = details.requestId;
		this.issues = details.issues;
		this.retryAfterMs = details.retryAfterMs;
	}
}

/** 400: the request is not valid. `issues` lists the problems. */
export class BadRequestError extends ApiError {
	override readonly name = "BadRequestError";
}

/** 401: the secret key is unknown. */
export class AuthenticationError extends ApiError {
	override readonly name = "AuthenticationError";
}

/** 403: the key lacks the required scope. */
export class PermissionDeniedError extends ApiError {
	override readonly name = "PermissionDeniedError";
}

/** 404: there is no object with this id in this project. */
export class NotFoundError extends ApiError {
	override readonly name = "NotFoundError";
}

/** 409: a conflict with existing data, such as an idempotency key that was used for another event. */
export class ConflictError extends ApiError {
	override readonly name = "ConflictError";
}

/** 413: the body is too large. */
export class PayloadTooLargeError extends ApiError {
	override readonly name = "PayloadTooLargeError";
}

/** 429: too many requests, even after all retries. */
export class RateLimitError extends ApiError {
	override readonly name = "RateLimitError";
}

/** Any 5xx, even after all retries. */
export class InternalServerError extends ApiError {
	override readonly name: string = "InternalServerError";
}

/** 503: the server is overloaded or shutting down, even after all retries. */
export class ServiceUnavailableError extends InternalServerError {
	override readonly name = "ServiceUnavailableError";
}

/** A response that Fanfare never gives: a redirect, or a 2xx without the expected JSON. Such calls are not retried. */
export class UnexpectedResponseError extends FanfareError {
	override readonly name = "UnexpectedResponseError";
	/** The HTTP status of the response. */
	readonly status: number;
	/** The request's id in the server's log; null if there is none. */
	readonly requestId: string | null;

	/** Errors are made by the client. For tests of your own, make one with the fields that your code reads. */
	constructor(message: string, details: Pick<UnexpectedResponseError, "status" | "requestId">) {
		super(message);
		this.status = details.status;
		this.requestId = details.requestId;
	}
}

/** No complete response: the connection was refused, lost or never opened. `cause` is the error that `fetch` threw. */
export class ConnectionError extends FanfareError {
	override readonly name: string = "ConnectionError";
}

/** No complete response within `timeoutMs`, or nothing over an open stream for too long. The server may or may not have processed the request. */
export class TimeoutError extends ConnectionError {
	override readonly name = "TimeoutError";
}

/** Creates an error of the class for this status. */
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
