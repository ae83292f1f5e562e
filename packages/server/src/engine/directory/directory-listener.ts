// Who is told of changes in the directory.
import type { ApiKey } from "../../core/access/key.ts";

/** Told what has changed. Calls are hints: the directory itself says what is true now. */
export interface DirectoryListener {
	/** A webhook was changed or deleted, or somebody else has added it. */
	webhookChanged(webhookId: string): void;
	/** A key was changed. */
	keyChanged(key: ApiKey): void;
	/** These keys no longer exist: one, or all of a project. */
	keysDeleted(keyIds: ReadonlySet<string>): void;
	/** A project no longer exists. Its keys were reported before; its webhooks follow, many of them later. */
	projectDeleted(projectId: string): void;
}
