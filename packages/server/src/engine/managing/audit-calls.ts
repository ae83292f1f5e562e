// The audit log: what is to be done is written down before it is done.
import type { AuditEntry } from "../../core/audit.ts";
import { idTime } from "../../core/ids.ts";
import type { Audit } from "../calls.ts";
import type { EngineParts } from "../parts.ts";

export class AuditCalls implements Audit {
	readonly #parts: Pick<EngineParts, "store" | "clock" | "ids" | "observer">;

	constructor(parts: Pick<EngineParts, "store" | "clock" | "ids" | "observer">) {
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
			.catch((error: unknown) => this.#parts.observer.problem("an audit entry could not be taken back", error));
	}
}
