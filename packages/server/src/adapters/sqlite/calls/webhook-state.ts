// Reads the state of webhooks: shared by the calls that make deliveries or change their state.
import type { DatabaseSync } from "node:sqlite";

import type { WebhookState } from "../../../core/webhook.ts";
import { WEBHOOK_STATE, webhookColumns } from "../codec/webhook-rows.ts";

/** Prepares the reading of what decides about the deliveries of a webhook; null if there is no such webhook. */
export function createReadWebhookState(db: DatabaseSync): (webhook: number) => WebhookState | null {
	const select = db.prepare(`SELECT ${webhookColumns(WEBHOOK_STATE)} FROM webhooks WHERE number = ?`);
	return (webhook) => {
		const row = select.get(webhook);
		return row === undefined ? null : WEBHOOK_STATE.read(row);
	};
}
