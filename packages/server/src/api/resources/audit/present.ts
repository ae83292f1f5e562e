// Audit entries as responses show them.
import type { z } from "@hono/zod-openapi";

import type { AuditEntry } from "../../../core/access/audit.ts";
import type { auditEntrySchema } from "./schemas.ts";

/** `names` has what keys, webhooks and projects are called now. */
export function presentAuditEntry(
	entry: AuditEntry,
	names: ReadonlyMap<string, string>,
): z.infer<typeof auditEntrySchema> {
	const { id, at, keyId, sessionId, customerId, portalSessionId, actor } = entry;
	const { projectId, action, objectId, fields, requestId } = entry;
	const object = "auditEntry";
	const customer = { ...(customerId !== null && { customerId }), ...(portalSessionId !== null && { portalSessionId }) };
	const caller = { keyId, ...(sessionId !== null && { sessionId }), ...customer, actor };
	const keyName = keyId === null ? null : (names.get(keyId) ?? null);
	const named = { keyName, objectName: names.get(objectId) ?? null };
	return {
		id,
		object,
		createDate: at,
		...caller,
		projectId,
		action,
		objectId,
		fields: [...fields],
		requestId,
		...named,
	};
}
