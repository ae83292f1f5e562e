// Finds out who makes a request, and checks whether they may make the call.
import { scopeAllows } from "../../core/access/key.ts";
import { looksLikePortalToken } from "../../core/access/portal-session.ts";
import {
	customerScope,
	notForCustomers,
	projectScope,
	type CustomerPrincipal,
	type Principal,
	type Scope,
} from "../../core/access/principal.ts";
import { FanfareError, processOutdated } from "../../core/errors.ts";
import type { Engine } from "../../engine/calls.ts";
import type { AppDeps } from "../deps.ts";
import { projectNotFound } from "./problem.ts";
import type { Access } from "./route.ts";
import { isFromPage, PAGE_HEADER, type SessionCookie } from "./session-cookie.ts";

const SESSION_ERRORS: ReadonlySet<string> = new Set(["unknown_portal_session", "unknown_session"]);
/** What is needed to find out who makes a request. */
export type AuthDeps = Pick<AppDeps, "authenticate" | "engine" | "isCurrent" | "sessionCookie">;

const BEARER = /^bearer +(\S+)$/i;

/**
 * Who makes a request: the owner of the key or token that it carries or, if it carries none, who has signed in to the page. Throws
 * `missing_key`, `unknown_key`, `unknown_portal_session` or `unknown_session`, and `store_unavailable` if this process can't tell. `Secret-Key`
 * takes precedence over `Authorization`.
 */
export function authenticate(
	{ authenticate: find, engine, isCurrent, sessionCookie }: AuthDeps,
	header: (name: string) => string | undefined,
): Principal {
	if (!isCurrent()) throw processOutdated();
	const written = writtenKey(header);
	if (written === undefined) return signedIn(engine, sessionCookie, header);
	const principal = find(written);
	if (principal === null && looksLikePortalToken(written)) {
		throw new FanfareError(
			"unknown_portal_session",
			"This portal session has ended, or there never was one with this token. Ask the product that led you here for a new one.",
		);
	}
	if (principal === null) {
		throw new FanfareError("unknown_key", "There is no such key. Check it for typing errors, or create a new key.");
	}
	return principal;
}

/** The same, also for somebody whose session has begun in another process just now: that may have to be read first. */
export function recognize(
	deps: AuthDeps,
	header: (name: string) => string | undefined,
): Principal | Promise<Principal> {
	try {
		return authenticate(deps, header);
	} catch (error) {
		if (!(error instanceof FanfareError) || !SESSION_ERRORS.has(error.code)) throw error;
		return deps.engine.sessions.catchUp().then(() => authenticate(deps, header));
	}
}

/** The key or token that a request carries, as it is written there. */
export function writtenKey(header: (name: string) => string | undefined): string | undefined {
	return header("secret-key")?.trim() || BEARER.exec(header("authorization") ?? "")?.[1];
}

/** Who makes a request without a key: somebody who has signed in to the page. */
function signedIn(
	{ sessions }: Pick<Engine, "sessions">,
	cookie: SessionCookie,
	header: (name: string) => string | undefined,
): Principal {
	const token = isFromPage(header) ? cookie.read(header("cookie")) : null;
	if (token === null) {
		throw new FanfareError(
			"missing_key",
			"This call needs a key. Send it in the header Secret-Key, or as Authorization: Bearer <key>. " +
				`A session's cookie counts only together with the header ${PAGE_HEADER}: 1.`,
		);
	}
	const principal = sessions.authenticate(token);
	if (principal === null) throw new FanfareError("unknown_session", "This session has ended. Sign in again.");
	return principal;
}

/**
 * The scope of a call: the project that its path names, or null if it names none. Throws unless the principal may make the
 * call. `project_not_found`: the project does not exist or the key does not open it; callers cannot tell the two apart. `insufficient_scope`: the key lacks the scope, or opens only one project where the
 * call needs the workspace.
 */
export function authorize(
	engine: Engine,
	principal: Principal,
	access: NonNullable<Access>,
	projectId: string | undefined,
): Scope | null {
	if (principal.kind === "customer") return authorizeCustomer(engine, principal, access, projectId);
	const { key } = principal;
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

/** The same for somebody who acts for a customer: they see their own project only, and of it what belongs to the customer. */
function authorizeCustomer(
	engine: Engine,
	{ capabilities, customerId, ...principal }: CustomerPrincipal,
	{ customers }: NonNullable<Access>,
	projectId: string | undefined,
): Scope | null {
	if (projectId !== undefined) {
		if (projectId !== principal.projectId) throw projectNotFound();
		engine.projects.get(projectScope(projectId));
	}
	if (customers === null) throw notForCustomers();
	if (customers !== "read" && !capabilities.includes(customers)) {
		throw new FanfareError("insufficient_scope", `This call needs a token with the capability ${customers}.`);
	}
	return projectId === undefined ? null : customerScope(projectId, customerId);
}
