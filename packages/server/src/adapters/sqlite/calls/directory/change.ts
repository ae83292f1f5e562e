// Common to all changes of the directory: the transaction, the versions that a change raises, and its audit entry.
import type { AuditEntry } from "../../../../core/access/audit.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import type { Transact } from "../../connection.ts";
import type { Versions } from "./versions.ts";

export interface Change {
	readonly transact: Transact;
	readonly versions: Versions;
	/** Writes an audit entry, if there is one. Call it in the transaction of the change. */
	readonly writeEntry: (entry: AuditEntry | null) => void;
}

/** Fails a change in a project that is deleted or unknown. */
export function noProject(projectId: string | null): never {
	throw new StoreError("store_conflict", `there is no project ${projectId}`);
}
