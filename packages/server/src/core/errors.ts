// Errors for clients, each with a stable code. The API turns a code into an HTTP status.

/** The codes that a client can get, each with its kind. A code never changes its name or its kind. */
export const ERROR_KINDS = {
	invalid_request: "invalid",
	invalid_json: "invalid",
	invalid_encoding: "invalid",
	invalid_cursor: "invalid",
	invalid_http: "invalid",
	unknown_webhook: "invalid",
	missing_key: "unauthenticated",
	unknown_key: "unauthenticated",
	unknown_portal_session: "unauthenticated",
	expired_key: "unauthenticated",
	unknown_session: "unauthenticated",
	unknown_sign_in_link: "unauthenticated",
	insufficient_scope: "forbidden",
	relays_off: "forbidden",
	route_not_found: "not_found",
	project_not_found: "not_found",
	webhook_not_found: "not_found",
	event_not_found: "not_found",
	delivery_not_found: "not_found",
	key_not_found: "not_found",
	event_type_not_found: "not_found",
	replay_not_found: "not_found",
	customer_not_found: "not_found",
	relay_not_found: "not_found",
	portal_session_not_found: "not_found",
	method_not_allowed: "not_allowed",
	idempotency_conflict: "conflict",
	revision_conflict: "conflict",
	last_admin_key: "conflict",
	key_not_active: "conflict",
	event_type_exists: "conflict",
	too_many_event_types: "conflict",
	too_many_projects: "conflict",
	too_many_keys: "conflict",
	too_many_webhooks: "conflict",
	webhooks_too_large: "conflict",
	too_many_customers: "conflict",
	customers_too_large: "conflict",
	customer_being_deleted: "conflict",
	webhook_key_exists: "conflict",
	webhook_not_active: "conflict",
	delivery_not_changeable: "conflict",
	too_many_retries: "conflict",
	replay_ended: "conflict",
	too_many_replays: "conflict",
	too_many_relays: "conflict",
	request_not_open: "conflict",
	too_many_portal_sessions: "conflict",
	payload_erased: "conflict",
	data_erased: "gone",
	worker_process: "misdirected",
	request_timeout: "timed_out",
	payload_too_large: "too_large",
	headers_too_large: "headers_too_large",
	too_many_sign_ins: "over_quota",
	too_many_exports: "over_quota",
	event_rate_exceeded: "over_quota",
	stored_bytes_exceeded: "over_quota",
	change_rate_exceeded: "over_quota",
	overloaded: "unavailable",
	too_many_streams: "unavailable",
	shutting_down: "unavailable",
	store_full: "unavailable",
	store_unavailable: "unavailable",
	outcome_unknown: "unavailable",
	internal: "internal",
} as const;

export type ErrorCode = keyof typeof ERROR_KINDS;
export type ErrorKind = (typeof ERROR_KINDS)[ErrorCode];

/** One problem in a request, and its place. */
export interface Issue {
	/** The path of the field, such as `spec.endpoint` or `events.3.type`; "" for the whole request. */
	path: string;
	/** Continues the path, such as `must be an absolute URL`. */
	message: string;
}

/**
 * A number and what it counts, for messages.
 *
 * @example
 * counted(1, "project"); // "1 project"
 * counted(2, "entry", "entries"); // "2 entries"
 */
export function counted(count: number | bigint, one: string, many = `${one}s`): string {
	return `${count} ${Number(count) === 1 ? one : many}`;
}

/** Keeps a response small, however many problems a request has. */
const ISSUE_LIMIT = 50;

/**
 * An error for the client. The message says what was wrong and what to do, and never contains a secret, a key or a
 * payload. Issues beyond the 50th are replaced by their number.
 */
export class FanfareError extends Error {
	override readonly name = "FanfareError";
	readonly code: ErrorCode;
	readonly issues: readonly Issue[];
	/** After how many milliseconds the caller should try again; null if nothing is known about that. */
	readonly retryAfterMs: number | null;

	constructor(
		code: ErrorCode,
		message: string,
		options: { issues?: readonly Issue[]; cause?: unknown; retryAfterMs?: number } = {},
	) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.code = code;
		this.issues = atMost(ISSUE_LIMIT, options.issues ?? []);
		this.retryAfterMs = options.retryAfterMs ?? null;
	}

	get kind(): ErrorKind {
		return ERROR_KINDS[this.code];
	}
}

function atMost(limit: number, issues: readonly Issue[]): readonly Issue[] {
	if (issues.length <= limit) return issues;
	const hidden = issues.length - limit;
	const message = `${counted(hidden, "more issue")} ${hidden === 1 ? "is" : "are"} not shown`;
	return [...issues.slice(0, limit), { path: "", message }];
}

/** An `invalid_request` error. Its message is the first issue and the number of the others. */
export function invalidRequest(issues: readonly Issue[]): FanfareError {
	const [first] = issues;
	const message =
		first === undefined
			? "The request is not valid."
			: `${first.path === "" ? "" : `${first.path}: `}${first.message}${issues.length > 1 ? ` (and ${issues.length - 1} more, see issues)` : ""}`;
	return new FanfareError("invalid_request", message, { issues });
}

/** The error of a process that shares its database with others, and can't tell at the moment what they have changed. */
export function processOutdated(): FanfareError {
	return new FanfareError(
		"store_unavailable",
		"this process can't reach its database at the moment, or is shutting down, so what it knows of keys and webhooks may be outdated: try again, or ask another process",
	);
}
