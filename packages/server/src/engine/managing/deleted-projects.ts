// Deleted projects: once their own mark has deleted their webhooks, each of these is marked, too, in steps, for processes of earlier versions.
import type { MarkPlace, QueueStore } from "../../ports/store/queue.ts";
import { nextTurn } from "../background/next-turn.ts";
import { Periodic } from "../background/periodic.ts";
import type { PartsOn } from "../parts.ts";

type Parts = Pick<PartsOn<QueueStore>, "store" | "clock" | "observer">;

interface Neighbours {
	/** Told of webhooks with waiting deliveries. */
	readonly line: { look(webhookId: string): void };
}

/** Webhooks marked in one transaction: some milliseconds. */
const STEP = 250;
const EVERY_MS = 60_000;
const PROBLEM = "webhooks of a deleted project could not be marked as deleted; this is tried again";

/**
 * Whoever deletes a project marks its webhooks before the call is answered. Every process looks at its start, and then once a minute, whether
 * a crash has left some; a duty would not do, since a process of an earlier version may have it.
 */
export class DeletedProjects {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	readonly #loop: Periodic;
	#isStopped = false;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
		this.#loop = new Periodic(parts, { everyMs: EVERY_MS, work: () => this.#mark(null), problem: PROBLEM });
	}

	/** Looks now, and then once a minute. Resolves after the first look. */
	start(): Promise<void> {
		return this.#loop.startNow();
	}

	/** Resolves after the step under way. */
	async stop(): Promise<void> {
		this.#isStopped = true;
		await this.#loop.stop();
	}

	/**
	 * Marks the webhooks of a project that was just deleted, also during a stop: nobody else may do it later, if an earlier version is
	 * started next. If the store fails, the problem is reported, and the loop goes on with them.
	 */
	async finish(projectId: string): Promise<void> {
		try {
			await this.#mark(projectId);
		} catch (error) {
			this.#parts.observer.problem(PROBLEM, error, { projectId });
		}
	}

	/** Those with waiting deliveries are swept again: an outcome that did not find the mark may have left one after the sweep. */
	async #mark(projectId: string | null): Promise<void> {
		const first: MarkPlace = { projectId, after: null };
		const mayGoOn = () => projectId !== null || !this.#isStopped;
		for (let place = first; mayGoOn();) {
			const { waiting, next } = await this.#parts.store.markWebhooksDeleted(place, STEP);
			for (const webhookId of waiting) this.#near.line.look(webhookId);
			// Any project may have come to its end: then there may be another one.
			if (next === null && place.projectId === projectId) return;
			place = next ?? first;
			// Calls of the store that were made meanwhile go first.
			await nextTurn(this.#parts.clock);
		}
	}
}
