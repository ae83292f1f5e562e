// Why an attempt failed, in the port's terms. Errors of sockets, of TLS and of the parser are translated here and nowhere else.
import { fallbackCause, type ErrorCause } from "../../core/log/attempt-cause.ts";
import { isOwnFailure, type AttemptError } from "../../ports/sender.ts";
import { InvalidResponse, type Fault } from "./http1/invalid-response.ts";

/**
 * The failure of an attempt. Its message becomes the attempt's `reason`, which customers see: no headers, secrets, paths or
 * queries, and no address that is not public. `detail` is for the operator's log.
 */
export class SendFailure extends Error {
	override readonly name = "SendFailure";
	readonly code: AttemptError;
	readonly detail: string | null;
	/** What exactly has failed; null for an own failure. If omitted, it follows from the code. */
	readonly what: ErrorCause | null;

	constructor(code: AttemptError, reason: string, options: SendFailureOptions = {}) {
		super(reason, options);
		this.code = code;
		this.detail = options.detail ?? null;
		this.what = options.what ?? (isOwnFailure(code) ? null : fallbackCause(code));
	}
}

interface SendFailureOptions extends ErrorOptions {
	readonly detail?: string | null;
	readonly what?: ErrorCause | null;
}

/** Whether an error of one address says that all local ports are in use, by connections to this address and port. */
export type LacksPort = (cause: unknown) => boolean;

/** This process, or the machine, has no descriptor or no memory left: that says nothing about the receiver. */
const SHORTAGE = /^(EMFILE|ENFILE|ENOBUFS|ENOMEM|EAGAIN|EAI_MEMORY)$/;
const SHORTAGE_CAUSES: Readonly<Record<string, string>> = {
	EMFILE: "this process has no free file descriptor",
	ENFILE: "this machine has no free file descriptor",
};
const UNREACHABLE = /^(EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL|EACCES|EPERM|EINVAL|EAFNOSUPPORT)$/;
const RESET = /^(ECONNRESET|EPIPE|ECONNABORTED)$/;
const TLS =
	/^(EPROTO$|ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERROR_IN_|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH_)/;

const NOT_TLS = ["the response was not TLS; does this port speak plain http?", "not_tls"] as const;
const NOT_TRUSTED = ["the certificate's issuer is not trusted", "certificate_untrusted"] as const;

/** Explanations of common causes. Other causes are reported by their code. */
const TLS_CAUSES: Readonly<Record<string, readonly [why: string, what: ErrorCause]>> = {
	ERR_TLS_CERT_ALTNAME_INVALID: ["the certificate is for another name", "certificate_name_mismatch"],
	CERT_HAS_EXPIRED: ["the certificate has expired", "certificate_expired"],
	CERT_NOT_YET_VALID: ["the certificate is not valid yet", "certificate_not_yet_valid"],
	DEPTH_ZERO_SELF_SIGNED_CERT: ["the certificate is self-signed", "certificate_self_signed"],
	SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
	UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["the certificate chain is incomplete", "certificate_untrusted"],
	ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
	ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
};

const UNUSABLE = (why: string) => (place: string) => `the response of ${place} cannot be used: ${why}`;
const NOT_HTTP = (why: string) => (place: string) => `the response of ${place} is not valid HTTP: ${why}`;

/** What is wrong with a response, in words. */
const FAULTS: Readonly<Record<Fault, (place: string) => string>> = {
	not_http: NOT_HTTP("it does not begin with HTTP/1.1 or HTTP/1.0 and a status"),
	status: NOT_HTTP("its status is not allowed here"),
	upgrade: UNUSABLE("it switched to another protocol"),
	header: NOT_HTTP("its headers are not valid"),
	length: NOT_HTTP("its headers are not valid: they do not say clearly how long its body is"),
	chunk: NOT_HTTP("its chunks are not valid"),
	out_of_turn: UNUSABLE("it came before the request"),
	too_large: (place) => `the response headers of ${place} are longer than 16 KiB`,
	too_many: (place) => `the response of ${place} has more than 500 headers`,
};

/** Whether an error says that the receiver has closed or reset a connection. */
export function isClosure(error: unknown): boolean {
	return RESET.test(codeOf(error));
}

/**
 * Translates an error while connecting. `place` is `host:port`. The address that the error names is in the reason only if
 * it is public. `lacksPort` is the result of `findLackOfPorts` for this error.
 */
export function connectFailure(
	error: unknown,
	place: string,
	isPublic: (ip: string) => boolean,
	lacksPort: LacksPort,
): SendFailure {
	if (error instanceof SendFailure) return error;
	const cause = mostTelling(error, lacksPort);
	const code = codeOf(cause);
	if (SHORTAGE.test(code)) return shortage(cause, code);
	const address = addressOf(cause);
	const at = address !== null && isPublic(address.ip) ? address.place : place;
	const detail = address === null || at === address.place ? null : `${place} was called at ${address.place}`;
	const options = { cause, detail };
	if (code === "ECONNREFUSED") return new SendFailure("refused", `connection refused by ${at}`, options);
	if (code === "ETIMEDOUT") {
		const reason = `${at} did not accept a connection in time`;
		return new SendFailure("timeout", reason, { ...options, what: "connect_timeout" });
	}
	if (RESET.test(code)) {
		const reason = `the connection to ${at} was closed while it was being set up`;
		return new SendFailure("reset", reason, { ...options, what: "closed_while_connecting" });
	}
	if (TLS.test(code)) return tlsFailure(cause, code, place);
	if (lacksPort(cause)) {
		return new SendFailure(
			"queued",
			`this machine has no free port for another connection to ${at} (${code})`,
			options,
		);
	}
	if (UNREACHABLE.test(code)) return new SendFailure("unreachable", `${at} cannot be reached (${code})`, options);
	return new SendFailure("unreachable", `no connection to ${at} (${code || "unknown error"})`, options);
}

/** Translates an error of a name look-up. */
export function lookupFailure(error: unknown, hostname: string): SendFailure {
	if (error instanceof SendFailure) return error;
	const code = codeOf(error);
	if (SHORTAGE.test(code)) return shortage(error, code);
	const isUnknown = code === "ENOTFOUND";
	const why = isUnknown ? "the name does not exist" : "the look-up failed";
	return new SendFailure("dns", `no address found for ${hostname}: ${why} (${code || "unknown error"})`, {
		cause: error,
		what: isUnknown ? "name_not_found" : "lookup_failed",
	});
}

/** Translates an error after the connection was open. `status` is that of the response, 0 if none has arrived. */
export function exchangeFailure(error: unknown, place: string, status: number): SendFailure {
	if (error instanceof SendFailure) return error;
	if (error instanceof InvalidResponse) {
		const { fault } = error;
		const what = fault === "too_large" || fault === "too_many" ? "response_headers_too_large" : "invalid_response";
		return new SendFailure("protocol", FAULTS[fault](place), { cause: error, what });
	}
	const code = codeOf(error);
	if (RESET.test(code)) {
		const when = status === 0 ? "before it responded" : "before its response was complete";
		const what = status === 0 ? "closed_before_response" : "closed_during_response";
		return new SendFailure("reset", `${place} closed the connection ${when}`, { cause: error, what });
	}
	if (SHORTAGE.test(code)) return shortage(error, code);
	if (code === "ETIMEDOUT") {
		return new SendFailure("timeout", `the connection to ${place} was lost`, { cause: error, what: "connection_lost" });
	}
	if (TLS.test(code)) return tlsFailure(error, code, place);
	const options = { cause: error, what: "invalid_response" } as const;
	return new SendFailure("protocol", NOT_HTTP(code || "unknown error")(place), options);
}

function shortage(cause: unknown, code: string): SendFailure {
	const why = SHORTAGE_CAUSES[code] ?? "this process could get no memory";
	return new SendFailure("shortage", `${why} (${code})`, { cause });
}

function tlsFailure(cause: unknown, code: string, place: string): SendFailure {
	const [why, what] = TLS_CAUSES[code] ?? [`TLS failed (${code})`, "tls_failed"];
	return new SendFailure("tls", `no TLS connection to ${place}: ${why}`, { cause, what });
}

/**
 * Of the errors of several addresses, the first that is not "no route": that is how every IPv6 address fails on a host
 * without IPv6. A lack of ports counts before "no route", since the address could be called with one.
 */
function mostTelling(error: unknown, lacksPort: LacksPort): unknown {
	const causes = causesOf(error);
	return causes.find((cause) => !UNREACHABLE.test(codeOf(cause))) ?? causes.find(lacksPort) ?? causes[0];
}

/** The errors of the addresses that were called. */
export function causesOf(error: unknown): readonly unknown[] {
	return error instanceof AggregateError ? (error.errors as unknown[]) : [error];
}

/** The code of a system error; empty if it has none. */
export function codeOf(error: unknown): string {
	return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** The address that could not be connected to; null if the error names none. */
export function failedAddress(error: unknown, lacksPort: LacksPort): string | null {
	return addressOf(mostTelling(error, lacksPort))?.ip ?? null;
}

/** The address that an error names. */
export function addressOf(
	error: unknown,
): { readonly ip: string; readonly port: number; readonly place: string } | null {
	if (!(error instanceof Error && "address" in error && "port" in error)) return null;
	const { address, port } = error;
	if (typeof address !== "string" || typeof port !== "number") return null;
	return { ip: address, port, place: address.includes(":") ? `[${address}]:${port}` : `${address}:${port}` };
}
