// `fanfare audit`: who has changed what.
import type { AuditEntry } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { findProject } from "../../frame/connection.ts";
import { listOptions, pageSize, rangeOptions, rowLimit, type ListOptions } from "../../frame/lists.ts";
import { keyOf } from "../../frame/named.ts";
import type { Column } from "../../text/table.ts";
import { relativeTime } from "../../text/times.ts";

interface Filter extends CommonOptions, ListOptions {
	readonly key?: string;
	readonly object?: string;
	readonly action?: string;
	readonly after?: number;
	readonly before?: number;
}

const COLUMNS: readonly Column<AuditEntry>[] = [
	{ title: "when", value: ({ createDate }) => relativeTime(createDate) },
	{ title: "action", value: ({ action }) => action },
	{ title: "object", value: ({ objectId }) => objectId },
	{ title: "by", value: whoOf, flexible: true },
	{ title: "fields", value: ({ fields }) => fields.join(", "), flexible: true, optional: 1 },
	{ title: "request", value: ({ requestId }) => requestId ?? "–", optional: 2 },
];

/** Adds the group to the program. */
export function addAudit(program: Command): void {
	const group = program
		.command("audit")
		.description(
			"The audit log has every change, with who made it, for as long as FANFARE_AUDIT_RETENTION_DAYS of the server says. Needs an admin key of the workspace.",
		);
	leaf<Filter>(
		group,
		{
			usage: "list",
			summary: "List changes, newest first.",
			description: "With --project, only those of objects of this project.",
			options: [
				option("--key <key>", "Only calls made with this key: its id or its name."),
				option("--object <id>", "Only changes of this object, such as webhook_…."),
				option("--action <action>", "Only this action, such as webhook.update."),
				...rangeOptions("made"),
				...listOptions(),
			],
			examples: ["fanfare audit list --after 24h --action webhook.delete"],
		},
		list,
	);
}

async function list(call: Call<Filter>): Promise<void> {
	const { key, object: objectId, action, after, before, project } = call.options;
	const keyId = key === undefined ? undefined : await keyOf(call, call.client, key);
	// Only a project that is named on the command line: the log is that of the workspace.
	const projectId = project === undefined ? undefined : (await findProject(call.client, project))?.id;
	const filter = { keyId, projectId, objectId, action, after, before, limit: pageSize(call.options) };
	const view = {
		columns: COLUMNS,
		id: ({ id }: AuditEntry) => id,
		limit: rowLimit(call.options),
		empty: "No changes.",
	};
	await call.output.list(call.client.audit.list(filter), view);
}

function whoOf({ actor, keyId, customerId }: AuditEntry): string {
	const by = customerId === undefined ? (keyId ?? "the server") : `customer ${customerId}`;
	return actor === null ? by : `${actor} (${by})`;
}
