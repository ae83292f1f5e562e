// Audit entries as responses show them.
import type { z } from "@hono/zod-openapi";

import type { AuditEntry } from "../../../core/access/audit.ts";
import type { AuditPage } from "../../../ports/store/audit.ts";
import type { auditEntrySchema } from "./schemas.ts";

export function presentAuditEntry(
	entry: AuditEntry,
	{ keyNames, objectNames }: Pick<AuditPage, "keyNames" | "objectNames">,
): z.infer<typeof auditEntrySchema> {
	const { id, at, keyId, sessionId, customerId, portalSessionId, actor } = entry;
	const { projectId, action, objectId, fields, requestId } = entry;
	const object = "auditEntry";
	const customer = { ...(customerId !== null && { customerId }), ...(portalSessionId !== null && { portalSessionId }) };
	const caller = { keyId, ...(sessionId !== null && { sessionId }), ...customer, actor };
	const keyName = keyId === null ? null : (keyNames.get(keyId) ?? null);
	const named = { keyName, objectName: objectNames.get(id) ?? null };
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
