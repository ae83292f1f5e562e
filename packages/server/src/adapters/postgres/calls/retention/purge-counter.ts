// What a step of a purge has deleted, for its result and for the stats.
import type { DeliveryStatus } from "../../../../core/delivery.ts";
import type { Purged } from "../../../../ports/store/retention.ts";
import type { StatsChanges } from "../../stats/journal.ts";

/** Deletions belong to no minute of the stats. With one date for all of them, those of a webhook share one row. */
const NO_MINUTE = 0;

export class PurgeCounter {
	readonly purged = { events: 0, deliveries: 0, attempts: 0, payloads: 0 };
	readonly #project: string;
	readonly #changes: StatsChanges;

	/** `project` is a UUID. */
	constructor(project: string, changes: StatsChanges) {
		this.#project = project;
		this.#changes = changes;
	}

	get rows(): number {
		const { events, deliveries, attempts, payloads } = this.purged;
		return events + deliveries + attempts + payloads;
	}

	/** These bytes of the project are gone. */
	freed(bytes: number): void {
		this.#changes.storedBytes(this.#project, NO_MINUTE, -bytes);
	}

	deliveryDeleted(webhook: string, status: DeliveryStatus): void {
		this.purged.deliveries += 1;
		this.#changes.moved({ project: this.#project, webhook }, NO_MINUTE, status, null);
	}

	result(): Purged {
		return { ...this.purged };
	}
}
