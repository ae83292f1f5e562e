// Completes audit entries: the caller of a change knows who made it, the engine knows what was changed.
import type { AuditDraft, AuditEntry } from "../../../core/access/audit.ts";
import { FanfareError } from "../../../core/errors.ts";
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

/** Makes the entry of a change the first time, and returns the same one from then on. */
export type MakeEntry = () => AuditEntry | null;

/**
 * Makes a change whose checks need what is stored. It asks for its entry when they have passed, also if there is nothing to change, so that an
 * invalid one uses up no quota. One that is refused earlier since it does not fit what is stored uses it up, as one that the store refuses does.
 * If the quota is used up already, it is refused before its checks, which cost more.
 *
 * @throws FanfareError `change_rate_exceeded` if the quota is used up.
 */
export async function withEntry<T>(
	parts: Parameters<typeof auditEntry>[0],
	draft: AuditDraft | null,
	object: Pick<AuditEntry, "objectId" | "projectId">,
	change: (entry: MakeEntry) => Promise<T>,
): Promise<T> {
	if (draft !== null) parts.changeRates.check(draft, object.projectId);
	let made: { readonly entry: AuditEntry | null } | null = null;
	const once: MakeEntry = () => (made ??= { entry: auditEntry(parts, draft, object) }).entry;
	try {
		return await change(once);
	} catch (error) {
		if (error instanceof FanfareError && error.kind === "conflict") once();
		throw error;
	}
}
