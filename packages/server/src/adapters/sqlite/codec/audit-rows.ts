// The audit log.
import type { AuditEntry } from "../../../core/access/audit.ts";
import { id, json, orNull, record, text, timeOfId } from "./columns.ts";

/** A row of `audit_entries`. */
export const AUDIT_ENTRY = record<AuditEntry>({
	id: id("id", "aud"),
	at: timeOfId,
	keyId: orNull(id("key_id", "key")),
	actor: orNull(text("actor")),
	customerId: orNull(text("customer_id")),
	sessionId: orNull(id("session_id", "session")),
	portalSessionId: orNull(id("portal_session_id", "portal")),
	projectId: orNull(id("project_id", "proj")),
	action: text("action"),
	objectId: text("object_id"),
	fields: json("fields"),
	requestId: orNull(text("request_id")),
});
