// Audit entries as responses show them.
import type { z } from "@hono/zod-openapi";

import type { AuditEntry } from "../../../core/access/audit.ts";
import type { auditEntrySchema } from "./schemas.ts";

export function presentAuditEntry(entry: AuditEntry): z.infer<typeof auditEntrySchema> {
	const { id, at, keyId, projectId, action, objectId, fields, requestId } = entry;
	const object = "auditEntry";
	return { id, object, createDate: at, keyId, projectId, action, objectId, fields: [...fields], requestId };
}
