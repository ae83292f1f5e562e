// The server's objections, each beside the field that it is about.
import { BadRequestError } from "@fanfare/sdk";

/** The message about a field, such as `spec.endpoint`, or about a part of it; undefined if there is none. */
export function issueOf(error: unknown, path: string): string | undefined {
	if (!(error instanceof BadRequestError)) return undefined;
	return error.issues.find((issue) => issue.path === path || issue.path.startsWith(`${path}.`))?.message;
}

/** Whether one of the fields shows the error, so that it need not be repeated elsewhere. */
export function isShownBy(error: unknown, paths: readonly string[]): boolean {
	if (!(error instanceof BadRequestError) || error.issues.length === 0) return false;
	return error.issues.every(({ path }) => paths.some((known) => path === known || path.startsWith(`${known}.`)));
}
