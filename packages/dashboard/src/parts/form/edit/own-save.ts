// A save that is refused because of itself: its answer was lost, so it was made again, and the second one named a revision that the first had changed.
import { ConflictError } from "@fanfare/sdk";

import { InDoubtError } from "../../feedback/doubt.ts";

interface OwnSave<Result> {
	readonly save: () => Promise<Result>;
	/** What is stored now, if that is what was sent; otherwise null. Rejects with an `InDoubtError` if that can't be known. */
	readonly stored: () => Promise<Result | null>;
}

/** Makes a save that names a revision. If it is refused for that, and what it sent is stored, it has been made. */
export async function saveOnce<Result>({ save, stored }: OwnSave<Result>): Promise<Result> {
	try {
		return await save();
	} catch (error) {
		if (!isOutdated(error)) throw error;
		const made = await stored().catch((failure: unknown) => {
			if (failure instanceof InDoubtError) throw failure;
			// The refusal says more than a failure to look.
			return null;
		});
		if (made === null) throw error;
		return made;
	}
}

/** Whether a save was refused since somebody has changed the thing after it was read. */
export function isOutdated(error: unknown): boolean {
	return error instanceof ConflictError && error.code === "revision_conflict";
}

/** Whether each field that was sent is stored so. */
export function isStored(stored: object, sent: object): boolean {
	const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(stored));
	return Object.entries(sent).every(([name, value]) => value === undefined || isSame(fields.get(name), value));
}

function isSame(stored: unknown, sent: unknown): boolean {
	if (stored === sent) return true;
	if (Array.isArray(sent)) return JSON.stringify(stored) === JSON.stringify(sent);
	if (!isObject(sent) || !isObject(stored)) return (stored ?? null) === (sent ?? null);
	return isStored(stored, sent);
}

function isObject(value: unknown): value is object {
	return typeof value === "object" && value !== null;
}
