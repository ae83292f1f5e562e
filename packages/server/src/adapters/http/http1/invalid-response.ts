// Why the bytes of a receiver are no response that can be used.

/**
 * - not_http: they do not begin like a response.
 * - status: the status is below 100, or 101 without a protocol to switch to.
 * - upgrade: the receiver has switched to another protocol.
 * - header: a line of the head or the trailers is not a header.
 * - length: the head does not say clearly where the body ends.
 * - too_large, too_many: see the limits of `HeadParser`.
 * - chunk: a chunk's size or end is not valid.
 * - out_of_turn: they came while no request was waiting for a response.
 */
export type Fault =
	| "not_http"
	| "status"
	| "upgrade"
	| "header"
	| "length"
	| "too_large"
	| "too_many"
	| "chunk"
	| "out_of_turn";

/** Thrown by the parser: the connection cannot be used any more. */
export class InvalidResponse extends Error {
	override readonly name = "InvalidResponse";
	readonly fault: Fault;

	constructor(fault: Fault) {
		super(fault);
		this.fault = fault;
	}
}
