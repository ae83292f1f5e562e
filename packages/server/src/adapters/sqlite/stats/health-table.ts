// The health of webhooks: in memory, and in a table that is written only when the health of a webhook changes.
import type { DatabaseSync } from "node:sqlite";

import type { Delivery } from "../../../core/delivery.ts";
import { isReservedEventType } from "../../../core/event-type.ts";
import { healthAfter, HEALTHY, type HealthSign, type WebhookHealth } from "../../../core/policies/webhook-health.ts";
import type { HealthChange } from "../../../ports/store/accept.ts";
import { toDelivery } from "../codec/delivery-rows.ts";
import { hexOf } from "../codec/rows.ts";
import { prepareReplace } from "../codec/statements.ts";
import { toWebhookHealth } from "./stats-rows.ts";

/** The health of the webhooks that are failing; the others are healthy. Webhooks are named by the bytes of their ids in hex. */
export class HealthTable {
	readonly #failing = new Map<string, WebhookHealth>();
	readonly #write: (webhook: string, health: WebhookHealth) => void;
	readonly readDelivery: (id: Uint8Array) => Delivery | null;

	constructor(db: DatabaseSync) {
		const select = db.prepare("SELECT * FROM deliveries WHERE id = ?");
		this.readDelivery = (id) => {
			const row = select.get(id);
			return row === undefined ? null : toDelivery(row);
		};
		this.#write = createWriteHealth(db);
		const rows = db.prepare("SELECT lower(hex(webhook_id)) AS hex, failing_since, exhausted_count FROM webhook_health");
		for (const row of rows.iterate()) this.#failing.set(hexOf(row), toWebhookHealth(row));
	}

	/** The health of a webhook, without changes that are not applied yet. */
	of(webhook: string): WebhookHealth {
		return this.#failing.get(webhook) ?? HEALTHY;
	}

	/** Writes changes to the table. Call it in the transaction that they belong to, and `apply` after the commit. */
	write(changes: HealthChanges): void {
		for (const [webhook, health] of changes.changed) this.#write(webhook, health);
	}

	/** Takes over changes that are committed. */
	apply(changes: HealthChanges): void {
		for (const [webhook, health] of changes.changed) {
			if (health.failingSince === null) this.#failing.delete(webhook);
			else this.#failing.set(webhook, health);
		}
	}
}

/** The changes of health in one transaction. */
export class HealthChanges {
	/** Changes that the engine must know of. */
	readonly changes: HealthChange[] = [];
	/** The new health of each webhook whose health changed. */
	readonly changed = new Map<string, WebhookHealth>();
	readonly #table: HealthTable;

	constructor(table: HealthTable) {
		this.#table = table;
	}

	/** Adds the end of an attempt. The row of its delivery must be written already. */
	attempted(deliveryId: Uint8Array, webhook: string, sign: HealthSign): void {
		const before = this.changed.get(webhook) ?? this.#table.of(webhook);
		const after = healthAfter(before, sign);
		// The usual case. Only otherwise is it worth reading the type of the event.
		if (after === before) return;
		const delivery = this.#table.readDelivery(deliveryId);
		if (delivery === null || isReservedEventType(delivery.eventType)) return;
		this.changed.set(webhook, after);
		if (sign.exhausted) this.changes.push({ kind: "exhausted", delivery, at: sign.at, before, after });
		else if (before.exhaustedCount > 0 && after.exhaustedCount === 0) {
			this.changes.push({ kind: "recovered", delivery, at: sign.at, before, after });
		}
	}

	/** Makes a webhook healthy. */
	reset(webhook: string): void {
		this.changed.set(webhook, HEALTHY);
	}
}

function createWriteHealth(db: DatabaseSync): (webhook: string, health: WebhookHealth) => void {
	const put = prepareReplace(db, "webhook_health", ["webhook_id", "failing_since", "exhausted_count"]);
	const remove = db.prepare("DELETE FROM webhook_health WHERE webhook_id = ?");
	return (webhook, { failingSince, exhaustedCount }) => {
		const id = Buffer.from(webhook, "hex");
		if (failingSince === null) remove.run(id);
		else put.run(id, failingSince, exhaustedCount);
	};
}
