// Completes audit entries: the caller of a change knows who made it, the engine knows what was changed.
import type { AuditDraft, AuditEntry } from "../../../core/access/audit.ts";
import { idTime } from "../../../core/ids.ts";
import type { EngineParts } from "../../parts.ts";

/**
 * The audit entry of a change that is about to be made; null if the change leaves none. The store writes it together
 * with the change.
 */
export function auditEntry(
	{ clock, ids }: Pick<EngineParts, "clock" | "ids">,
	draft: AuditDraft | null,
	object: Pick<AuditEntry, "objectId" | "projectId">,
): AuditEntry | null {
	if (draft === null) return null;
	const id = ids.make("aud", clock.now());
	return { ...draft, ...object, id, at: idTime(id) };
}
