// Who calls, and whether they may.
import { isSecretKey, scopeAllows, type ApiKey } from "../../core/crypto/key.ts";
import { FanfareError } from "../../core/errors.ts";
import type { Engine } from "../../engine/calls.ts";
import { projectNotFound } from "./problem.ts";
import type { Access } from "./route.ts";

const BEARER = /^bearer +(\S+)$/i;

/** The key that a request carries; throws `missing_key` or `unknown_key`. `Secret-Key` counts before `Authorization`. */
export function authenticate(keys: Engine["keys"], header: (name: string) => string | undefined): ApiKey {
	const written = header("secret-key")?.trim() || BEARER.exec(header("authorization") ?? "")?.[1];
	if (written === undefined) {
		throw new FanfareError(
			"missing_key",
			"This call needs a key. Send it in the header Secret-Key, or as Authorization: Bearer <key>.",
		);
	}
	const key = isSecretKey(written) ? keys.authenticate(written) : null;
	if (key === null) {
		throw new FanfareError("unknown_key", "There is no such key. Check for a typing error, or make a new key.");
	}
	return key;
}

/**
 * Throws unless `key` may make this call: `project_not_found` for a project that it doesn't open (or that does not exist,
 * which looks the same), then `insufficient_scope`.
 */
export function authorize(
	engine: Engine,
	key: ApiKey,
	access: NonNullable<Access>,
	projectId: string | undefined,
): void {
	if (projectId !== undefined) {
		if (key.projectId !== null && key.projectId !== projectId) throw projectNotFound();
		engine.projects.get(projectId);
	}
	if (access.wholeWorkspace && key.projectId !== null) {
		throw new FanfareError(
			"insufficient_scope",
			"This call needs a key of the whole workspace; this key opens one project only.",
		);
	}
	if (!scopeAllows(key.scope, access.scope)) {
		throw new FanfareError(
			"insufficient_scope",
			`This call needs a key with the scope ${access.scope}; this key has ${key.scope}.`,
		);
	}
}
