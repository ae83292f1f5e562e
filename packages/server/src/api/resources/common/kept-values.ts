// What an object may keep although no new one may have it: names and filters that were stored when the rules allowed more.
import type { z } from "@hono/zod-openapi";

import { FanfareError, invalidRequest } from "../../../core/errors.ts";
import { cutName, validateOrError } from "../../request/body/validate.ts";

/**
 * Checks the changes of an object by rules that are stricter than those of its body. A value that is stored already may stay, so that
 * whoever sends an object back with one field changed is not refused for the others. `stored` is asked only if something breaks the rules;
 * if there is no such object, all of it is new.
 *
 * @throws FanfareError `invalid_request` with an issue for each value that is new and breaks the rules.
 */
export async function checkNewValues<T>(
	rules: z.ZodType,
	changes: unknown,
	stored: () => T | Promise<T>,
	isKept: (path: string, object: T) => boolean,
): Promise<void> {
	const refusal: unknown = validateOrError(rules, changes, "");
	if (!(refusal instanceof FanfareError)) return;
	const object = await readOrThrow(stored, refusal);
	const left = refusal.issues.filter(({ path }) => !isKept(path, object));
	if (left.length > 0) throw invalidRequest(left);
}

/** Whether all names of new metadata that an issue can be about, whose path has a long name cut, are names of what is stored. */
export function keepsNames(cut: string, given: object | null | undefined, stored: object): boolean {
	const named = Object.keys(given ?? {}).filter((name) => cutName(name) === cut);
	return named.length > 0 && named.every((name) => Object.hasOwn(stored, name));
}

/** Whether an issue is about an entry of a new list of event types that is in the stored one, too. `prefix` is the path of the list, with a full stop. */
export function keepsEventType(
	path: string,
	prefix: string,
	given: readonly string[] | null | undefined,
	stored: readonly string[] | null,
): boolean {
	if (!path.startsWith(prefix)) return false;
	const entry = given?.[Number(path.slice(prefix.length))];
	return entry !== undefined && stored?.includes(entry) === true;
}

async function readOrThrow<T>(stored: () => T | Promise<T>, otherwise: FanfareError): Promise<T> {
	try {
		return await stored();
	} catch (error) {
		throw error instanceof FanfareError && error.kind === "not_found" ? otherwise : error;
	}
}
