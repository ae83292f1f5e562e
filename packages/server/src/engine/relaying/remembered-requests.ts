// Requests of relays that are over, whose answer or whose client's silence is remembered.
import { SharedLru } from "../directory/shared-lru.ts";

/** The most requests whose answers are remembered, and the most whose silences are, of all projects. */
const MAX_REMEMBERED = 20_000;

/**
 * Projects share the room: the one that has most loses its least recently used ones first, so that busy relays push out nothing of quiet
 * ones. Of an answer that is forgotten the log tells; silences that are forgotten are counted from the beginning.
 */
export class RememberedRequests {
	/** The webhooks that the requests were for. */
	readonly #answered: SharedLru<string>;
	readonly #silences: SharedLru<number>;

	/** With room for `max` of each kind. Defaults to `MAX_REMEMBERED`. */
	constructor(max = MAX_REMEMBERED) {
		const room = { maxEntries: max, maxSize: max };
		this.#answered = new SharedLru(room);
		this.#silences = new SharedLru(room);
	}

	/** A client has answered a request. */
	noteAnswer(projectId: string, webhookId: string, requestId: string): void {
		this.#answered.set(projectId, requestId, webhookId, 1);
		this.#silences.delete(projectId, requestId);
	}

	/** Whether it is remembered that a client of this relay has answered a request. */
	isAnswered(projectId: string, webhookId: string, requestId: string): boolean {
		return this.#answered.get(projectId, requestId) === webhookId;
	}

	/** A client was given a request, and has not answered it. Returns how often that has happened, including now. */
	countSilence(projectId: string, requestId: string): number {
		const count = (this.#silences.get(projectId, requestId) ?? 0) + 1;
		this.#silences.set(projectId, requestId, count, 1);
		return count;
	}
}
