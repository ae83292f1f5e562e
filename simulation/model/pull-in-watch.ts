// Watches the correction of due times at a start: a clock that ran ahead before it makes no delivery late, and no retry that
// was set by a right clock moves.
import type { Delivery } from "../../packages/server/src/core/delivery.ts";
import type { LongestWait } from "../../packages/server/src/ports/store/queue.ts";
import type { World } from "../world/world.ts";
import type { Book } from "./book.ts";
import { readDeliveries } from "./read-log.ts";

/** The longest wait that a receiver can ask for. No policy of a simulated webhook waits longer. */
const LONGEST_WAIT_MS = 86_400_000;

export class PullInWatch {
	readonly #world: World;
	readonly #book: Book;
	#before: readonly Delivery[] = [];

	constructor(world: World, book: Book) {
		this.#world = world;
		this.#book = book;
	}

	async before(): Promise<void> {
		this.#before = await this.#waiting();
	}

	/** Each time is as it was, or is pulled in because it was too far away. */
	async after(now: number, waits: readonly LongestWait[]): Promise<void> {
		const after = new Map((await this.#waiting()).map((delivery) => [delivery.id, delivery]));
		const waitOf = new Map(waits.map(({ webhookId, waitMs }) => [webhookId, waitMs]));
		for (const delivery of this.#before) {
			const { id, webhookId, nextAttemptAt: was } = delivery;
			const is = after.get(id)?.nextAttemptAt ?? null;
			const waitMs = waitOf.get(webhookId);
			if (was === null || waitMs === undefined) continue;
			const limit = isFromFuture(delivery, now) ? now : now + waitMs;
			if (is === Math.min(was, limit)) continue;
			this.#world.breach("due times", `${id} was due at ${was}, and the start at ${now} has set it to ${is}`);
		}
	}

	/** After a start at `now`, no delivery waits longer than any policy asks for, and new ones do not wait at all. */
	async checkStart(now: number): Promise<void> {
		for (const delivery of await this.#waiting()) {
			const { id, webhookId, nextAttemptAt } = delivery;
			if (nextAttemptAt === null || this.#book.webhook(webhookId)?.deleteIssued !== false) continue;
			const limit = isFromFuture(delivery, now) ? now : now + LONGEST_WAIT_MS;
			if (nextAttemptAt <= limit) continue;
			this.#world.breach("due times", `${id} is due at ${nextAttemptAt} after a start at ${now}`);
		}
	}

	async #waiting(): Promise<Delivery[]> {
		const projects = [...this.#book.projects.values()].filter(({ deleteIssued }) => !deleteIssued);
		const lists = await Promise.all(
			projects.map(({ id }) => readDeliveries(this.#world.store, id, { statuses: ["Pending"] })),
		);
		return lists.flat();
	}
}

/** Whether it was never attempted, and was made later than now. */
function isFromFuture({ createDate, attemptCount }: Delivery, now: number): boolean {
	return attemptCount === 0 && createDate > now;
}
