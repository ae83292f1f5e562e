// The audit log that a key may read, and its filter: the same options for lists and for exports.
import type { AuditEntry, ListParams, PagePromise, ProjectAuditFilter } from "@fanfare/sdk";
import type { Option } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { option } from "../../frame/command.ts";
import { findProject } from "../../frame/connection.ts";
import { rangeOptions } from "../../frame/lists.ts";
import { keyOf } from "../../frame/named.ts";

/** The options of the filter. */
export interface FilterOptions extends CommonOptions {
	readonly key?: string;
	readonly object?: string;
	readonly action?: string;
	readonly after?: number;
	readonly before?: number;
}

/** What an export can be filtered by. */
export type Filter = Omit<ProjectAuditFilter, keyof ListParams>;

/** A log of the SDK: that of the workspace, or of a project. */
interface Log {
	list(filter: ProjectAuditFilter): PagePromise<AuditEntry>;
	export(filter: Filter): AsyncIterable<AuditEntry>;
	exportCsv(filter: Filter): AsyncIterable<string>;
}

/** The options of the filter, for the help. */
export function filterOptions(): Option[] {
	return [
		option("--key <key>", "Only calls made with this key: its id or, with a key of the workspace, its name."),
		option("--object <id>", "Only changes of this object, such as webhook_…."),
		option(
			"--action <action>",
			"Only this action, such as webhook.update. A mistyped one is refused with all that there are.",
		),
		...rangeOptions("made"),
	];
}

/** The filter that the options say. */
export async function filterOf(call: Call<FilterOptions>): Promise<Filter> {
	const { key, object: objectId, action, after, before } = call.options;
	const keyId = key === undefined ? undefined : await keyOf(call, call.client, key);
	return { keyId, objectId, action, after, before };
}

/**
 * The log that the key may read: with a key of the workspace all of it, unless a project is named on the command line, and with a key of
 * a project that of the project. A key of the workspace reads the log of a deleted project, too.
 */
export async function logOf({ client, options: { project } }: Call): Promise<Log> {
	const named = project === undefined ? null : await findProject(client, project);
	const { projectId: own } = await client.getCaller();
	if (own !== null) return (named ?? client.project(own)).audit;
	if (named === null) return client.audit;
	const ofProject = <F extends object>(filter: F) => ({ ...filter, projectId: named.id });
	return {
		list: (filter) => client.audit.list(ofProject(filter)),
		export: (filter) => client.audit.export(ofProject(filter)),
		exportCsv: (filter) => client.audit.exportCsv(ofProject(filter)),
	};
}
