// What the address of the audit log says.
import { defined, oneOf, RANGES, text, type Range } from "../../app/search.ts";

export interface AuditSearch {
	/** Such as `webhook.update`. */
	readonly action?: string;
	/** The id of a key. */
	readonly key?: string;
	/** The id of what was changed. */
	readonly object?: string;
	readonly range?: Range;
	/** `workspace` for the changes of all projects and of the workspace. */
	readonly of?: "workspace";
}

export function auditSearch(search: Readonly<Record<string, unknown>>): AuditSearch {
	return defined({
		action: text(search["action"]),
		key: text(search["key"]),
		object: text(search["object"]),
		range: oneOf(RANGES, search["range"]),
		of: oneOf(["workspace"] as const, search["of"]),
	});
}
