// Own events: the `fanfare.*` events in which Fanfare reports about itself.
import { FanfareError } from "../../core/errors.ts";
import type { Webhook } from "../../core/webhook.ts";
import type { Intake } from "../accepting/intake.ts";
import type { Directory } from "../directory/directory.ts";
import type { EngineParts } from "../parts.ts";

/**
 * Who has made a change: the owner of an API key, or somebody who acts for the webhook's customer, with the portal session and the
 * actor that the product has named for it.
 */
export type ChangeActor =
	| { readonly kind: "key" }
	| { readonly kind: "customer"; readonly portalSessionId: string | null; readonly actor: string | null };

/** The own events with their `data`. Times are milliseconds since the epoch. */
export type OwnEvent =
	/** Somebody has changed a webhook. So a product hears what its customers do. */
	| {
			readonly type: `fanfare.webhook.${"created" | "updated" | "paused" | "resumed"}`;
			readonly data: { readonly webhookId: string; readonly name: string; readonly actor: ChangeActor };
	  }
	/** The name is omitted if the webhook was deleted together with its customer. */
	| {
			readonly type: "fanfare.webhook.deleted";
			readonly data: { readonly webhookId: string; readonly name?: string; readonly actor: ChangeActor };
	  }
	/** Nothing is left of a customer. With the numbers of webhooks, of deliveries to them, and of payloads that were erased. */
	| {
			readonly type: "fanfare.customer.deleted";
			readonly data: {
				readonly customerId: string;
				readonly webhookCount: number;
				readonly deliveryCount: number;
				readonly eventCount: number;
			};
	  }
	| {
			readonly type: "fanfare.webhook.disabled";
			readonly data: { readonly webhookId: string; readonly name: string; readonly reason: string | null };
	  }
	/** Five attempts have failed in a row, and none has succeeded for 5 minutes, or half of `disableAfterMs` if that is less. Once until a success or a reset. */
	| {
			readonly type: "fanfare.webhook.failing";
			readonly data: {
				readonly webhookId: string;
				readonly name: string;
				readonly failingSince: number | null;
				readonly reason: string | null;
			};
	  }
	/** The webhook goes on failing, and will be disabled, at `disableDate` at the earliest. */
	| {
			readonly type: "fanfare.webhook.disabling";
			readonly data: {
				readonly webhookId: string;
				readonly name: string;
				readonly failingSince: number | null;
				readonly exhaustedCount: number;
				readonly disableDate: number;
			};
	  }
	/** An attempt succeeded, the first one since the webhook was reported as failing. */
	| {
			readonly type: "fanfare.webhook.recovered";
			readonly data: {
				readonly webhookId: string;
				readonly name: string;
				readonly failingSince: number | null;
				readonly exhaustedCount: number;
			};
	  }
	/** A delivery has ended as Failed. */
	| {
			readonly type: "fanfare.delivery.exhausted";
			readonly data: {
				readonly deliveryId: string;
				readonly webhookId: string;
				readonly eventId: string;
				readonly eventType: string;
				readonly attemptCount: number;
				readonly responseCode: number | null;
				readonly reason: string | null;
			};
	  }
	/** A replay has created all its deliveries. */
	| {
			readonly type: "fanfare.replay.finished";
			readonly data: {
				readonly replayId: string;
				readonly webhookId: string;
				readonly scannedCount: number;
				readonly deliveryCount: number;
			};
	  };

/** Whom the object of an own event belongs to. Such an event names the customer only if there is one. */
type Owner = Pick<Webhook, "projectId" | "customerId">;

interface Neighbours {
	readonly directory: Pick<Directory, "match" | "isDeleting">;
	readonly intake: Pick<Intake, "sendOwn">;
}

/**
 * An own event goes only to webhooks that name its type, or a prefix of it, in their filter. If no webhook of the
 * project does, it is not created. Deliveries of own events cause no further own events.
 */
export class OwnEvents {
	readonly #parts: Pick<EngineParts, "observer">;
	readonly #near: Neighbours;

	constructor(parts: Pick<EngineParts, "observer">, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	/**
	 * Sends the event if a webhook of the project wants it: an event about a webhook is for the customer of that webhook.
	 * Never throws and never waits. A failed send is reported to the observer.
	 */
	emit(owner: Owner, event: OwnEvent): void {
		this.send(owner, event).catch((error: unknown) => {
			// The deletion of its customer began just before its commit.
			if (error instanceof FanfareError && error.code === "customer_being_deleted") return;
			this.#parts.observer.problem(`an event ${event.type} could not be sent`, error, { projectId: owner.projectId });
		});
	}

	/** Like `emit`, but resolves when the event is committed, if any webhook wants it, and rejects if it can't be sent. */
	async send({ projectId, customerId }: Owner, event: OwnEvent): Promise<void> {
		const { type, data } = event;
		if (customerId === null) return this.#send(projectId, null, type, data);
		if (!this.#near.directory.isDeleting(projectId, customerId)) {
			return this.#send(projectId, customerId, type, { ...data, customerId });
		}
		// Only the product hears of it, without what the customer has written, and only that its webhooks are gone.
		if (type !== "fanfare.webhook.deleted") return;
		const { webhookId, actor } = event.data;
		return this.#send(projectId, null, type, { webhookId, actor, customerId });
	}

	async #send(projectId: string, customerId: string | null, type: OwnEvent["type"], data: object): Promise<void> {
		if (this.#near.directory.match(projectId, type, customerId).length === 0) return;
		await this.#near.intake.sendOwn(projectId, type, JSON.stringify(data), customerId);
	}
}
