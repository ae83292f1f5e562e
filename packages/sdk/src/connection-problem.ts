// Describes why a request got no response: in Node the details are in the `cause` of the error, on other platforms in its message.
import { ConnectionError, TimeoutError } from "./errors.ts";

/** What OpenSSL writes: library, function, reason, and the line of its source. Only the reason says something. */
const OPENSSL = /^.*\berror:[0-9A-F]{8}:[^:]*:[^:]*:([^:]+):.*$/is;
const NOT_TLS =
	/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|wrong version number|packet length too long|UnexpectedMessage/i;
const REFUSED = /ECONNREFUSED|connection ?refused/i;
/** What a cut is called: by the system, and by Node. */
const CUT = /ECONNRESET|EPIPE|UND_ERR_SOCKET|other side closed|terminated/i;
const UNKNOWN_NAME = /ENOTFOUND|EAI_AGAIN/;

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

/**
 * Why a connection that stood is lost, as a sentence for people who are told that it is tried again. `endpoint` is that of the client.
 *
 * @example
 * lossReason(error, "http://127.0.0.1:8787"); // Nothing listens at http://127.0.0.1:8787.
 */
export function lossReason(error: unknown, endpoint: string): string {
	if (!(error instanceof ConnectionError)) return error instanceof Error ? error.message : String(error);
	if (error instanceof TimeoutError) return "The server was silent for too long.";
	if (error.cause === undefined) return "The server ended the connection.";
	const problem = described(error.cause);
	if (REFUSED.test(problem)) return `Nothing listens at ${endpoint}.`;
	if (UNKNOWN_NAME.test(problem)) return `The name of ${endpoint} is not found.`;
	return CUT.test(problem) ? "The connection was cut off." : `${problem}.`;
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
