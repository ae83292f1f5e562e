// Portal sessions as requests describe and as responses show them: without the token, of which the server has only a digest.
import type { z } from "@hono/zod-openapi";

import {
	canonicalLocale,
	canonicalReturnUrl,
	PORTAL_SESSION_MS,
	type NewPortalSession,
	type PortalSession,
} from "../../../core/access/portal-session.ts";
import type { PortalTheme } from "../../../core/access/portal-theme.ts";
import { CAPABILITIES, customerScope, type Principal } from "../../../core/access/principal.ts";
import type { ApiDeps } from "../../deps.ts";
import type { createPortalSessionSchema, portalSessionSchema } from "./schemas.ts";

type Body = z.infer<typeof createPortalSessionSchema>;

/** A session as its schema has accepted it. */
export function newPortalSession(body: Body, keyId: string | null): NewPortalSession {
	const { customerId, capabilities, expiresInMs, returnUrl, theme, locale, actor } = body;
	return {
		customerId,
		keyId,
		capabilities: CAPABILITIES.filter((capability) => capabilities?.includes(capability) === true),
		expiresInMs: expiresInMs ?? PORTAL_SESSION_MS.byDefault,
		returnUrl: returnUrl === undefined || returnUrl === null ? null : canonicalReturnUrl(returnUrl),
		theme: newTheme(theme ?? {}),
		locale: locale === undefined || locale === null ? null : canonicalLocale(locale),
		actor: actor ?? null,
	};
}

/** Null if no value is set. */
function newTheme(given: NonNullable<Body["theme"]>): PortalTheme | null {
	const { accent = null, background = null, radius = null, font = null, scheme = null } = given;
	const theme = { accent, background, radius, font, scheme };
	return Object.values(theme).every((value) => value === null) ? null : theme;
}

export function presentPortalSession(session: PortalSession): z.infer<typeof portalSessionSchema> {
	const { id, projectId, customerId, keyId, capabilities, actor, returnUrl, theme, locale } = session;
	const { createDate, expireDate } = session;
	const owner = { id, object: "portalSession" as const, projectId, customerId, keyId };
	const settings = { capabilities: [...capabilities], actor, returnUrl, theme, locale };
	return { ...owner, ...settings, createDate, expireDate };
}

/** What the portal needs to know of the session that it makes a call with; null for calls made otherwise. */
export async function portalSessionOf({ engine, store }: Pick<ApiDeps, "engine" | "store">, caller: Principal) {
	if (caller.kind !== "customer") return null;
	const scope = customerScope(caller.projectId, caller.customerId);
	const { id, actor, returnUrl, theme, locale } = await engine.portalSessions.get(scope, caller.portalSessionId);
	const customerName = (await store.customer(scope))?.name ?? null;
	return { id, customerName, actor, returnUrl, theme, locale };
}
