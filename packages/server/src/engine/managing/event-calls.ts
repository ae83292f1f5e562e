// Events: erases the payloads of accepted ones, and says who gets them.
import { wholeProject, type Scope } from "../../core/access/principal.ts";
import { FanfareError } from "../../core/errors.ts";
import type { PageRequest } from "../../core/page.ts";
import { ERASED_REASON } from "../../core/policies/retention.ts";
import { StoreError, StoreInDoubtError } from "../../ports/store/errors.ts";
import type { LogStore } from "../../ports/store/log.ts";
import type { BegunErasure, RetentionStore } from "../../ports/store/retention.ts";
import type { Erasures } from "../background/erasures.ts";
import type { Change, Events, PossibleEvent, RoutingFilter, Webhooks } from "../calls.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { EngineLimits, PartsOn } from "../parts.ts";
import { checkTold } from "../status/current.ts";
import { auditEntry } from "./changes/audit-entries.ts";
import { ToldOthers, type Told } from "./changes/told-others.ts";
import { matchWebhooks, routingOf } from "./event-routing.ts";

type Parts = Pick<PartsOn<RetentionStore & LogStore>, "store" | "clock" | "ids" | "changeRates" | "membership">;

interface Neighbours {
	readonly directory: Directory;
	readonly line: Pick<DeliveryLine, "discardEvent">;
	readonly erasures: Erasures;
	readonly webhooks: Pick<Webhooks, "list" | "get">;
}

/** What an operator asks about events, and changes of them. */
export class EventCalls implements Events {
	readonly #parts: Parts;
	readonly #limits: Pick<EngineLimits, "eraseStep">;
	readonly #near: Neighbours;
	readonly #told = new ToldOthers();

	constructor(parts: Parts, limits: Pick<EngineLimits, "eraseStep">, near: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
	}

	match(scope: Scope, event: PossibleEvent, page: PageRequest): ReturnType<Events["match"]> {
		return matchWebhooks(this.#near, scope, event, page);
	}

	routing(scope: Scope, eventId: string, filter: RoutingFilter, page: PageRequest): ReturnType<Events["routing"]> {
		return routingOf(this.#near, this.#parts.store, { scope, eventId }, filter, page);
	}

	async erasePayload({ scope, audit }: Change, eventId: string): Promise<{ readonly cancelledCount: number }> {
		const projectId = wholeProject(scope);
		this.#near.directory.project(projectId);
		const { clock, store } = this.#parts;
		const entry = auditEntry(this.#parts, audit, { objectId: eventId, projectId });
		const options = { reason: ERASED_REASON, at: clock.now(), limit: this.#limits.eraseStep, entry };
		const { erasures, line } = this.#near;
		let first: BegunErasure | null;
		try {
			first = await store.erasePayload(scope, eventId, options);
		} catch (error) {
			// The payload may be gone, and what is in memory has a copy. If it is not gone, its deliveries are found in the store again.
			if (error instanceof StoreInDoubtError) await line.discardEvent(eventId);
			throw error;
		}
		if (first === null) throw new FanfareError("event_not_found", "There is no such event in this project.");
		const toldOfEvent = this.#tellOfEvent(projectId, eventId, first);
		await toldOfEvent;
		const toldOfFirst = first.changed ? erasures.erased(projectId, first.cancelled) : Promise.resolve(true);
		await toldOfFirst;
		const finish = () =>
			erasures.finish({ projectId, eventId }).catch((error: unknown) => {
				throw goesOn(error);
			});
		const { cancelledCount, told } = first.done ? { ...first, told: Promise.resolve(true) } : await finish();
		const tellings = [toldOfEvent, toldOfFirst, told];
		if (first.changed || !first.done) this.#note(projectId, eventId, tellings);
		await checkTold(tellings);
		return { cancelledCount };
	}

	/** Has all processes told that the payload is gone, unless this call has erased all at once, or they know it. */
	#tellOfEvent(projectId: string, eventId: string, { done, changed }: BegunErasure): Promise<boolean> {
		const { line } = this.#near;
		if (done && changed) return Promise.resolve(true);
		// Whoever has erased it before may have died before all processes were told, or is telling them now.
		if (changed) return line.discardEvent(eventId);
		return this.#told.tell(projectId, [asTold(eventId)], () => line.discardEvent(eventId));
	}

	#note(projectId: string, eventId: string, tellings: readonly Promise<boolean>[]): void {
		if (this.#parts.membership === undefined) return;
		const told = Promise.all(tellings).then((all) => all.every(Boolean));
		this.#told.note(projectId, [asTold(eventId)], told);
	}
}

/** A payload is erased once. */
function asTold(eventId: string): Told {
	return { id: eventId, at: 0 };
}

/** What the caller is told if a later step fails than the first: not that nothing was changed. */
function goesOn(cause: unknown): unknown {
	const isKnown = cause instanceof FanfareError || cause instanceof StoreError;
	if (!isKnown || cause.code === "store_conflict") return cause;
	return new FanfareError(
		cause instanceof FanfareError ? cause.code : "store_unavailable",
		"The payload is erased. Its deliveries and the responses to them are not all erased yet: the server goes on with that by itself. Make the call again to learn when it is over.",
		{ cause },
	);
}
