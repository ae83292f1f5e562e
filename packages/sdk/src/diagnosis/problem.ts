// What can be wrong with a request that was received.

/** The kinds of problems that a request can have. */
export type DiagnosisCode =
	/** A header of the signature is missing. */
	| "missing_header"
	/** `webhook-id` or `webhook-timestamp` came several times. */
	| "repeated_header"
	/** `webhook-timestamp` is not a number of seconds. */
	| "bad_timestamp"
	/** The request was signed longer ago than is allowed. */
	| "too_old"
	/** The request was signed in the future: a clock is wrong. */
	| "too_new"
	/** `webhook-signature` has no signature in the form of scheme v1. */
	| "bad_signature_form"
	/** The body is not the one that was signed; the message says what has happened to it, if that can be told. */
	| "body_changed"
	/** The signature is that of another `webhook-id`, or the request is not the one that was expected. */
	| "id_changed"
	/** The signature is that of another `webhook-timestamp`. */
	| "timestamp_changed"
	/** The sender has signed with the text of the secret instead of its bytes. */
	| "secret_not_decoded"
	/** No signature fits, and no usual change of the request explains it. */
	| "no_matching_signature"
	/** The signature fits, but the body is not a JSON object. */
	| "invalid_body";

/** Something that is wrong with a request. */
export interface DiagnosisProblem {
	/** For programs. */
	readonly code: DiagnosisCode;
	/** For people: what is wrong, and where it usually comes from. Has no secret, but may quote headers. */
	readonly message: string;
}
