// Completes audit entries: the caller of a change knows who made it, the engine knows what was changed.
import type { AuditDraft, AuditEntry } from "../../../core/access/audit.ts";
import { idTime } from "../../../core/ids.ts";
import type { EngineParts } from "../../parts.ts";
import type { Counted } from "./change-rates.ts";

/**
 * The audit entry of a change that is about to be made; null if the change leaves none. The store writes it together
 * with the change. So every change of somebody passes here, each of many in one call, too: its quota is used here.
 *
 * `counted` says how it counts. One whose quota was used up before, together with others, counts as 0.
 *
 * @throws FanfareError `change_rate_exceeded` if the quota is used up.
 */
export function auditEntry(
	{ clock, ids, changeRates }: Pick<EngineParts, "clock" | "ids" | "changeRates">,
	draft: AuditDraft | null,
	object: Pick<AuditEntry, "objectId" | "projectId">,
	counted: Counted = {},
): AuditEntry | null {
	if (draft === null) return null;
	changeRates.take(draft, object.projectId, counted);
	const id = ids.make("aud", clock.now());
	return { ...draft, ...object, id, at: idTime(id) };
}
