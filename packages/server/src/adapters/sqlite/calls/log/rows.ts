// Rows of deliveries as lists show them: with the name and the host of their webhook, and with their last attempt.
import type { DatabaseSync } from "node:sqlite";

import { causeAt, causeCode, causeOf } from "../../../../core/log/attempt-cause.ts";
import type { LastAttempt, LoggedDelivery } from "../../../../ports/store/log.ts";
import { SUMMARY_LENGTH, toAttempt, toSummary } from "../../codec/attempt-rows.ts";
import { toDelivery, toOpenDelivery } from "../../codec/delivery-rows.ts";
import { number, numberOrNull, text, textOrNull, type Row } from "../../codec/rows.ts";
import type { LogView } from "../../deliveries/log-view.ts";

/** The columns of a full row, named `delivery`, that tell of its last attempt, beside its state. */
export const LAST_ATTEMPT_COLUMNS = `delivery.cause, substr(delivery.attempt, 1, ${SUMMARY_LENGTH}) AS attempt_head`;

/** Reads the rows of one page. */
export type ReadRow = (row: Row) => LoggedDelivery;

/** Prepares the reading of pages. Within one page, each webhook is read once. */
export function createReadRows(db: DatabaseSync, view: LogView): () => ReadRow {
	const selectWebhook = db.prepare("SELECT name, endpoint FROM webhooks WHERE number = ?");
	const readLast = createReadLast(db);
	return () => {
		const webhooks = new Map<number, { readonly webhookName: string; readonly webhookHost: string }>();
		const webhookOf = (webhook: number) => {
			let found = webhooks.get(webhook);
			if (found === undefined) {
				const row = selectWebhook.get(webhook);
				found = { webhookName: text(row?.["name"]), webhookHost: hostOf(text(row?.["endpoint"])) };
				webhooks.set(webhook, found);
			}
			return found;
		};
		return (row) => {
			const webhook = number(row["webhook"]);
			if (row["is_open"] !== 1) {
				return { ...toDelivery(row, view.numbers), ...webhookOf(webhook), lastAttempt: readLast(row) };
			}
			const state = view.openState(webhook, number(row["seq"]), number(row["event_date"]));
			return { ...toOpenDelivery(row, view.numbers, state), ...webhookOf(webhook), lastAttempt: null };
		};
	};
}

/** Host and port of an endpoint. It was checked when the webhook was written; one of an earlier version may be odd. */
function hostOf(endpoint: string): string {
	return URL.parse(endpoint)?.host ?? "";
}

function createReadLast(db: DatabaseSync): (row: Row) => LastAttempt | null {
	const last = (column: string) =>
		db.prepare(`SELECT ${column} AS attempt FROM attempts WHERE delivery = ? ORDER BY number DESC LIMIT 1`);
	const selectHead = last(`substr(attempt, 1, ${SUMMARY_LENGTH})`);
	const selectLast = last("attempt");
	const selectFirst = db.prepare("SELECT attempt FROM deliveries WHERE seq = ?");
	return (row) => {
		const first = textOrNull(row["attempt_head"]);
		if (first === null) return null;
		const seq = number(row["seq"]);
		const later = number(row["attempt_count"]) > 1 ? selectHead.get(seq) : undefined;
		const summary = toSummary(later === undefined ? first : text(later["attempt"]));
		const code = numberOrNull(row["cause"]);
		if (code !== null) return { ...summary, cause: causeAt(code) };
		const attempt = (later === undefined ? selectFirst : selectLast).get(seq)?.["attempt"];
		return { ...summary, cause: causeOf(toAttempt(text(attempt))) };
	};
}

/** Makes the SQL function `cause_of(attempt)`: the number of the cause of an attempt, from its text; null for no attempt. */
export function addCauseOf(db: DatabaseSync): void {
	db.function("cause_of", { deterministic: true }, (attempt) =>
		typeof attempt === "string" ? causeCode(causeOf(toAttempt(attempt))) : null,
	);
}
