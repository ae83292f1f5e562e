// Between rows of the audit log and the domain.
import type { AuditEntry } from "../../../core/audit.ts";
import { idText, idTime } from "./ids.ts";
import { bytes, bytesOrNull, names, text, textOrNull, type Row } from "./rows.ts";

export function toAuditEntry(row: Row): AuditEntry {
	const id = bytes(row["id"]);
	const keyId = bytesOrNull(row["key_id"]);
	const projectId = bytesOrNull(row["project_id"]);
	return {
		id: idText("aud", id),
		at: idTime(id),
		keyId: keyId === null ? null : idText("key", keyId),
		projectId: projectId === null ? null : idText("proj", projectId),
		action: text(row["action"]),
		objectId: text(row["object_id"]),
		fields: names(row["fields"]),
		requestId: textOrNull(row["request_id"]),
	};
}
