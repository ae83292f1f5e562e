// Keys as responses show them: without the key itself, of which the server has only a digest. Also the description of the caller.
import type { z } from "@hono/zod-openapi";

import { accessEndDate, sessionIdOf, type Principal } from "../../../core/access/principal.ts";
import type { ShownKey } from "../../../engine/key-calls.ts";
import type { callerSchema, keySchema } from "./schemas.ts";

export function presentKey(key: ShownKey): z.infer<typeof keySchema> {
	const { id, name, scope, projectId, hint, createDate, expireDate, lastUsedDate, secretOverlapUntil } = key;
	const dates = { createDate, expireDate, lastUsedDate, secretOverlapUntil };
	return { id, object: "key", name, scope, projectId, hint, ...dates };
}

/** The caller, authenticated by a key, the cookie of a session, or a customer's token. */
export function presentCaller(
	principal: Principal,
	portalSession: z.infer<typeof callerSchema>["portalSession"],
): z.infer<typeof callerSchema> {
	const end = accessEndDate(principal);
	const expireDate = end === Infinity ? null : end;
	if (principal.kind === "customer") {
		const { projectId, customerId } = principal;
		const capabilities = [...principal.capabilities];
		const none = { id: null, name: null, scope: null, sessionId: null };
		const ofCustomer = { customerId, capabilities, portalSession };
		return { object: "caller", kind: "customer", ...none, projectId, ...ofCustomer, expireDate };
	}
	const { id, name, scope, projectId } = principal.key;
	const sessionId = sessionIdOf(principal);
	const kind = sessionId === null ? "key" : "session";
	const none = { customerId: null, capabilities: null, portalSession: null };
	return { object: "caller", kind, id, name, scope, projectId, ...none, sessionId, expireDate };
}
