// Finds out who makes a request, and checks whether they may make the call.
import { isSecretKey, scopeAllows } from "../../core/access/key.ts";
import { projectScope, type Principal, type Scope } from "../../core/access/principal.ts";
import { FanfareError } from "../../core/errors.ts";
import type { Engine } from "../../engine/calls.ts";
import { projectNotFound } from "./problem.ts";
import type { Access } from "./route.ts";

const BEARER = /^bearer +(\S+)$/i;

/**
 * Who makes a request: the owner of the key that it carries. Throws `missing_key` or `unknown_key`. `Secret-Key` takes precedence over
 * `Authorization`.
 */
export function authenticate(keys: Engine["keys"], header: (name: string) => string | undefined): Principal {
	const written = header("secret-key")?.trim() || BEARER.exec(header("authorization") ?? "")?.[1];
	if (written === undefined) {
		throw new FanfareError(
			"missing_key",
			"This call needs a key. Send it in the header Secret-Key, or as Authorization: Bearer <key>.",
		);
	}
	const principal = isSecretKey(written) ? keys.authenticate(written) : null;
	if (principal === null) {
		throw new FanfareError("unknown_key", "There is no such key. Check it for typing errors, or create a new key.");
	}
	return principal;
}

/**
 * The scope of a call: the project that its path names, or null if it names none. Throws unless the principal may make the
 * call. `project_not_found`: the project does not exist or the key does not open it; callers cannot tell the two apart. `insufficient_scope`: the key lacks the scope, or opens only one project where the
 * call needs the workspace.
 */
export function authorize(
	engine: Engine,
	{ key }: Principal,
	access: NonNullable<Access>,
	projectId: string | undefined,
): Scope | null {
	const scope = projectId === undefined ? null : projectScope(projectId);
	if (scope !== null) {
		if (key.projectId !== null && key.projectId !== projectId) throw projectNotFound();
		engine.projects.get(scope);
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
	return scope;
}
