// Finds the key that a request carries, and checks whether it may make the call.
import { isSecretKey, scopeAllows, type ApiKey } from "../../core/crypto/key.ts";
import { FanfareError } from "../../core/errors.ts";
import type { Engine } from "../../engine/calls.ts";
import { projectNotFound } from "./problem.ts";
import type { Access } from "./route.ts";

const BEARER = /^bearer +(\S+)$/i;

/**
 * The key that a request carries. Throws `missing_key` or `unknown_key`. `Secret-Key` takes precedence over
 * `Authorization`.
 */
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
		throw new FanfareError("unknown_key", "There is no such key. Check it for typing errors, or create a new key.");
	}
	return key;
}

/**
 * Throws unless `key` may make this call. `project_not_found`: the project does not exist or the key does not open it;
 * callers cannot tell the two apart. `insufficient_scope`: the key lacks the scope, or opens only one project where the
 * call needs the workspace.
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
			"This call needs a key of the whole workspace; this key opens only one project.",
		);
	}
	if (!scopeAllows(key.scope, access.scope)) {
		throw new FanfareError(
			"insufficient_scope",
			`This call needs a key with the scope ${access.scope}; this key has the scope ${key.scope}.`,
		);
	}
}
