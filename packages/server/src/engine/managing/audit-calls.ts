// The audit log. An entry is written before the change that it records.
import type { AuditEntry } from "../../core/audit.ts";
import { idTime } from "../../core/ids.ts";
import type { AuditStore } from "../../ports/store/audit.ts";
import type { Audit } from "../calls.ts";
import type { PartsOn } from "../parts.ts";

type Parts = Pick<PartsOn<AuditStore>, "store" | "clock" | "ids" | "observer">;

/** Writes the audit log. A failure to amend or withdraw an entry is reported to the observer, not thrown. */
export class AuditCalls implements Audit {
	readonly #parts: Parts;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	async record(entry: Omit<AuditEntry, "id" | "at">): Promise<string> {
		const { clock, ids, store } = this.#parts;
		const id = ids.make("aud", clock.now());
		await store.insertAuditEntry({ ...entry, id, at: idTime(id) });
		return id;
	}

	async amend(entryId: string, object: Pick<AuditEntry, "objectId" | "projectId">): Promise<void> {
		await this.#parts.store
			.amendAuditEntry(entryId, object)
			.catch((error: unknown) => this.#parts.observer.problem("an audit entry could not be amended", error));
	}

	async withdraw(entryId: string): Promise<void> {
		await this.#parts.store
			.deleteAuditEntry(entryId)
			.catch((error: unknown) => this.#parts.observer.problem("an audit entry could not be withdrawn", error));
	}
}
