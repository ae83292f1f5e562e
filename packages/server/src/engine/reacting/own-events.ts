import type { WebhookRegistry } from "../directory/webhook-registry.ts";
// Operational events: what Fanfare tells in the stream of events itself. Only webhooks that name a `fanfare.` type in their filter get
// them; where none does, none is made. Their own deliveries never beget more of them.
import type { EngineParts } from "../parts.ts";

/** The events, with what is in their `data`. Times are milliseconds since the epoch. */
export type OwnEvent =
	| {
			readonly type: "fanfare.webhook.disabled";
			readonly data: { readonly webhookId: string; readonly name: string; readonly reason: string | null };
	  }
	/** The first delivery was exhausted after a success, or after it was resumed. */
	| {
			readonly type: "fanfare.webhook.failing";
			readonly data: {
				readonly webhookId: string;
				readonly name: string;
				readonly failingSince: number | null;
				readonly reason: string | null;
			};
	  }
	/** The first success after exhausted deliveries. */
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
	/** A replay has made all its deliveries. */
	| {
			readonly type: "fanfare.replay.finished";
			readonly data: {
				readonly replayId: string;
				readonly webhookId: string;
				readonly scannedCount: number;
				readonly deliveryCount: number;
			};
	  };

interface Neighbours {
	readonly registry: Pick<WebhookRegistry, "match">;
	/** Resolves when the event is committed. */
	readonly send: (projectId: string, type: string, dataJson: string) => Promise<void>;
}

export class OwnEvents {
	readonly #parts: Pick<EngineParts, "observer">;
	readonly #near: Neighbours;

	constructor(parts: Pick<EngineParts, "observer">, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	/** Makes the event if a webhook of the project wants it. Never throws and never waits; an event that is lost is a problem noted. */
	emit(projectId: string, { type, data }: OwnEvent): void {
		if (this.#near.registry.match(projectId, type).length === 0) return;
		this.#near
			.send(projectId, type, JSON.stringify(data))
			.catch((error: unknown) => this.#parts.observer.problem(`an event ${type} could not be made`, error));
	}
}
