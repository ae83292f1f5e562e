// Writes deliveries, and reads the state of their webhooks: shared by the calls that make deliveries or change their state.
import type { DatabaseSync } from "node:sqlite";

import type { DeliveryState } from "../../../core/delivery.ts";
import type { WebhookState } from "../../../core/webhook.ts";
import type { NewEvent } from "../../../ports/store/accept.ts";
import { IDENTITY_COLUMNS, stateValues, WRITTEN_STATE_COLUMNS } from "../codec/delivery-rows.ts";
import { idBytes } from "../codec/ids.ts";
import { list, prepareInsert, prepareUpdate } from "../codec/statements.ts";
import { WEBHOOK_STATE } from "../codec/webhook-rows.ts";

/** Prepares the insertion of a new delivery, dated with `createDate` of its event. */
export function createInsertDelivery(db: DatabaseSync) {
	const insert = prepareInsert(db, "deliveries", [...IDENTITY_COLUMNS, ...WRITTEN_STATE_COLUMNS]);
	return (
		projectId: Uint8Array,
		eventId: Uint8Array,
		event: Pick<NewEvent["event"], "type" | "createDate">,
		{ id, webhookId, state }: NewEvent["deliveries"][number],
	): void => {
		insert.run(
			idBytes("dlv", id),
			projectId,
			idBytes("webhook", webhookId),
			eventId,
			event.type,
			event.createDate,
			...stateValues(state),
		);
	};
}

/** Prepares the writing of the state that `transition` returned. */
export function createWriteState(db: DatabaseSync): (id: Uint8Array, state: DeliveryState, at: number) => void {
	const update = prepareUpdate(db, "deliveries", [...WRITTEN_STATE_COLUMNS, "update_date", "id"], ["id"]);
	return (id, state, at) => {
		update.run(...stateValues(state), at, id);
	};
}

/** Prepares the reading of what decides about the deliveries of a webhook; null if there is no such webhook. */
export function createReadWebhookState(db: DatabaseSync): (webhookId: Uint8Array) => WebhookState | null {
	const select = db.prepare(`SELECT ${list(WEBHOOK_STATE.columns)} FROM webhooks WHERE id = ?`);
	return (webhookId) => {
		const row = select.get(webhookId);
		return row === undefined ? null : WEBHOOK_STATE.read(row);
	};
}
