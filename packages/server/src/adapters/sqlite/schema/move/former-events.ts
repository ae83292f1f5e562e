// The events of the former table in the order of their ids, over all projects. Its only index by id begins with the project, so
// the projects are merged.
import type { DatabaseSync } from "node:sqlite";

import TinyQueue from "tinyqueue";

import { BEFORE_ALL_IDS } from "../../codec/ids.ts";
import { bytes, number, rowId } from "../../codec/rows.ts";

/** Events that are read in advance, over all projects. */
const READ_AHEAD = 20_000;
const MIN_CHUNK = 2;
const MAX_CHUNK = 512;

export interface FormerEvent {
	readonly id: Uint8Array;
	/** Its number in the former table. */
	readonly rowid: number;
	readonly createDate: number;
	readonly deliveryCount: number;
	readonly bodyBytes: number;
}

/** The events of one project that were read in advance; there is at least one. */
interface Ahead {
	readonly project: Uint8Array;
	events: readonly FormerEvent[];
	at: number;
	next: FormerEvent;
}

/** Reads the events that are left in the former table. Those that it has returned may be deleted. */
export class FormerEvents {
	readonly #queue: TinyQueue<Ahead>;
	readonly #readAfter: (project: Uint8Array, id: Uint8Array) => FormerEvent[];

	constructor(db: DatabaseSync) {
		const projects = db.prepare("SELECT id FROM projects").all().map(rowId);
		const chunk = Math.max(MIN_CHUNK, Math.min(MAX_CHUNK, Math.floor(READ_AHEAD / Math.max(1, projects.length))));
		const select = db.prepare(`
			SELECT seq, id, create_date, delivery_count, length(body) AS body_bytes FROM former_events
			WHERE project_id = ? AND id > ? ORDER BY id LIMIT ${chunk}
		`);
		this.#readAfter = (project, id) =>
			select.all(project, id).map((row) => ({
				id: bytes(row["id"]),
				rowid: number(row["seq"]),
				createDate: number(row["create_date"]),
				deliveryCount: number(row["delivery_count"]),
				bodyBytes: number(row["body_bytes"]),
			}));
		const ahead = projects.flatMap((project) => this.#read(project, BEFORE_ALL_IDS) ?? []);
		this.#queue = new TinyQueue(ahead, (a, b) => Buffer.compare(a.next.id, b.next.id));
	}

	/** The event with the lowest id; null if none is left. */
	get first(): FormerEvent | null {
		return this.#queue.peek()?.next ?? null;
	}

	/** Goes on to the next event. */
	shift(): void {
		const ahead = this.#queue.pop();
		if (ahead === undefined) return;
		const next = ahead.events[++ahead.at];
		if (next !== undefined) {
			ahead.next = next;
			this.#queue.push(ahead);
			return;
		}
		const more = this.#read(ahead.project, ahead.next.id);
		if (more !== null) this.#queue.push(more);
	}

	#read(project: Uint8Array, after: Uint8Array): Ahead | null {
		const events = this.#readAfter(project, after);
		const [next] = events;
		return next === undefined ? null : { project, events, at: 0, next };
	}
}
