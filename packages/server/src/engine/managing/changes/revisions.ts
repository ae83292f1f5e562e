// Changes that compare revisions: made again if somebody else was faster, refused if the caller has named a revision.
import { FanfareError } from "../../../core/errors.ts";

/** Says that the store has another revision than the directory: another process has changed the record. */
export const UNCHANGED = Symbol("the store has a newer revision");

/** Each try is one refresh and one write; losing this often in a row means that somebody changes it all the time. */
const MAX_TRIES = 10;

/**
 * Makes a change. While it returns `UNCHANGED`, refreshes the directory and makes the change again on what others have
 * written. Throws `revision_conflict` after ten tries.
 */
export async function retried<T>(
	attempt: () => Promise<T | typeof UNCHANGED>,
	refresh: () => Promise<void>,
): Promise<T> {
	for (let tries = 0; tries < MAX_TRIES; tries++) {
		const result = await attempt();
		if (result !== UNCHANGED) return result;
		await refresh();
	}
	throw new FanfareError("revision_conflict", "Others change this object all the time. Try again a little later.");
}

/** The refusal of a change that was made on an older revision. */
export function revisionConflict(noun: string, revision: number): FanfareError {
	return new FanfareError(
		"revision_conflict",
		`The ${noun} has been changed by somebody else: its revision is ${revision} now. Get it, and make your change again.`,
		{ issues: [{ path: "revision", message: `must be ${revision}, the revision of the ${noun} now` }] },
	);
}
