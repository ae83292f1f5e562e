// Builds events with their deliveries, as they fit the webhooks and the room at that moment.
import { newDelivery, newHeldDelivery, type DeliveryState } from "../../core/delivery.ts";
import type { EventInput } from "../../core/event.ts";
import { deliveryIdAt } from "../../core/ids.ts";
import { heldReason } from "../../core/webhook.ts";
import type { NewEvent } from "../../ports/store/accept.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { KnownWebhook } from "../directory/webhook-table.ts";
import type { EngineParts } from "../parts.ts";
import { fingerprint } from "./fingerprint.ts";
import { namesDeleted, targetsOf } from "./targets.ts";

type Parts = Pick<EngineParts, "clock" | "ids">;

interface Neighbours {
	readonly directory: Directory;
	readonly line: Pick<DeliveryLine, "reserve">;
}

/** No project has this version: the store never accepts an event that was built on it. */
export const NO_VERSION = -1;

export class EventBuilder {
	readonly #parts: Parts;
	readonly #near: Neighbours;

	constructor({ clock, ids }: Parts, { directory, line }: Neighbours) {
		this.#parts = { clock, ids };
		this.#near = { directory, line };
	}

	/** Builds the event and its deliveries just before the commit. Runs once per event, on the busy path. */
	build(
		projectId: string,
		input: EventInput,
		timestamp: number,
		body: Uint8Array,
		webhooks: readonly KnownWebhook[],
	): NewEvent {
		const { clock, ids } = this.#parts;
		const { directory } = this.#near;
		const now = clock.now();
		const id = ids.makeEvent(webhooks.length, now);
		return {
			event: {
				id,
				projectId,
				type: input.type,
				timestamp,
				createDate: now,
				deliveryCount: webhooks.length,
				customers: input.customers,
				tags: input.tags,
			},
			// The deletion of a customer may have begun since the event was checked: then the store refuses it as stale.
			projectVersion: namesDeleted(directory, projectId, input) ? NO_VERSION : directory.versionOf(projectId),
			body,
			idempotency:
				input.idempotencyKey === null ? null : { key: input.idempotencyKey, fingerprint: fingerprint(input) },
			targets: targetsOf(input),
			traceparent: input.traceparent,
			deliveries: webhooks.map((webhook, index) => ({
				id: deliveryIdAt(id, index),
				webhookId: webhook.id,
				customerId: webhook.customerId,
				state: this.#firstState(webhook, body.length, now),
			})),
		};
	}

	/** The webhooks that get a delivery of the event, whatever their status. */
	targets(projectId: string, input: EventInput): readonly KnownWebhook[] {
		const { directory } = this.#near;
		if (input.webhookIds === null) return directory.match(projectId, input.type, input.customers);
		return directory.webhooksIn(projectId, input.webhookIds);
	}

	/** The state of a new delivery: Held, or Pending and leased if the ready queue has room for it. */
	#firstState(webhook: KnownWebhook, bytes: number, now: number): DeliveryState {
		if (webhook.status !== "Enabled") return newHeldDelivery(heldReason(webhook));
		return newDelivery(now, this.#near.line.reserve(webhook, bytes, now));
	}
}
