// The entries of indexes that lead to deliveries: of what has not simply succeeded, of a webhook, and of open rows.
import type { DeliveryStatus } from "../../../../../core/delivery.ts";
import { STATUS_CODES } from "../../../codec/delivery-rows.ts";
import type { Marks } from "../../../deliveries/log-view.ts";
import type { Column, Condition } from "../condition.ts";
import type { Entries, Table } from "../sources.ts";

/** Whose entries: those of a webhook, or else of a project. */
export interface Owner {
	readonly project: number;
	readonly webhook: number | null;
}

const CHECKED: readonly Column[] = ["response_code", "cause", "type"];

/** Entries of an index that begins with the webhook, of any webhook. */
export interface WebhookEntries {
	readonly table: Table;
	readonly index: string;
	/** What leads to them beside their webhook, with the condition of a partial index. It names the table `entry`. */
	readonly beside: Condition;
	/** The columns that an entry has beside those, so that conditions on them need no look at the row. */
	readonly columns: readonly Column[];
}

/** The full rows of webhooks that are listed. */
export const LISTED: WebhookEntries = {
	table: "deliveries",
	index: "deliveries_by_webhook",
	beside: { sql: "entry.listed = 1", values: [] },
	columns: ["webhook"],
};

/** The same of open rows. */
export const LISTED_OPEN: WebhookEntries = { ...LISTED, table: "open", index: "open_by_webhook" };

/** The exceptional rows of webhooks with a status, of which those that succeeded are only the ones that have failed later. */
export function exceptionalOf(status: DeliveryStatus): WebhookEntries {
	return {
		table: "deliveries",
		index: "deliveries_by_webhook_status",
		beside: exceptionalWith(status),
		columns: ["webhook", "status", ...CHECKED],
	};
}

/** The entries of one webhook. */
export function entriesOf({ beside, ...entries }: WebhookEntries, webhook: number): Entries {
	return { ...entries, where: { sql: `entry.webhook = ? AND ${beside.sql}`, values: [webhook, ...beside.values] } };
}

/** The exceptional rows of a webhook, or else of a project. */
export function exceptionalEntries({ project, webhook }: Owner, status: DeliveryStatus): Entries {
	if (webhook !== null) return entriesOf(exceptionalOf(status), webhook);
	const { sql, values } = exceptionalWith(status);
	return {
		table: "deliveries",
		index: "deliveries_by_status",
		where: { sql: `entry.project = ? AND ${sql}`, values: [project, ...values] },
		columns: ["project", "status", "webhook", ...CHECKED],
	};
}

function exceptionalWith(status: DeliveryStatus): Condition {
	// SQLite uses a partial index only if a statement repeats its condition, or one of its alternatives.
	const isIn =
		status === "Succeeded"
			? "(entry.response_code < 200 OR entry.response_code > 299 OR entry.cause > 0)"
			: "entry.status <> 1";
	return { sql: `entry.status = ? AND ${isIn}`, values: [STATUS_CODES[status]] };
}

/** The newest full rows, which are not listed, of some webhooks: `webhooks` is a condition on the column `+entry.webhook`. */
export function fullTail(webhooks: Condition, { full }: Marks): Entries {
	const where = { sql: `${webhooks.sql} AND entry.seq > ?`, values: [...webhooks.values, full] };
	return { table: "deliveries", index: null, where, columns: ROW_COLUMNS };
}

/** The same of open rows; the condition is on `+entry.webhook` or `+entry.project`. */
export function openTail(owner: Condition, { open }: Marks): Entries {
	const where = { sql: `${owner.sql} AND entry.seq > ?`, values: [...owner.values, open] };
	return { table: "open", index: null, where, columns: ["project", "webhook", "event"] };
}

/** The open rows of a webhook, or else of a project, that are listed. */
export function openEntries({ project, webhook }: Owner): Entries {
	if (webhook !== null) return entriesOf(LISTED_OPEN, webhook);
	const where = partial("project", project, "listed = 1");
	return { table: "open", index: "open_by_project", where, columns: ["project"] };
}

/** The columns of a row that filters look at before its end, where the attempt may be long. */
export const ROW_COLUMNS: readonly Column[] = [
	"project",
	"webhook",
	"status",
	"response_code",
	"update_date",
	"change",
	"event",
];

/** One range of a partial index. SQLite uses such an index only if a statement repeats its condition literally. */
export function partial(column: string, value: number, condition: string): Condition {
	return { sql: `entry.${column} = ? AND entry.${condition}`, values: [value] };
}
