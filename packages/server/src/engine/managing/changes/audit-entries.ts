// Completes audit entries: the caller of a change knows who made it, the engine knows what was changed.
import type { AuditDraft, AuditEntry } from "../../../core/access/audit.ts";
import { idTime } from "../../../core/ids.ts";
import type { EngineParts } from "../../parts.ts";

/**
 * The audit entry of a change that is about to be made; null if the change leaves none. The store writes it together
 * with the change. So every change of somebody passes here, each of many in one call, too: its quota is used here.
 *
 * @throws FanfareError `change_rate_exceeded` if the quota is used up.
 */
export function auditEntry(
	{ clock, ids, changeRates }: Pick<EngineParts, "clock" | "ids" | "changeRates">,
	draft: AuditDraft | null,
	object: Pick<AuditEntry, "objectId" | "projectId">,
): AuditEntry | null {
	if (draft === null) return null;
	changeRates.take(draft, object.projectId);
	const id = ids.make("aud", clock.now());
	return { ...draft, ...object, id, at: idTime(id) };
}
