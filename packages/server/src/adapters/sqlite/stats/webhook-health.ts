// The health of webhooks: in memory, and in a table that is written only when it changes.
import type { DatabaseSync } from "node:sqlite";

import type { Delivery } from "../../../core/delivery.ts";
import { isReservedEventType } from "../../../core/event-type.ts";
import { healthAfter, HEALTHY, type HealthSign, type WebhookHealth } from "../../../core/policies/webhook-health.ts";
import type { HealthChange } from "../../../ports/store/accept.ts";
import { toDelivery } from "../codec/rows.ts";
import { hexOf, toWebhookHealth } from "./stats-rows.ts";

/** Holds those that are failing. Webhooks are named by their ids' bytes in hex. */
export class HealthBook {
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

	of(webhook: string): WebhookHealth {
		return this.#failing.get(webhook) ?? HEALTHY;
	}

	/** To be called in the transaction; `apply` when it is on the disk. */
	write(changes: HealthChanges): void {
		for (const [webhook, health] of changes.changed) this.#write(webhook, health);
	}

	apply(changes: HealthChanges): void {
		for (const [webhook, health] of changes.changed) {
			if (health.failingSince === null) this.#failing.delete(webhook);
			else this.#failing.set(webhook, health);
		}
	}
}

/** What the attempts of one transaction mean for health. */
export class HealthChanges {
	readonly changes: HealthChange[] = [];
	readonly changed = new Map<string, WebhookHealth>();
	readonly #book: HealthBook;

	constructor(book: HealthBook) {
		this.#book = book;
	}

	/** An attempt of a delivery has ended, and its row says so. */
	attempted(deliveryId: Uint8Array, webhook: string, sign: HealthSign): void {
		const before = this.changed.get(webhook) ?? this.#book.of(webhook);
		const after = healthAfter(before, sign);
		// Mostly so; only now it is worth looking up what kind of event it was.
		if (after === before) return;
		const delivery = this.#book.readDelivery(deliveryId);
		if (delivery === null || isReservedEventType(delivery.eventType)) return;
		this.changed.set(webhook, after);
		if (sign.exhausted) this.changes.push({ kind: "exhausted", delivery, at: sign.at, before, after });
		else if (before.exhaustedCount > 0 && after.exhaustedCount === 0) {
			this.changes.push({ kind: "recovered", delivery, at: sign.at, before, after });
		}
	}

	/** The webhook begins anew. */
	reset(webhook: string): void {
		this.changed.set(webhook, HEALTHY);
	}
}

function createWriteHealth(db: DatabaseSync): (webhook: string, health: WebhookHealth) => void {
	const put = db.prepare(
		"INSERT OR REPLACE INTO webhook_health (webhook_id, failing_since, exhausted_count) VALUES (?, ?, ?)",
	);
	const remove = db.prepare("DELETE FROM webhook_health WHERE webhook_id = ?");
	return (webhook, { failingSince, exhaustedCount }) => {
		const id = Buffer.from(webhook, "hex");
		if (failingSince === null) remove.run(id);
		else put.run(id, failingSince, exhaustedCount);
	};
}
