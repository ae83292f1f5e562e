// Watches retention: it deletes only events that have expired and whose deliveries have all ended.
import { projectScope } from "../../packages/server/src/core/access/principal.ts";
import type { Delivery } from "../../packages/server/src/core/delivery.ts";
import type { PurgeStep } from "../../packages/server/src/ports/store/retention.ts";
import type { World } from "../world/world.ts";
import type { Book } from "./book.ts";
import { readDeliveries } from "./read-log.ts";

const DAY_MS = 86_400_000;

export class PurgeWatch {
	readonly #world: World;
	readonly #book: Book;
	/** The deliveries that the call may reach, before it; null if it can reach none. */
	#before: readonly Delivery[] | null = null;

	constructor(world: World, book: Book) {
		this.#world = world;
		this.#book = book;
	}

	async before(name: string, parameters: readonly unknown[]): Promise<void> {
		this.#before = null;
		if (name === "purgeEvents" || name === "purgePayloads") {
			const { projectId, before } = parameters[0] as PurgeStep;
			const isReached = this.#book.events
				.values()
				.some(
					(event) => event.projectId === projectId && event.createDate < before && !this.#book.purged.has(event.id),
				);
			if (isReached) this.#before = await readDeliveries(this.#world.store, projectId);
		} else if (name === "purgeDeletedProjects") {
			const deleted = [...this.#book.projects.values()].filter(({ deleteIssued }) => deleteIssued);
			const lists = await Promise.all(deleted.map(({ id }) => readDeliveries(this.#world.store, id)));
			if (deleted.length > 0) this.#before = lists.flat();
		}
	}

	async after(name: string, parameters: readonly unknown[]): Promise<void> {
		if (this.#before === null) return;
		if (name === "purgePayloads") await this.#checkPayloads(this.#before);
		else await this.#checkEvents(name === "purgeEvents" ? (parameters[0] as PurgeStep) : null, this.#before);
		if (name === "purgeEvents") this.#checkLimit(parameters[0] as PurgeStep);
		this.#before = null;
	}

	/** `step` is null if the events of deleted projects were deleted, which need not have expired. */
	async #checkEvents(step: PurgeStep | null, before: readonly Delivery[]): Promise<void> {
		const { store } = this.#world;
		const projects = step === null ? [...this.#book.projects.values()].filter(({ deleteIssued }) => deleteIssued) : [];
		const ids = step === null ? projects.map(({ id }) => id) : [step.projectId];
		const left = new Set<string>();
		for (const id of ids) for (const delivery of await readDeliveries(store, id)) left.add(delivery.id);
		const gone = before.filter(({ id }) => !left.has(id));
		for (const { id, status, eventId } of gone) {
			if (status === "Pending" || status === "Held") {
				this.#world.breach("retention", `${id} was deleted although it is ${status}`);
			}
			this.#purged(eventId, step);
		}
		await this.#noteEventsGone(ids, step);
	}

	/** Events without any delivery can be gone, too. */
	async #noteEventsGone(projectIds: readonly string[], step: PurgeStep | null): Promise<void> {
		for (const { id, projectId } of this.#book.events.values()) {
			if (!projectIds.includes(projectId) || this.#book.purged.has(id)) continue;
			if ((await this.#world.store.event(projectScope(projectId), id)) === null) this.#purged(id, step);
		}
	}

	#purged(eventId: string, step: PurgeStep | null): void {
		const event = this.#book.events.get(eventId);
		this.#book.purged.add(eventId);
		if (step === null || event === undefined || event.createDate < step.before) return;
		this.#world.breach("retention", `${eventId} was deleted although it has not expired`);
	}

	/** `before` of a step must follow from a setting that the project has or had. */
	#checkLimit({ projectId, at, before }: PurgeStep): void {
		const days = [...(this.#book.projects.get(projectId)?.days ?? [])].filter((count) => count > 0);
		const limit = at - Math.min(...days) * DAY_MS;
		if (before > limit) this.#world.breach("retention", `events until ${before} were deleted instead of ${limit}`);
	}

	async #checkPayloads(before: readonly Delivery[]): Promise<void> {
		const open = before.filter(({ status }) => status === "Pending" || status === "Held");
		for (const { id, projectId, eventId } of open) {
			if (this.#book.events.get(eventId)?.eraseIssued === true) continue;
			if ((await this.#world.store.eventBody(projectScope(projectId), eventId)) !== null) continue;
			this.#world.breach("retention", `the payload of ${id} was deleted although it is still waiting`);
		}
	}
}
