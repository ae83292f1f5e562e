// Calls whose answer was lost: nobody knows whether they were done. A call that makes something is not simply made again then.
import { ApiError, ConnectionError, ServiceUnavailableError, UnexpectedResponseError } from "@fanfare/sdk";
import type { LinkProps } from "@tanstack/react-router";

const LEAST_SERVER_ERROR = 500;

/** What is said if the answer of a call that makes something was lost: making it again could make it twice. */
export interface Doubt {
	/** Such as `It is not known whether the replay was started`. */
	readonly what: string;
	/** Where to look, and what to do then. */
	readonly advice: string;
	/** Leads to where it shows. */
	readonly look?: { readonly text: string; readonly link: Pick<LinkProps, "to" | "params" | "search"> };
}

/** Of a call that was made again and has ended: it is still not known whether all of it was done. */
export class InDoubtError extends Error {
	override readonly name = "InDoubtError";
	readonly doubt: Doubt;

	constructor(message: string, doubt: Doubt) {
		super(message);
		this.doubt = doubt;
	}
}

/** Whether a call that has failed may have been done all the same. */
export function isInDoubt(error: unknown): boolean {
	if (error instanceof ConnectionError || error instanceof UnexpectedResponseError) return true;
	// With Retry-After, the server has not begun.
	if (error instanceof ServiceUnavailableError) return error.retryAfterMs === null;
	return error instanceof ApiError && error.status >= LEAST_SERVER_ERROR;
}
