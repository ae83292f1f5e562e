// Changes of accepted events: erases payloads.
import { FanfareError } from "../../core/errors.ts";
import { ERASED_REASON } from "../../core/policies/retention.ts";
import type { LogStore } from "../../ports/store/log.ts";
import type { RetentionStore } from "../../ports/store/retention.ts";
import type { Events, Projects } from "../calls.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { PartsOn } from "../parts.ts";

type Parts = Pick<PartsOn<LogStore & RetentionStore>, "store" | "clock">;

interface Neighbours {
	readonly projects: Pick<Projects, "get">;
	readonly line: Pick<DeliveryLine, "discard">;
	readonly live: LiveReporter;
}

/** The changes that an operator makes to events. */
export class EventCalls implements Events {
	readonly #parts: Parts;
	readonly #near: Neighbours;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	async erasePayload(projectId: string, eventId: string): Promise<{ readonly cancelledCount: number }> {
		this.#near.projects.get(projectId);
		const { clock, store } = this.#parts;
		const cancelled = await store.erasePayload(projectId, eventId, ERASED_REASON, clock.now());
		if (cancelled === null) throw new FanfareError("event_not_found", "There is no such event in this project.");
		for (const id of cancelled) this.#near.line.discard(id);
		for (const id of cancelled) {
			const delivery = await store.delivery(projectId, id);
			if (delivery !== null) this.#near.live.deliveryUpdated(delivery, delivery);
		}
		return { cancelledCount: cancelled.length };
	}
}
