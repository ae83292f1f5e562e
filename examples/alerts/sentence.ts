// Says in a sentence what one of Fanfare's own events tells.
import type { VerifiedEvent } from "@fanfare/sdk";

/** What own events about webhooks and deliveries have. Fields that an event has not are undefined. */
interface OwnEvent {
	readonly webhookId?: string;
	readonly name?: string;
	readonly customerId?: string;
	readonly reason?: string;
	readonly failingSince?: number;
	readonly disableDate?: number;
	readonly eventType?: string;
	readonly attemptCount?: number;
}

/** @example sentenceOf(event); // "Webhook “orders” of acme has been failing since 2026-11-25T09:00:00.000Z: 503." */
export function sentenceOf({ type, data }: Pick<VerifiedEvent, "type" | "data">): string {
	const own = data as OwnEvent;
	const name = own.name === undefined || own.name === "" ? own.webhookId : `“${own.name}”`;
	const webhook = `Webhook ${name}${own.customerId === undefined ? "" : ` of ${own.customerId}`}`;
	const date = (ms = 0) => new Date(ms).toISOString();
	const attempts = (count = 0) => (count === 1 ? "one attempt" : `${count} attempts`);
	switch (type) {
		case "fanfare.webhook.failing":
			return `${webhook} has been failing since ${date(own.failingSince)}: ${own.reason}.`;
		case "fanfare.webhook.disabling":
			return `${webhook} will be disabled at ${date(own.disableDate)}, unless its receiver recovers.`;
		case "fanfare.webhook.disabled":
			return `${webhook} is disabled: ${own.reason}. Fix the receiver, then resume the webhook.`;
		case "fanfare.webhook.recovered":
			return `${webhook} works again.`;
		case "fanfare.delivery.exhausted":
			return `${webhook} did not get an event ${own.eventType} after ${attempts(own.attemptCount)}: ${own.reason}.`;
		default:
			return `${type}: ${JSON.stringify(data)}`;
	}
}
