// Why an attempt failed, in the port's terms. Errors of sockets, TLS and undici are translated here and nowhere else.
import { errors } from "undici";

import type { AttemptError } from "../../ports/sender.ts";

/** The failure of an attempt. Its message becomes the attempt's `reason`: no headers, secrets, paths or queries. */
export class SendFailure extends Error {
	override readonly name = "SendFailure";
	readonly code: AttemptError;

	constructor(code: AttemptError, reason: string, options?: ErrorOptions) {
		super(reason, options);
		this.code = code;
	}
}

const UNREACHABLE = /^(EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL|EACCES|EPERM|EINVAL|EAFNOSUPPORT)$/;
const RESET = /^(ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET)$/;
const TLS =
	/^(EPROTO$|ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERROR_IN_|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH_)/;

/** Explanations of common causes. Other causes are reported by their code. */
const TLS_CAUSES: Readonly<Record<string, string>> = {
	ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another name",
	CERT_HAS_EXPIRED: "the certificate has expired",
	CERT_NOT_YET_VALID: "the certificate is not valid yet",
	DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is self-signed",
	SELF_SIGNED_CERT_IN_CHAIN: "the certificate's issuer is not trusted",
	UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the certificate's issuer is not trusted",
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate chain is incomplete",
	ERR_SSL_WRONG_VERSION_NUMBER: "the response was not TLS; does this port speak plain http?",
	ERR_SSL_PACKET_LENGTH_TOO_LONG: "the response was not TLS; does this port speak plain http?",
};

/** Undici's messages for responses that it refuses. It has no codes for these. */
const REFUSED_RESPONSES: Readonly<Record<string, string>> = {
	"bad response": "it sent 100 Continue or a response without a request",
	"bad upgrade": "it switched to another protocol",
};

/** Codes of undici's parser that do not describe the problem. */
const PARSER_CODES: Readonly<Record<string, string>> = {
	ERR_ASSERTION: "its status is not allowed here",
	// Undici uses this code for any problem in the status line or headers if there is a content-length.
	UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "its headers are not valid",
};

/** Translates an error while connecting. `place` is `host:port`. */
export function connectFailure(error: unknown, place: string): SendFailure {
	if (error instanceof SendFailure) return error;
	const cause = mostTelling(error);
	const code = codeOf(cause);
	const at = addressOf(cause) ?? place;
	if (code === "ECONNREFUSED") return new SendFailure("refused", `connection refused by ${at}`, { cause });
	if (code === "ETIMEDOUT") return new SendFailure("timeout", `${at} did not accept a connection in time`, { cause });
	if (RESET.test(code)) {
		return new SendFailure("reset", `the connection to ${at} was closed while it was being set up`, { cause });
	}
	if (TLS.test(code)) return tlsFailure(cause, code, place);
	if (UNREACHABLE.test(code)) return new SendFailure("unreachable", `${at} cannot be reached (${code})`, { cause });
	return new SendFailure("unreachable", `no connection to ${at} (${code || "unknown error"})`, { cause });
}

/** Translates an error of a name look-up. */
export function lookupFailure(error: unknown, hostname: string): SendFailure {
	if (error instanceof SendFailure) return error;
	const code = codeOf(error);
	const why = code === "ENOTFOUND" ? "the name does not exist" : "the look-up failed";
	return new SendFailure("dns", `no address found for ${hostname}: ${why} (${code || "unknown error"})`, {
		cause: error,
	});
}

/** Translates an error after the connection was open. `status` is that of the response, 0 if none has arrived. */
export function exchangeFailure(error: unknown, place: string, status: number): SendFailure {
	if (error instanceof SendFailure) return error;
	const code = codeOf(error);
	const message = error instanceof Error ? error.message : "";
	const refused = code === "UND_ERR_SOCKET" ? REFUSED_RESPONSES[message] : undefined;
	if (refused !== undefined) {
		return new SendFailure("protocol", `the response of ${place} cannot be used: ${refused}`, { cause: error });
	}
	if (RESET.test(code) || (isCutShort(error, code) && status !== 0)) {
		const when = status === 0 ? "before it responded" : "before its response was complete";
		return new SendFailure("reset", `${place} closed the connection ${when}`, { cause: error });
	}
	if (code === "ETIMEDOUT") return new SendFailure("timeout", `the connection to ${place} was lost`, { cause: error });
	if (TLS.test(code)) return tlsFailure(error, code, place);
	if (code === "UND_ERR_INVALID_ARG" || code === "UND_ERR_NOT_SUPPORTED") {
		// Undici's message contains the header's name, never its value.
		return new SendFailure("protocol", `the request cannot be sent: ${message}`, { cause: error });
	}
	if (code === "UND_ERR_HEADERS_OVERFLOW") {
		return new SendFailure("protocol", `the response headers of ${place} are longer than 16 KiB`, { cause: error });
	}
	const why = error instanceof errors.HTTPParserError ? message : (PARSER_CODES[code] ?? (code || "unknown error"));
	return new SendFailure("protocol", `the response of ${place} is not valid HTTP: ${why}`, { cause: error });
}

/**
 * True if the only problem is that the response ended early. Undici's parser has no code for it, but no data left to
 * parse.
 */
function isCutShort(error: unknown, code: string): boolean {
	if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return true;
	return error instanceof errors.HTTPParserError && "data" in error && error.data === "";
}

function tlsFailure(cause: unknown, code: string, place: string): SendFailure {
	return new SendFailure("tls", `no TLS connection to ${place}: ${TLS_CAUSES[code] ?? `TLS failed (${code})`}`, {
		cause,
	});
}

/**
 * Of the errors of several addresses, the first that is not "no route": that is how every IPv6 address fails on a host
 * without IPv6.
 */
function mostTelling(error: unknown): unknown {
	if (!(error instanceof AggregateError)) return error;
	const causes: unknown[] = error.errors;
	return causes.find((cause) => !UNREACHABLE.test(codeOf(cause))) ?? causes[0];
}

function codeOf(error: unknown): string {
	return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

function addressOf(error: unknown): string | null {
	if (!(error instanceof Error && "address" in error && "port" in error)) return null;
	const { address, port } = error;
	if (typeof address !== "string" || typeof port !== "number") return null;
	return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
