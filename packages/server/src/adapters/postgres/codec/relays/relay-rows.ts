// Relays, without their webhooks.
import type { Relay } from "../../../../core/receivers/relay.ts";
import { id, number, orNull, record, text } from "../columns.ts";

/** A row of `relays`. */
export const RELAY = record<Relay>({
	webhookId: id("webhook_id", "webhook"),
	projectId: id("project_id", "proj"),
	customerId: orNull(text("customer_id")),
	device: text("device"),
	mirrorOf: orNull(id("mirror_of", "webhook")),
	epoch: number("epoch"),
	seenDate: number("seen_date"),
});
