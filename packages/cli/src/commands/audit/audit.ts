// `fanfare audit`: who has changed what.
import type { AuditEntry } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call } from "../../frame/call.ts";
import { leaf } from "../../frame/command.ts";
import { listOptions, pageSize, rowLimit, type ListOptions } from "../../frame/lists.ts";
import type { Column } from "../../text/table.ts";
import { relativeTime } from "../../text/times.ts";
import { addExport } from "../exporting/export.ts";
import { filterOf, filterOptions, logOf, type Filter, type FilterOptions } from "./log.ts";

/** Which changes there are, of those that match. */
const WHICH = "With --project, or with a key of one project, only those of objects of this project.";

const COLUMNS: readonly Column<AuditEntry>[] = [
	{ title: "when", value: ({ createDate }) => relativeTime(createDate) },
	{ title: "action", value: ({ action }) => action },
	{ title: "object", value: ({ objectId, objectName }) => objectName ?? objectId },
	{ title: "by", value: whoOf, flexible: true },
	{ title: "fields", value: ({ fields }) => fields.join(", "), flexible: true, optional: 1 },
	{ title: "id", value: ({ objectId, objectName }) => (objectName === null ? "–" : objectId), optional: 2 },
	{ title: "request", value: ({ requestId }) => requestId ?? "–", optional: 3 },
];

/** Adds the group to the program. */
export function addAudit(program: Command): void {
	const group = program
		.command("audit")
		.description(
			"The audit log has every change, with who made it, for as long as FANFARE_AUDIT_RETENTION_DAYS of the server says. Needs an admin key, of the workspace or of a project.",
		);
	leaf<FilterOptions & ListOptions>(
		group,
		{
			usage: "list",
			summary: "List changes, newest first.",
			description: WHICH,
			options: [...filterOptions(), ...listOptions()],
			examples: ["fanfare audit list --after 24h --action webhook.delete"],
		},
		list,
	);
	addExport<FilterOptions, Filter>(group, {
		nouns: "changes",
		remarks: WHICH,
		options: filterOptions(),
		filterOf,
		exporterOf: logOf,
		example: "fanfare audit export --after 30d --format csv --output audit.csv",
	});
}

async function list(call: Call<FilterOptions & ListOptions>): Promise<void> {
	const log = await logOf(call);
	const filter = { ...(await filterOf(call)), limit: pageSize(call.options) };
	const view = {
		columns: COLUMNS,
		id: ({ id }: AuditEntry) => id,
		limit: rowLimit(call.options),
		empty: "No changes.",
	};
	await call.output.list(log.list(filter), view);
}

/** A key that an older version has revoked has no name. */
function whoOf({ actor, keyId, keyName, customerId }: AuditEntry): string {
	const by = customerId === undefined ? (keyName ?? keyId ?? "the server") : `customer ${customerId}`;
	return actor === null ? by : `${actor} (${by})`;
}
