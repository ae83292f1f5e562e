// Why attempts fail: the closed list of causes, and the errors that group them. docs/causes.md has the likely reason and the cure of each.

/**
 * Why an attempt got no complete response. A complete response is never an error, whatever its status. A response that
 * broke off is an error, and its status is reported too.
 */
export const ATTEMPT_ERRORS = [
	"timeout",
	"dns",
	"refused",
	"reset",
	"tls",
	"blocked_address",
	"protocol",
	"unreachable",
] as const;
export type AttemptErrorName = (typeof ATTEMPT_ERRORS)[number];

interface CauseFacts {
	/** Permanent, on disk: a number never changes its meaning. */
	readonly code: number;
	/** The error that it belongs to; null if a complete response came, whose status is the cause. */
	readonly error: AttemptErrorName | null;
}

const CAUSES = {
	lookup_timeout: { code: 1, error: "timeout" },
	connect_timeout: { code: 2, error: "timeout" },
	tls_timeout: { code: 3, error: "timeout" },
	response_timeout: { code: 4, error: "timeout" },
	headers_timeout: { code: 5, error: "timeout" },
	body_timeout: { code: 6, error: "timeout" },
	connection_lost: { code: 7, error: "timeout" },
	// Of attempts that version 0.1 has made: it is not known what was waited for.
	timed_out: { code: 8, error: "timeout" },
	name_not_found: { code: 10, error: "dns" },
	lookup_failed: { code: 11, error: "dns" },
	refused: { code: 20, error: "refused" },
	closed_while_connecting: { code: 30, error: "reset" },
	closed_before_response: { code: 31, error: "reset" },
	closed_during_response: { code: 32, error: "reset" },
	certificate_expired: { code: 40, error: "tls" },
	certificate_not_yet_valid: { code: 41, error: "tls" },
	certificate_name_mismatch: { code: 42, error: "tls" },
	certificate_self_signed: { code: 43, error: "tls" },
	certificate_untrusted: { code: 44, error: "tls" },
	not_tls: { code: 45, error: "tls" },
	tls_failed: { code: 46, error: "tls" },
	blocked_address: { code: 50, error: "blocked_address" },
	invalid_response: { code: 60, error: "protocol" },
	response_headers_too_large: { code: 61, error: "protocol" },
	unexpected_bytes: { code: 62, error: "protocol" },
	invalid_request: { code: 63, error: "protocol" },
	unreachable: { code: 70, error: "unreachable" },
	proxy_failed: { code: 71, error: "unreachable" },
	status_3xx: { code: 80, error: null },
	status_401: { code: 81, error: null },
	status_403: { code: 82, error: null },
	status_404: { code: 83, error: null },
	status_410: { code: 84, error: null },
	status_413: { code: 85, error: null },
	status_429: { code: 86, error: null },
	status_4xx_other: { code: 87, error: null },
	status_5xx: { code: 88, error: null },
	status_other: { code: 89, error: null },
} as const satisfies Record<string, CauseFacts>;

/** Why an attempt failed, for programs. */
export type AttemptCause = keyof typeof CAUSES;

/** The causes of attempts without a complete response. */
export type ErrorCause = {
	[Name in AttemptCause]: (typeof CAUSES)[Name]["error"] extends null ? never : Name;
}[AttemptCause];

export const ATTEMPT_CAUSES = Object.keys(CAUSES) as [AttemptCause, ...AttemptCause[]];

const NAMES_BY_CODE: ReadonlyMap<number, AttemptCause> = new Map(
	ATTEMPT_CAUSES.map((name) => [CAUSES[name].code, name]),
);

/** The number of a cause on disk; 0 for no cause. */
export function causeCode(cause: AttemptCause | null): number {
	return cause === null ? NO_CAUSE : CAUSES[cause].code;
}

/** The number for no cause. All others are greater. */
export const NO_CAUSE = 0;

/** The cause with a number; null for 0. Throws a `RangeError` for a number that this program does not know. */
export function causeAt(code: number): AttemptCause | null {
	if (code === NO_CAUSE) return null;
	const name = NAMES_BY_CODE.get(code);
	if (name === undefined) throw new RangeError(`there is no cause with the number ${code}`);
	return name;
}

/** The error that a cause belongs to; null if a complete response came. */
export function errorOfCause(cause: AttemptCause): AttemptErrorName | null {
	return CAUSES[cause].error;
}

/** The causes that belong to an error. */
export function causesOfError(error: AttemptErrorName): AttemptCause[] {
	return ATTEMPT_CAUSES.filter((cause) => CAUSES[cause].error === error);
}

/** What an error means if nothing more is known. */
const FALLBACKS: Readonly<Record<AttemptErrorName, ErrorCause>> = {
	timeout: "timed_out",
	dns: "lookup_failed",
	refused: "refused",
	reset: "closed_before_response",
	tls: "tls_failed",
	blocked_address: "blocked_address",
	protocol: "invalid_response",
	unreachable: "unreachable",
};

/** The cause of a failure that is known by its error alone. */
export function fallbackCause(error: AttemptErrorName): ErrorCause {
	return FALLBACKS[error];
}

/** How an attempt ended. */
export interface AttemptEnd {
	/** One of `ATTEMPT_ERRORS`; null if a complete response came. */
	readonly error: string | null;
	/** What is known beyond the error: the name of a cause, or null. */
	readonly cause: string | null;
	/** 0 if no response came. */
	readonly responseCode: number;
}

/**
 * The cause of an attempt's failure; null if it succeeded. What is not known of an attempt of version 0.1 follows from its error.
 *
 * @example
 * causeOf({ error: null, cause: null, responseCode: 503 }); // "status_5xx"
 */
export function causeOf({ error, cause, responseCode }: AttemptEnd): AttemptCause | null {
	if (error === null) return statusCause(responseCode);
	if (cause !== null && Object.hasOwn(CAUSES, cause)) return cause as AttemptCause;
	if (error === "reset" && responseCode > 0) return "closed_during_response";
	return Object.hasOwn(FALLBACKS, error) ? FALLBACKS[error as AttemptErrorName] : "unreachable";
}

const SINGLE_STATUSES: ReadonlyMap<number, AttemptCause> = new Map([
	[401, "status_401"],
	[403, "status_403"],
	[404, "status_404"],
	[410, "status_410"],
	[413, "status_413"],
	[429, "status_429"],
]);

/** The cause that a status is; null for 200–299. */
function statusCause(responseCode: number): AttemptCause | null {
	if (responseCode >= 200 && responseCode <= 299) return null;
	if (responseCode >= 300 && responseCode <= 399) return "status_3xx";
	if (responseCode >= 400 && responseCode <= 499) return SINGLE_STATUSES.get(responseCode) ?? "status_4xx_other";
	return responseCode >= 500 && responseCode <= 599 ? "status_5xx" : "status_other";
}
