// What a test prints of an answer that it did not expect, so that also a failure that happens once can be explained.
import { inspect } from "node:util";

import type { RequestLine } from "../../ports/log.ts";

/** Characters of the body, and of the cause. */
const MAX_LENGTH = 2_000;

/**
 * The status of an answer, how long it took, and its body. Of a 5xx, also what only the log says: the error behind it.
 *
 * @example
 * const shown = shownAnswer(api, answer);
 * expect([answer.status, shown]).toEqual([200, shown]);
 */
export function shownAnswer(
	{ lines }: { readonly lines: readonly RequestLine[] },
	{ status, headers, text }: { readonly status: number; readonly headers: Headers; readonly text: string },
): string {
	const line = lines.findLast(({ requestId }) => requestId === headers.get("x-request-id"));
	const took = line === undefined ? "" : ` after ${Math.round(line.durationMs)} ms`;
	const cause = line === undefined || line.cause === null ? "" : `\ncaused by ${cut(inspect(line.cause))}`;
	return `answered ${status}${took}: ${cut(text)}${cause}`;
}

function cut(text: string): string {
	return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}… (${text.length} characters)` : text;
}
