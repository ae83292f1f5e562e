// How many deliveries are open, kept in memory: counting 1,000,000 rows at each scrape would block the process.
import type { DatabaseSync } from "node:sqlite";

import type { DeliveryStatus } from "../../core/delivery.ts";
import { countOf, STATUS_CODES } from "./rows.ts";

export type OpenStatus = "Pending" | "Held";

/** Moves of one transaction, to be applied when it is on the disk. */
export class OpenMoves {
	readonly delta = { Pending: 0, Held: 0 };

	/** A delivery has come from `from` (null: it is new) to `to`. */
	move(from: DeliveryStatus | null, to: DeliveryStatus, times = 1): void {
		if (from !== null && isOpen(from)) this.delta[from] -= times;
		if (isOpen(to)) this.delta[to] += times;
	}
}

/** Right as long as every write of the database goes through this process, which the lock of the data directory ensures. */
export class OpenCounts {
	readonly #counts: Record<OpenStatus, number>;

	constructor(db: DatabaseSync) {
		this.#counts = {
			Pending: countOf(
				db.prepare("SELECT count(*) AS count FROM deliveries INDEXED BY deliveries_due WHERE due_at IS NOT NULL").get(),
			),
			Held: countOf(
				db
					.prepare(
						"SELECT count(*) AS count FROM deliveries INDEXED BY deliveries_by_webhook_status WHERE status = ? AND status > 1",
					)
					.get(STATUS_CODES.Held),
			),
		};
	}

	apply(moves: OpenMoves): void {
		this.#counts.Pending += moves.delta.Pending;
		this.#counts.Held += moves.delta.Held;
	}

	read(): Record<OpenStatus, number> {
		return { ...this.#counts };
	}
}

function isOpen(status: DeliveryStatus): status is OpenStatus {
	return status === "Pending" || status === "Held";
}
