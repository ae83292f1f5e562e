// Why attempts fail, each in some words. docs/causes.md has the likely reason and the cure of each.
import type { AttemptCause } from "@fanfare/sdk";

/** Every cause that the server names, in the order in which a request meets them. */
export const CAUSES: Readonly<Record<AttemptCause, string>> = {
	name_not_found: "host does not exist",
	lookup_failed: "host's name could not be looked up",
	lookup_timeout: "look-up of the name timed out",
	blocked_address: "address is not public",
	refused: "connection refused",
	unreachable: "host cannot be reached",
	proxy_failed: "proxy failed",
	connect_timeout: "connecting timed out",
	closed_while_connecting: "closed while connecting",
	tls_timeout: "TLS handshake timed out",
	tls_failed: "TLS failed",
	not_tls: "receiver does not speak TLS",
	certificate_expired: "certificate has expired",
	certificate_not_yet_valid: "certificate is not valid yet",
	certificate_name_mismatch: "certificate is for another host",
	certificate_self_signed: "certificate is self-signed",
	certificate_untrusted: "certificate's issuer is not known",
	closed_before_response: "closed without a response",
	response_timeout: "no response in time",
	headers_timeout: "response's headers timed out",
	body_timeout: "response's body timed out",
	closed_during_response: "response broke off",
	connection_lost: "connection lost",
	timed_out: "timed out",
	invalid_response: "response is not HTTP",
	response_headers_too_large: "response's headers are too large",
	unexpected_bytes: "more bytes than the response",
	invalid_request: "request cannot be sent",
	status_3xx: "redirects",
	status_401: "401 credentials",
	status_403: "403 forbidden",
	status_404: "404 not found",
	status_410: "410 gone",
	status_413: "413 too large",
	status_429: "429 too many requests",
	status_4xx_other: "another 4xx",
	status_5xx: "5xx server error",
	status_other: "unknown status",
};

/** A cause in words. One that this page does not know yet is shown as the server names it. */
export function causeWords(cause: string): string {
	return (CAUSES as Readonly<Record<string, string>>)[cause] ?? cause;
}
