// The health of webhooks: in memory, and in a table that is written only when the health of a webhook changes.
import type { DatabaseSync } from "node:sqlite";

import type { Delivery } from "../../../core/delivery.ts";
import { isReservedEventType } from "../../../core/event-type.ts";
import {
	FAILING_AFTER_FAILED,
	healthAfter,
	HEALTHY,
	reportDueAt,
	withoutWarnings,
	type HealthSign,
	type WebhookHealth,
} from "../../../core/policies/webhook-health.ts";
import type { HealthChange } from "../../../ports/store/accept.ts";
import { number as numberIn, orNull, record, text as textIn, type Codec } from "../codec/columns.ts";
import { DELIVERY_COLUMNS, EVENT_OF_DELIVERY, toDelivery } from "../codec/delivery-rows.ts";
import { number } from "../codec/rows.ts";
import { list, prepareReplace, qualified } from "../codec/statements.ts";
import type { DeliveryTable } from "../deliveries/delivery-table.ts";

/** The columns of a health that is not `HEALTHY`. */
export const HEALTH: Codec<WebhookHealth> = record<WebhookHealth>({
	failingSince: orNull(numberIn("failing_since")),
	failedCount: numberIn("failed_count"),
	exhaustedCount: numberIn("exhausted_count"),
	reason: orNull(textIn("reason")),
	reportDate: orNull(numberIn("report_date")),
	warnDate: orNull(numberIn("warn_date")),
	remindDate: orNull(numberIn("remind_date")),
});

/** The health of the webhooks whose last attempt failed; the others are healthy. Webhooks are named by their numbers. */
export class HealthTable {
	readonly #failing = new Map<number, WebhookHealth>();
	readonly #write: WriteHealth;
	/** Reads a full row by its number. */
	readonly readDelivery: (seq: number) => Delivery | null;

	constructor(db: DatabaseSync, table: DeliveryTable) {
		this.readDelivery = createReadDelivery(db, table);
		this.#write = createWriteHealth(db);
		const rows = db.prepare(`SELECT webhook, ${list(HEALTH.columns)} FROM webhook_health`);
		for (const row of rows.iterate()) this.#failing.set(number(row["webhook"]), HEALTH.read(row));
	}

	/** The health of a webhook, without changes that are not applied yet. */
	of(webhook: number): WebhookHealth {
		return this.#failing.get(webhook) ?? HEALTHY;
	}

	/** Writes changes to the table. Call it in the transaction that they belong to, and `apply` after the commit. */
	write(changes: HealthChanges): void {
		for (const [webhook, health] of changes.changed) this.#write(webhook, health, changes.isAtRest(webhook));
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
	readonly changed = new Map<number, WebhookHealth>();
	/** Webhooks of which nothing is due to be reported before their next attempt. */
	readonly #atRest = new Set<number>();
	readonly #table: HealthTable;

	constructor(table: HealthTable) {
		this.#table = table;
	}

	/** Adds the end of an attempt. The row of its delivery, whose number is `seq`, must be written already. */
	attempted(seq: number, webhook: number, sign: HealthSign): void {
		const before = this.changed.get(webhook) ?? this.#table.of(webhook);
		const after = healthAfter(before, sign);
		// The usual case. Only otherwise is it worth reading the type of the event.
		if (after === before) return;
		const delivery = this.#table.readDelivery(seq);
		if (delivery === null || isReservedEventType(delivery.eventType)) return;
		this.#set(webhook, after);
		if (sign.exhausted) this.changes.push({ kind: "exhausted", delivery, at: sign.at, before, after });
		else if (before.reportDate !== null && after.reportDate === null) {
			this.changes.push({ kind: "recovered", delivery, at: sign.at, before, after });
		}
	}

	/** Makes a webhook healthy. */
	reset(webhook: number): void {
		this.#set(webhook, HEALTHY);
	}

	/** Takes back the warnings about a webhook whose `disableAfterMs` has changed. */
	withdrawWarnings(webhook: number): void {
		const before = this.changed.get(webhook) ?? this.#table.of(webhook);
		if (before.failingSince !== null) this.#set(webhook, withoutWarnings(before));
	}

	/** Notes what was reported about a webhook. */
	reported(webhook: number, health: WebhookHealth): void {
		this.#set(webhook, health);
	}

	/** Nothing is due to be reported about a webhook until its health changes again: it gets no attempts. */
	rest(webhook: number): void {
		this.#set(webhook, this.#table.of(webhook));
		this.#atRest.add(webhook);
	}

	isAtRest(webhook: number): boolean {
		return this.#atRest.has(webhook);
	}

	#set(webhook: number, health: WebhookHealth): void {
		this.changed.set(webhook, health);
		this.#atRest.delete(webhook);
	}
}

function createReadDelivery(db: DatabaseSync, table: DeliveryTable): (seq: number) => Delivery | null {
	const select = db.prepare(`
		SELECT ${qualified("delivery", DELIVERY_COLUMNS)}, ${EVENT_OF_DELIVERY}
		FROM deliveries delivery JOIN events event ON event.seq = delivery.event WHERE delivery.seq = ?
	`);
	return (seq) => {
		table.flush();
		const row = select.get(seq);
		return row === undefined ? null : toDelivery(row, table.numbers);
	};
}

type WriteHealth = (webhook: number, health: WebhookHealth, isAtRest: boolean) => void;

function createWriteHealth(db: DatabaseSync): WriteHealth {
	const put = prepareReplace(db, "webhook_health", ["webhook", ...HEALTH.columns, "next_date"]);
	const remove = db.prepare("DELETE FROM webhook_health WHERE webhook = ?");
	const selectWindow = db.prepare("SELECT disable_after_ms FROM webhooks WHERE number = ?");
	const dueAt = (webhook: number, health: WebhookHealth): number | null => {
		// A receiver that fails now and then: nothing is due, whatever the webhook's setting is.
		if (health.failedCount < FAILING_AFTER_FAILED) return null;
		return reportDueAt(health, number(selectWindow.get(webhook)?.["disable_after_ms"] ?? 0));
	};
	return (webhook, health, isAtRest) => {
		if (health.failingSince === null) {
			remove.run(webhook);
			return;
		}
		put.run(webhook, ...HEALTH.write(health), isAtRest ? null : dueAt(webhook, health));
	};
}
