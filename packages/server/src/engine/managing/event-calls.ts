// Changes of accepted events: erases payloads.
import { wholeProject } from "../../core/access/principal.ts";
import { FanfareError } from "../../core/errors.ts";
import { ERASED_REASON } from "../../core/policies/retention.ts";
import type { LogStore } from "../../ports/store/log.ts";
import type { RetentionStore } from "../../ports/store/retention.ts";
import type { Change, Events } from "../calls.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { PartsOn } from "../parts.ts";
import { auditEntry } from "./audit-entries.ts";

type Parts = Pick<PartsOn<LogStore & RetentionStore>, "store" | "clock" | "ids">;

interface Neighbours {
	readonly directory: Directory;
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

	async erasePayload({ scope, audit }: Change, eventId: string): Promise<{ readonly cancelledCount: number }> {
		const projectId = wholeProject(scope);
		this.#near.directory.project(projectId);
		const { clock, store } = this.#parts;
		const entry = auditEntry(this.#parts, audit, { objectId: eventId, projectId });
		const options = { reason: ERASED_REASON, at: clock.now(), entry };
		const cancelled = await store.erasePayload(scope, eventId, options);
		if (cancelled === null) throw new FanfareError("event_not_found", "There is no such event in this project.");
		for (const id of cancelled) this.#near.line.discard(id);
		for (const id of cancelled) {
			const delivery = await store.delivery(scope, id);
			if (delivery !== null) this.#near.live.deliveryUpdated(delivery, delivery);
		}
		return { cancelledCount: cancelled.length };
	}
}
