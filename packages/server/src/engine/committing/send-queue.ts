// The sends that wait for their commit, by project: projects take turns, so that none waits for another's batch, and each has
// its share of the room.
import Denque from "denque";

import { shareOf } from "../../core/policies/share.ts";
import type { NewEvent } from "../../ports/store/accept.ts";
import type { EngineLimits } from "../parts.ts";
import type { PendingSend } from "./pending.ts";

const MAX_SENDS = 1_000;
const MAX_BYTES = 8 * 1_024 * 1_024;
/**
 * A commit of this many deliveries takes the store some 20 ms, and three times that if it lists rows, and building their events takes the main
 * thread 10 ms. Other projects' sends wait for two commits at most: the one under way, and their own. A single event may have more. Projects
 * that have sends waiting share it. (The longest wait beside a batch for 3,000 webhooks: 292 ms with 12,000, 191–231 ms with 6,000; the
 * batch itself takes 1.1 times as long.)
 */
const MAX_DELIVERIES = 6_000;

/** The sends of one commit, each with its event. */
export interface TakenSends {
	readonly sends: PendingSend[];
	readonly events: NewEvent[];
}

/** The sends of one project, and how many deliveries its last event had: the next one probably has as many. */
interface Line {
	readonly sends: Denque<PendingSend>;
	/** The bytes of its sends. */
	bytes: number;
	lately: number;
}

/**
 * A line for each project that has sends, served in turn. The sends of one project stay in order.
 *
 * @example
 * queue.push(send);
 * const { events } = queue.take((send, error) => send.failed(null, error));
 */
export class SendQueue {
	/** The project whose turn it is comes first. */
	readonly #lines = new Map<string, Line>();
	#length = 0;
	#bytes = 0;

	get length(): number {
		return this.#length;
	}

	get bytes(): number {
		return this.#bytes;
	}

	/**
	 * Whether this many more sends of a project have room. A project that has sends waiting already may have no more than its share
	 * of what the other projects leave free. If nothing waits, a batch larger than all of the room has room: otherwise it could never be
	 * accepted.
	 */
	hasRoom(
		projectId: string,
		count: number,
		bytes: number,
		{ maxWaitingSends, maxWaitingBytes }: Pick<EngineLimits, "maxWaitingSends" | "maxWaitingBytes">,
	): boolean {
		if (this.#length === 0) return true;
		if (this.#length + count > maxWaitingSends || this.#bytes + bytes > maxWaitingBytes) return false;
		const own = this.#lines.get(projectId);
		if (own === undefined) return true;
		return (
			own.sends.length + count <= shareOf(maxWaitingSends, this.#length, own.sends.length) &&
			own.bytes + bytes <= shareOf(maxWaitingBytes, this.#bytes, own.bytes)
		);
	}

	push(send: PendingSend): void {
		const line = this.#lines.get(send.projectId);
		if (line === undefined) {
			this.#lines.set(send.projectId, { sends: new Denque([send]), bytes: send.bytes, lately: 0 });
		} else {
			line.sends.push(send);
			line.bytes += send.bytes;
		}
		this.#length++;
		this.#bytes += send.bytes;
	}

	/**
	 * Takes the sends of the next commit and builds their events, as many as its bounds allow: each event is whole in one commit.
	 * A project that has used up its share of the deliveries lets the others go on, also if its event has filled the commit: otherwise each of
	 * a batch's widest events would leave the others one send a commit. `failed` is told of a send whose event can't be built, which would be
	 * a defect.
	 */
	take(failed: (send: PendingSend, error: unknown) => void): TakenSends {
		const taken: TakenSends = { sends: [], events: [] };
		const share = MAX_DELIVERIES / Math.max(1, this.#lines.size);
		const used = new Map<string, number>();
		/** Projects that have used up their share, in their order. They come first in the next commit. */
		const waiting = new Map<string, Line>();
		let [bytes, deliveries, isOver] = [0, 0, false];
		while (!isOver) {
			const [turn] = this.#lines;
			const next = turn?.[1].sends.peekFront();
			if (turn === undefined || next === undefined) break;
			const [projectId, line] = turn;
			const isLong = taken.sends.length >= MAX_SENDS || bytes + next.bytes > MAX_BYTES;
			if (taken.sends.length > 0 && isLong) break;
			const isFull = deliveries >= MAX_DELIVERIES;
			const before = used.get(projectId);
			if ((before !== undefined || isFull) && (before ?? 0) + line.lately > share) {
				this.#lines.delete(projectId);
				waiting.set(projectId, line);
				continue;
			}
			this.#shift(projectId, line);
			bytes += next.bytes;
			try {
				const event = next.build();
				taken.events.push(event);
				taken.sends.push(next);
				line.lately = event.deliveries.length;
				deliveries += line.lately;
				// Whether others have wide events, too, is known only once they are built.
				isOver = isFull && (before ?? 0) + line.lately > share;
			} catch (error) {
				failed(next, error);
			}
			used.set(projectId, (before ?? 0) + line.lately);
		}
		this.#putFirst(waiting);
		return taken;
	}

	/** Removes the first send of the project whose turn it is, and gives the turn to the next project. */
	#shift(projectId: string, line: Line): void {
		const send = line.sends.shift();
		this.#lines.delete(projectId);
		if (line.sends.length > 0) this.#lines.set(projectId, line);
		this.#length--;
		const bytes = send?.bytes ?? 0;
		line.bytes -= bytes;
		this.#bytes -= bytes;
	}

	#putFirst(waiting: ReadonlyMap<string, Line>): void {
		if (waiting.size === 0) return;
		const others = [...this.#lines];
		this.#lines.clear();
		for (const [projectId, line] of [...waiting, ...others]) this.#lines.set(projectId, line);
	}
}
