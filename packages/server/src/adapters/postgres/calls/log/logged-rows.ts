// Rows of deliveries as the log shows them: with the name, the host and the customer of their webhook, and with their last attempt.
import { causeAt } from "../../../../core/log/attempt-cause.ts";
import type { LastAttempt, LoggedDelivery } from "../../../../ports/store/log.ts";
import { SUMMARY_LENGTH, toSummary } from "../../codec/attempt-rows.ts";
import { DELIVERY_COLUMNS, toDelivery, toDeliveryRow } from "../../codec/delivery-rows.ts";
import { number, text, textOrNull, type Row } from "../../codec/rows.ts";
import { qualified } from "../../codec/statements.ts";

/**
 * SQL that adds these columns to the rows of a query over one or both tables, named `delivery`. The look at the attempts costs one seek
 * for each row.
 */
export function withShownColumns(deliveries: string): string {
	return `
		SELECT ${qualified("delivery", DELIVERY_COLUMNS)}, webhook.name AS webhook_name, webhook.endpoint, webhook.customer_id,
			last.head AS attempt_head
		FROM (${deliveries}) delivery
		LEFT JOIN webhooks webhook ON webhook.id = delivery.webhook_id
		LEFT JOIN LATERAL (
			SELECT left(attempt, ${SUMMARY_LENGTH}) AS head FROM attempts
			WHERE attempts.delivery_id = delivery.id AND delivery.attempt_count > 0 ORDER BY number DESC LIMIT 1
		) last ON TRUE
	`;
}

/** Reads a row of such a query. */
export function toLogged(row: Row): LoggedDelivery {
	return {
		...toDelivery(toDeliveryRow(row), textOrNull(row["customer_id"])),
		webhookName: textOrNull(row["webhook_name"]) ?? "",
		webhookHost: hostOf(textOrNull(row["endpoint"]) ?? ""),
		lastAttempt: lastAttemptOf(row),
	};
}

function lastAttemptOf(row: Row): LastAttempt | null {
	if (row["attempt_head"] === null) return null;
	return { ...toSummary(text(row["attempt_head"])), cause: causeAt(number(row["cause"])) };
}

/** Host and port of an endpoint. */
function hostOf(endpoint: string): string {
	return URL.parse(endpoint)?.host ?? "";
}
