// Retries and cancels deliveries by hand, one by one or all that match a filter.
import type { AuditEntry } from "../../core/access/audit.ts";
import { wholeProject, type Scope } from "../../core/access/principal.ts";
import type { Delivery, DeliveryChange, DeliveryState, DeliveryStatus } from "../../core/delivery.ts";
import { FanfareError } from "../../core/errors.ts";
import type { DeliveryFilter, LogStore } from "../../ports/store/log.ts";
import type { Change, Deliveries, ManyChanged } from "../calls.ts";
import type { Committer } from "../committing/committer.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { PartsOn } from "../parts.ts";
import { auditEntry } from "./audit-entries.ts";

type Parts = Pick<PartsOn<LogStore>, "store" | "clock" | "ids">;

interface Neighbours {
	readonly committer: Committer;
	readonly line: Pick<DeliveryLine, "discard" | "due">;
	readonly directory: Directory;
	readonly live: LiveReporter;
}

/** Deliveries read and changed in one step. The event loop goes on between steps. */
const STEP = 200;
/** Deliveries examined by one call with a filter, at most. */
const MAX_PER_CALL = 10_000;
const RETRYABLE: readonly DeliveryStatus[] = ["Failed", "Cancelled", "Pending"];
const CANCELLABLE: readonly DeliveryStatus[] = ["Pending", "Held"];

/** The changes that an operator makes to deliveries. They go through the committer, like the outcomes of attempts. */
export class DeliveryCalls implements Deliveries {
	readonly #parts: Parts;
	readonly #near: Neighbours;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	async retry({ scope, audit }: Change, deliveryId: string): Promise<Delivery> {
		const delivery = await this.#find(scope, deliveryId);
		if (!RETRYABLE.includes(delivery.status)) throw notChangeable(delivery, "retried", RETRYABLE);
		if (!this.#near.directory.isDeliverable(delivery.webhookId)) {
			throw new FanfareError(
				"webhook_not_active",
				"The delivery's webhook is paused, disabled or deleted. Resume it first.",
			);
		}
		if ((await this.#parts.store.eventBody(scope, delivery.eventId)) === null) {
			throw new FanfareError("payload_erased", "The event's payload was erased, so it can't be sent again.");
		}
		const entry = auditEntry(this.#parts, audit, { objectId: deliveryId, projectId: delivery.projectId });
		await this.#apply(delivery, { type: "retry", at: this.#parts.clock.now() }, entry);
		return this.#find(scope, deliveryId);
	}

	async cancel({ scope, audit }: Change, deliveryId: string): Promise<Delivery> {
		const delivery = await this.#find(scope, deliveryId);
		if (!CANCELLABLE.includes(delivery.status)) throw notChangeable(delivery, "cancelled", CANCELLABLE);
		const entry = auditEntry(this.#parts, audit, { objectId: deliveryId, projectId: delivery.projectId });
		await this.#apply(delivery, CANCEL, entry);
		return this.#find(scope, deliveryId);
	}

	retryMany(change: Change, filter: DeliveryFilter): Promise<ManyChanged> {
		return this.#many(change, filter, (delivery) => {
			if (!RETRYABLE.includes(delivery.status) || !this.#near.directory.isDeliverable(delivery.webhookId)) return null;
			return { type: "retry", at: this.#parts.clock.now() };
		});
	}

	cancelMany(change: Change, filter: DeliveryFilter): Promise<ManyChanged> {
		return this.#many(change, filter, ({ status }) => (CANCELLABLE.includes(status) ? CANCEL : null));
	}

	/**
	 * Goes through the matching deliveries in steps, newest first. The audit entry is written with the first delivery that
	 * changes.
	 */
	async #many(
		{ scope, audit }: Change,
		filter: DeliveryFilter,
		changeOf: (delivery: Delivery) => DeliveryChange | null,
	): Promise<ManyChanged> {
		const projectId = wholeProject(scope);
		this.#near.directory.project(projectId);
		const entry = auditEntry(this.#parts, audit, { objectId: projectId, projectId });
		let [matched, changed] = [0, 0];
		let before: string | null = null;
		while (matched < MAX_PER_CALL) {
			const cursor = before === null ? null : ({ direction: "older", id: before } as const);
			const { rows, hasOlder } = await this.#parts.store.deliveries(scope, filter, { limit: STEP, cursor });
			matched += rows.length;
			changed += await this.#applyAll(rows, changeOf, changed === 0 ? entry : null);
			before = rows.at(-1)?.id ?? null;
			if (!hasOlder || before === null) return { matched, changed, complete: true };
		}
		return { matched, changed, complete: false };
	}

	async #applyAll(
		rows: readonly Delivery[],
		changeOf: (delivery: Delivery) => DeliveryChange | null,
		entry: AuditEntry | null,
	): Promise<number> {
		const changed = await Promise.all(
			rows.map((delivery) => {
				const change = changeOf(delivery);
				return change === null ? Promise.resolve(false) : this.#apply(delivery, change, entry);
			}),
		);
		return changed.filter(Boolean).length;
	}

	/** True if it changed the delivery. Of two equal changes at once only the first returns true. */
	async #apply(delivery: Delivery, change: DeliveryChange, entry: AuditEntry | null): Promise<boolean> {
		const at = this.#parts.clock.now();
		const state = await this.#near.committer.update({ deliveryId: delivery.id, at, change, attempt: null, entry });
		if (state === null) return false;
		if (state.status === "Cancelled") this.#near.line.discard(delivery.id);
		else if (state.nextAttemptAt !== null && state.leaseUntil === null) {
			this.#near.line.due(delivery.webhookId, state.nextAttemptAt);
		}
		const changed = differs(delivery, state);
		if (changed) this.#near.live.deliveryUpdated(delivery, state);
		return changed;
	}

	async #find(scope: Scope, deliveryId: string): Promise<Delivery> {
		this.#near.directory.project(wholeProject(scope));
		const delivery = await this.#parts.store.delivery(scope, deliveryId);
		if (delivery === null) throw new FanfareError("delivery_not_found", "There is no such delivery in this project.");
		return delivery;
	}
}

const CANCEL = { type: "cancel", reason: "cancelled by hand" } as const;

function notChangeable({ status }: Delivery, how: string, changeable: readonly DeliveryStatus[]): FanfareError {
	const statuses = `${changeable.slice(0, -1).join(", ")} and ${changeable.at(-1)}`;
	return new FanfareError(
		"delivery_not_changeable",
		`A delivery that is ${status} can't be ${how}. Only ${statuses} deliveries can.`,
	);
}

function differs(before: DeliveryState, after: DeliveryState): boolean {
	return before.status !== after.status || before.nextAttemptAt !== after.nextAttemptAt;
}
