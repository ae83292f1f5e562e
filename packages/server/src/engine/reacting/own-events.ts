// Own events: the `fanfare.*` events in which Fanfare reports about itself.
import type { Intake } from "../accepting/intake.ts";
import type { Directory } from "../directory/directory.ts";
import type { EngineParts } from "../parts.ts";

/** The own events with their `data`. Times are milliseconds since the epoch. */
export type OwnEvent =
	| {
			readonly type: "fanfare.webhook.disabled";
			readonly data: { readonly webhookId: string; readonly name: string; readonly reason: string | null };
	  }
	/** A delivery was exhausted, the first one since a success or since the webhook was resumed. */
	| {
			readonly type: "fanfare.webhook.failing";
			readonly data: {
				readonly webhookId: string;
				readonly name: string;
				readonly failingSince: number | null;
				readonly reason: string | null;
			};
	  }
	/** An attempt succeeded, the first one since deliveries were exhausted. */
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

interface Neighbours {
	readonly directory: Pick<Directory, "match">;
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
	 * Sends the event if a webhook of the project wants it. Never throws and never waits. A failed send is reported to
	 * the observer.
	 */
	emit(projectId: string, { type, data }: OwnEvent): void {
		if (this.#near.directory.match(projectId, type).length === 0) return;
		this.#near.intake
			.sendOwn(projectId, type, JSON.stringify(data))
			.catch((error: unknown) => this.#parts.observer.problem(`an event ${type} could not be sent`, error));
	}
}
