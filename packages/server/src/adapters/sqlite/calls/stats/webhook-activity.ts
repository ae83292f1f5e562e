// What is going on at webhooks: how many of their deliveries wait or have failed, and their last attempts. The journal of the stats, and
// the table of counts, say which delivery had the last attempt. The attempt itself is read from the log, so it is gone when the log is
// purged.
import type { DatabaseSync } from "node:sqlite";

import { projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { LastAttempt, WebhookActivity } from "../../../../ports/store/stats.ts";
import { toAttempt } from "../../codec/attempt-rows.ts";
import { deliveryId } from "../../codec/delivery-rows.ts";
import { numberOrNull, text } from "../../codec/rows.ts";
import type { Numbers } from "../../deliveries/numbers.ts";
import { createIsInternal } from "../log/customers.ts";
import type { CountsOf, Owner, OwnersOf } from "./owners.ts";

const NO_ACTIVITY: WebhookActivity = { deliveries: { Pending: 0, Held: 0, Failed: 0 }, lastAttempt: null };

/** Prepares `webhookActivity`: some 20 µs a webhook, most of it for the text of the attempt. */
export function createWebhookActivity(
	db: DatabaseSync,
	numbers: Numbers,
	{ countsOf, ownersOf }: { readonly countsOf: CountsOf; readonly ownersOf: OwnersOf },
) {
	const lastAttempt = createLastAttempt(db, numbers);
	return (scope: Scope, webhookIds: readonly string[]): WebhookActivity[] =>
		webhookIds.map((webhookId) => {
			const [owner] = ownersOf(scope, webhookId);
			if (owner === undefined) return NO_ACTIVITY;
			const { Pending, Held, Failed } = countsOf(owner);
			return { deliveries: { Pending, Held, Failed }, lastAttempt: lastAttempt(scope, owner) };
		});
}

function createLastAttempt(db: DatabaseSync, { projects }: Numbers) {
	const selectDelivery = db.prepare("SELECT last_attempt FROM status_counts WHERE owner = ?");
	const selectAttempt = db.prepare(`
		SELECT delivery.seq, delivery.event, delivery.own_id, event.id AS event_id, event.type AS event_type, coalesce(
			(SELECT attempt FROM attempts WHERE delivery = delivery.seq ORDER BY number DESC LIMIT 1),
			delivery.attempt
		) AS attempt
		FROM deliveries delivery JOIN events event ON event.seq = delivery.event WHERE delivery.seq = ?
	`);
	const isInternal = createIsInternal(db);

	return (scope: Scope, { bytes, recent }: Owner): LastAttempt | null => {
		const newest = [...recent.values()].findLast((stats) => stats.lastAttempt !== 0);
		const seq = newest?.lastAttempt ?? numberOrNull(selectDelivery.get(bytes)?.["last_attempt"] ?? null);
		const row = seq === null ? undefined : selectAttempt.get(seq);
		if (row === undefined || row["attempt"] === null) return null;
		const project = projects.find(projectOf(scope));
		const isHidden = scope.kind === "customer" && project !== null && isInternal(project, text(row["event_type"]));
		if (isHidden) return null;
		const { startDate, responseCode, error, cause } = toAttempt(text(row["attempt"]));
		return { deliveryId: deliveryId(row), startDate, responseCode, error, cause };
	};
}
