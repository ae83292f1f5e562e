// The entries of indexes that lead to deliveries: of what has not simply succeeded, of a webhook, and of open rows.
import type { DeliveryStatus } from "../../../../../core/delivery.ts";
import { STATUS_CODES } from "../../../codec/delivery-rows.ts";
import type { Marks } from "../../../deliveries/log-view.ts";
import type { Column, Condition } from "../condition.ts";
import type { Entries } from "../sources.ts";

/** Whose entries: those of a webhook, or else of a project. */
export interface Owner {
	readonly project: number;
	readonly webhook: number | null;
}

const CHECKED: readonly Column[] = ["response_code", "cause", "type"];

/** The exceptional rows of a status, of which those that succeeded are only the ones that have failed later. */
export function exceptionalEntries({ project, webhook }: Owner, status: DeliveryStatus): Entries {
	// SQLite uses a partial index only if a statement repeats its condition, or one of its alternatives.
	const isIn =
		status === "Succeeded"
			? "(entry.response_code < 200 OR entry.response_code > 299 OR entry.cause > 0)"
			: "entry.status <> 1";
	const [column, owner] = webhook === null ? (["project", project] as const) : (["webhook", webhook] as const);
	return {
		table: "deliveries",
		index: webhook === null ? "deliveries_by_status" : "deliveries_by_webhook_status",
		where: { sql: `entry.${column} = ? AND entry.status = ? AND ${isIn}`, values: [owner, STATUS_CODES[status]] },
		columns: webhook === null ? ["project", "status", "webhook", ...CHECKED] : ["webhook", "status", ...CHECKED],
	};
}

/** The full rows of a webhook that are listed. */
export function webhookEntries(webhook: number): Entries {
	const where = partial("webhook", webhook, "listed = 1");
	return { table: "deliveries", index: "deliveries_by_webhook", where, columns: ["webhook"] };
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

/** The open rows that are listed. */
export function openEntries({ project, webhook }: Owner): Entries {
	const [column, owner] = webhook === null ? (["project", project] as const) : (["webhook", webhook] as const);
	return {
		table: "open",
		index: `open_by_${column}`,
		where: partial(column, owner, "listed = 1"),
		columns: [column],
	};
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
