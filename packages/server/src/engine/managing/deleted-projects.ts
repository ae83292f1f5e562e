// Deleted projects: once their own mark has deleted their keys and webhooks, the keys are removed and the webhooks are marked, too, in steps,
// for processes of earlier versions.
import type { DirectoryStore } from "../../ports/store/directory.ts";
import type { MarkPlace, QueueStore } from "../../ports/store/queue.ts";
import { nextTurn } from "../background/next-turn.ts";
import { Periodic } from "../background/periodic.ts";
import type { PartsOn } from "../parts.ts";

type Parts = Pick<
	PartsOn<Pick<QueueStore, "markWebhooksDeleted"> & Pick<DirectoryStore, "removeKeysOfDeleted">>,
	"store" | "clock" | "observer"
>;

interface Neighbours {
	/** Told of webhooks with waiting deliveries. */
	readonly line: { look(webhookId: string): void };
}

/** Webhooks marked, or keys removed, in one transaction: some milliseconds. */
const STEP = 250;
const EVERY_MS = 60_000;
/** How long a stop waits for webhooks that are being marked. */
const STOP_WITHIN_MS = 10_000;
const PROBLEM =
	"keys of a deleted project could not be removed, or its webhooks not be marked as deleted; this is tried again";

/**
 * Whoever deletes a project removes its keys and marks its webhooks before the call is answered. Every process looks at its start, and then
 * once a minute, whether a crash has left some; a duty would not do, since a process of an earlier version may have it.
 */
export class DeletedProjects {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	readonly #loop: Periodic;
	/** Projects whose keys are being removed, and whose webhooks marked, by those who have deleted them. */
	readonly #finishing = new Set<Promise<void>>();
	#isStopped = false;
	#isOver = false;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
		this.#loop = new Periodic(parts, { everyMs: EVERY_MS, work: () => this.#work(null), problem: PROBLEM });
	}

	/** Looks now, and then once a minute. Resolves after the first look. */
	start(): Promise<void> {
		return this.#loop.startNow();
	}

	/** Resolves after the step under way, and when all of the projects that were just deleted is done, but after 10 s at the latest. */
	async stop(): Promise<void> {
		this.#isStopped = true;
		const cancel = this.#parts.clock.after(STOP_WITHIN_MS, () => (this.#isOver = true));
		await this.#loop.stop();
		while (this.#finishing.size > 0) await Promise.all(this.#finishing);
		cancel();
	}

	/**
	 * Removes the keys of a project that was just deleted, and marks its webhooks, also during a stop, which waits for it: nobody else may do it later, if an
	 * earlier version is started next. If the store fails, the problem is reported, and the loop goes on with them.
	 */
	async finish(projectId: string): Promise<void> {
		const finishing = this.#finish(projectId);
		this.#finishing.add(finishing);
		await finishing;
		this.#finishing.delete(finishing);
	}

	/** Never rejects. */
	async #finish(projectId: string): Promise<void> {
		try {
			await this.#work(projectId);
		} catch (error) {
			this.#parts.observer.problem(PROBLEM, error, { projectId });
		}
	}

	async #work(projectId: string | null): Promise<void> {
		try {
			await this.#removeKeys(projectId);
		} finally {
			await this.#mark(projectId);
		}
	}

	async #removeKeys(projectId: string | null): Promise<void> {
		while (this.#mayGoOn(projectId) && (await this.#parts.store.removeKeysOfDeleted(projectId, STEP))) {
			// Calls of the store that were made meanwhile go first.
			await nextTurn(this.#parts.clock);
		}
	}

	/** Those with waiting deliveries are swept again: an outcome that did not find the mark may have left one after the sweep. */
	async #mark(projectId: string | null): Promise<void> {
		const first: MarkPlace = { projectId, after: null };
		for (let place = first; this.#mayGoOn(projectId);) {
			const { waiting, next } = await this.#parts.store.markWebhooksDeleted(place, STEP);
			for (const webhookId of waiting) this.#near.line.look(webhookId);
			// Any project may have come to its end: then there may be another one.
			if (next === null && place.projectId === projectId) return;
			place = next ?? first;
			// Calls of the store that were made meanwhile go first.
			await nextTurn(this.#parts.clock);
		}
	}

	#mayGoOn(projectId: string | null): boolean {
		return !this.#isOver && (projectId !== null || !this.#isStopped);
	}
}
