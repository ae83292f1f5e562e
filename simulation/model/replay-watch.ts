// Watches replays: when one is finished, every event that matched it from its start to its end has a new delivery.
import { projectScope } from "../../packages/server/src/core/access/principal.ts";
import type { Delivery } from "../../packages/server/src/core/delivery.ts";
import { filterOfStored, type Replay, type ReplayOutcome } from "../../packages/server/src/core/replay.ts";
import type { NewReplay } from "../../packages/server/src/ports/store/replays.ts";
import type { World } from "../world/world.ts";
import type { Book } from "./book.ts";
import { readDeliveries, readEvents } from "./read-log.ts";
import { reaches, wants } from "./wants.ts";

/** An event that a replay must send, as it was when the replay started. */
interface Matching {
	readonly eventId: string;
	/** Its deliveries to the webhook, with their statuses. */
	readonly deliveries: string;
}

export class ReplayWatch {
	readonly #world: World;
	readonly #book: Book;
	readonly #matching = new Map<string, readonly Matching[]>();

	constructor(world: World, book: Book) {
		this.#world = world;
		this.#book = book;
	}

	async after(name: string, parameters: readonly unknown[], result: unknown): Promise<void> {
		if (name === "insertReplays" && result === null) {
			for (const { replay, eventIds = null } of parameters[0] as readonly NewReplay[]) {
				this.#book.replays.push(replay.id);
				this.#matching.set(replay.id, await this.#match(replay, eventIds));
			}
		} else if (name === "stepReplay") {
			const replay = result as Replay | null;
			if (replay?.status === "Finished") await this.#finished(replay);
		}
	}

	async #match(replay: Replay, eventIds: readonly string[] | null): Promise<Matching[]> {
		const { projectId } = replay;
		const filter = filterOfStored(replay);
		const byEvent = await this.#deliveries(replay);
		const events = await readEvents(this.#world.store, projectScope(projectId));
		return inOrderOfIds(events).flatMap(({ id, type, createDate }) => {
			const deliveries = byEvent.get(id) ?? [];
			const outcome = outcomeOf(deliveries);
			const isInRange = eventIds?.includes(id) ?? (createDate >= filter.since && createDate < filter.until);
			if (!isInRange || outcome === null || !filter.outcomes.includes(outcome)) return [];
			// A null filter takes every type here, own events included.
			if (filter.eventTypes !== null && !wants(filter.eventTypes, type)) return [];
			const customers = this.#book.events.get(id)?.customers ?? null;
			if (!reaches(customers, this.#book.webhook(replay.webhookId)?.customerId ?? null)) return [];
			if (outcome === "Missed" && filter.missedEventTypes !== null && !wants(filter.missedEventTypes, type)) return [];
			return [{ eventId: id, deliveries: textOf(deliveries) }];
		});
	}

	/** An event that is as it was at the start was skipped. */
	async #finished(replay: Replay): Promise<void> {
		const byEvent = await this.#deliveries(replay);
		for (const { eventId, deliveries } of this.#matching.get(replay.id) ?? []) {
			if (textOf(byEvent.get(eventId) ?? []) !== deliveries) continue;
			const body = await this.#world.store.eventBody(projectScope(replay.projectId), eventId);
			if (body === null) continue;
			this.#world.breach("replay", `${replay.id} is finished and has no delivery for ${eventId}`);
		}
	}

	/** The deliveries to the webhook of a replay, newest first, by event. */
	async #deliveries({ projectId, webhookId }: Replay): Promise<Map<string, Delivery[]>> {
		return Map.groupBy(await readDeliveries(this.#world.store, projectId, { webhookId }), ({ eventId }) => eventId);
	}
}

/**
 * The events, newest first, without those whose id is above that of a newer one. The ids of several engines are not in the order of
 * numbers, by which the embedded store finds a range of dates. It has one engine everywhere else, and PostgreSQL looks for ids.
 */
function inOrderOfIds<T extends { readonly id: string }>(events: readonly T[]): T[] {
	let lowest = "~";
	return events.filter(({ id }) => {
		if (id > lowest) return false;
		lowest = id;
		return true;
	});
}

function outcomeOf(deliveries: readonly Delivery[]): ReplayOutcome | null {
	if (deliveries.some(({ status }) => status === "Pending" || status === "Held")) return null;
	const [newest] = deliveries;
	return newest === undefined ? "Missed" : (newest.status as ReplayOutcome);
}

function textOf(deliveries: readonly Delivery[]): string {
	return deliveries.map(({ id, status }) => `${id} ${status}`).join();
}
