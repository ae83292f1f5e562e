// Describes why a request got no response: in Node the details are in the `cause` of the error, on other platforms in its message.

/** What OpenSSL writes: library, function, reason, and the line of its source. Only the reason says something. */
const OPENSSL = /^.*\berror:[0-9A-F]{8}:[^:]*:[^:]*:([^:]+):.*$/is;
const NOT_TLS =
	/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|wrong version number|packet length too long|UnexpectedMessage/i;
const REFUSED = /ECONNREFUSED|connection ?refused/i;

/**
 * One or two sentences, with what to do if that is known. `endpoint` is that of the client.
 *
 * @example
 * connectionProblem(error, "http://127.0.0.1:8787");
 * // ECONNREFUSED (connect ECONNREFUSED 127.0.0.1:8787). Is Fanfare running at http://127.0.0.1:8787?
 */
export function connectionProblem(error: unknown, endpoint: string): string {
	const problem = described(error);
	if (REFUSED.test(problem)) return `${problem}. Is Fanfare running at ${endpoint}?`;
	if (!NOT_TLS.test(problem)) return `${problem}.`;
	return `the server at ${endpoint} does not speak TLS. If Fanfare listens there without a proxy, begin the endpoint with http:// instead of https://.`;
}

function described(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const { cause } = error;
	if (!(cause instanceof Error)) return error.message;
	// The cause's message is empty if all of several addresses refused the connection, and for some network errors of
	// Node's fetch.
	const text = cause.message === "" ? error.message : cause.message;
	const [, reason] = OPENSSL.exec(text) ?? [];
	const message = (reason === undefined ? text : `TLS: ${reason}`).replace(/\s+/g, " ").trim();
	const { code } = cause as { readonly code?: string | number };
	// Some errors of Node's fetch have a code that is undefined.
	return code === undefined ? message : `${code} (${message})`;
}
