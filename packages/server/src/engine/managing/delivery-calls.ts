// Retries and cancels deliveries by hand, one by one or all that match a filter.
import type { AuditEntry } from "../../core/access/audit.ts";
import { customerOf, narrowed, projectOf, type Scope } from "../../core/access/principal.ts";
import { SerialByKey } from "../../core/concurrency/serial-by-key.ts";
import { Turns } from "../../core/concurrency/turns.ts";
import {
	DELIVERY_STATUSES,
	isRetryLimitReached,
	type Delivery,
	type DeliveryChange,
	type DeliveryState,
	type DeliveryStatus,
} from "../../core/delivery.ts";
import { FanfareError } from "../../core/errors.ts";
import { changePosition, parseChangePosition, type Page, type PageRequest } from "../../core/page.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type {
	ChangedDelivery,
	DeliveryCount,
	DeliveryFilter,
	LoggedDelivery,
	LogStore,
} from "../../ports/store/log.ts";
import type { StatsStore } from "../../ports/store/stats.ts";
import type { Quotas } from "../accepting/quotas/quotas.ts";
import type { Change, CountOfMany, Deliveries, ManyChanged } from "../calls.ts";
import type { Committer } from "../committing/committer.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { PartsOn } from "../parts.ts";
import { checkTold } from "../status/current.ts";
import { auditEntry } from "./changes/audit-entries.ts";
import { notChangeable, tooManyRetries } from "./changes/delivery-refusals.ts";
import { ToldOthers, type Told } from "./changes/told-others.ts";

type Parts = Pick<
	PartsOn<LogStore & Pick<StatsStore, "statusCounts">>,
	"store" | "clock" | "ids" | "changeRates" | "membership"
>;

interface Neighbours {
	readonly committer: Committer;
	readonly line: Pick<DeliveryLine, "discard" | "discardAll" | "retried">;
	readonly directory: Directory;
	readonly live: LiveReporter;
	readonly quotas: Pick<Quotas, "refusalOfRetries">;
}

/** Deliveries read and changed in one step. The event loop goes on between steps. */
const STEP = 200;
/** Steps that change deliveries at once, of all projects: only so many changes come before those of attempts and of single deliveries. */
const MOST_STEPS = 4;
/** Calls of a project that wait for their next step, each for a fraction of a second. */
const MOST_WAITING = 256;
/** Deliveries examined by one call with a filter, at most. */
const MAX_PER_CALL = 10_000;
/** A call that takes longer ends early: few of very many deliveries match. */
const MANY_MS = 10_000;
/** A count that takes longer ends early, as incomplete. */
const COUNT_MS = 2_000;
/** Whoever repeats a call that cancels because others were perhaps not told does so within this time. */
const TOLD_AGAIN_MS = 3_600_000;
/** They are looked for so long. */
const TELL_AGAIN_MS = 2_000;
const RETRYABLE: readonly DeliveryStatus[] = ["Failed", "Cancelled", "Pending"];
const CANCELLABLE: readonly DeliveryStatus[] = ["Pending", "Held"];

/** How a call changes many deliveries. */
interface ManyChanges {
	/** The change of a delivery; null to skip it. */
	readonly changeOf: (delivery: Delivery) => DeliveryChange | null;
	/** Why no more deliveries may be changed now; null while they may. */
	readonly refusal?: () => Promise<FanfareError | null>;
	/** Gets, for each change, whether the other processes know of it. */
	readonly tellings?: Promise<boolean>[];
}

/** What a change led to. */
interface Applied {
	/** The delivery with the state after the commit; null if it no longer exists. */
	readonly after: LoggedDelivery | null;
	/** Whether this change has changed it. Something else may have been faster since it was read. */
	readonly changed: boolean;
	/** Whether no other process attempts it any more, if it is cancelled. */
	readonly told: Promise<boolean>;
}

/** The changes that an operator makes to deliveries. They go through the committer, like the outcomes of attempts. */
export class DeliveryCalls implements Deliveries {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	/** A project counts one after the other, and each of its customers, too: none waits for another one's. */
	readonly #counts = new SerialByKey();
	/** A project makes one step after the other, in turns of its customers, and so in turns of its calls. */
	readonly #steps: Turns;
	/** What steps change stands before the outcomes of attempts: a few projects change something at once. */
	readonly #changes: Turns;
	readonly #told = new ToldOthers();

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
		const refusal = (message: string) =>
			new FanfareError("overloaded", `Too many deliveries are being changed: ${message}.`);
		const turns = { mostOfOne: 1, maxWaitMs: MANY_MS, clock: parts.clock, refusal };
		this.#steps = new Turns({ ...turns, most: Infinity });
		this.#changes = new Turns({ ...turns, most: MOST_STEPS });
	}

	async retry({ scope, audit }: Change, deliveryId: string): Promise<LoggedDelivery> {
		const delivery = await this.#find(scope, deliveryId);
		if (!isRetryable(delivery)) throw notChangeable(delivery, "retried", RETRYABLE);
		if (!this.#near.directory.isDeliverable(delivery.webhookId)) {
			throw new FanfareError(
				"webhook_not_active",
				"The delivery's webhook is paused, disabled or deleted. Resume it first.",
			);
		}
		if ((await this.#parts.store.eventBody(scope, delivery.eventId)) === null) {
			throw new FanfareError("payload_erased", "The event's payload was erased, so it can't be sent again.");
		}
		const refusal = await this.#refusalOfRetries(scope);
		if (refusal !== null) throw refusal;
		const entry = auditEntry(this.#parts, audit, { objectId: deliveryId, projectId: delivery.projectId });
		const applied = await this.#apply(delivery, { type: "retry", at: this.#parts.clock.now() }, entry);
		const { after } = applied;
		// The commit decides: the last retry may have been made since the delivery was read.
		if (after !== null && isRetryable(after) && isRetryLimitReached(after)) throw tooManyRetries();
		return this.#shown(scope, deliveryId, applied);
	}

	async cancel({ scope, audit }: Change, deliveryId: string): Promise<LoggedDelivery> {
		const delivery = await this.#find(scope, deliveryId);
		if (isCancelledByHand(delivery)) {
			await checkTold([this.#tellAgain(scope, [delivery], () => this.#near.line.discard(delivery))]);
		}
		if (!CANCELLABLE.includes(delivery.status)) throw notChangeable(delivery, "cancelled", CANCELLABLE);
		const entry = auditEntry(this.#parts, audit, { objectId: deliveryId, projectId: delivery.projectId });
		const applied = await this.#apply(delivery, CANCEL, entry);
		await checkTold([applied.told]);
		return this.#shown(scope, deliveryId, applied);
	}

	/** The answer to a change. What was changed is not read again: that read could be refused, and the change would look undone. */
	#shown(scope: Scope, deliveryId: string, { after, changed }: Applied): Promise<LoggedDelivery> {
		return changed && after !== null ? Promise.resolve(after) : this.#find(scope, deliveryId);
	}

	retryMany(change: Change, filter: DeliveryFilter, goesOnAt: string | null = null): Promise<ManyChanged> {
		return this.#many(change, within(filter, RETRYABLE), goesOnAt, {
			changeOf: (delivery) => {
				if (!isRetryable(delivery) || isRetryLimitReached(delivery)) return null;
				if (!this.#near.directory.isDeliverable(delivery.webhookId)) return null;
				return { type: "retry", at: this.#parts.clock.now() };
			},
			refusal: () => this.#refusalOfRetries(change.scope),
		});
	}

	/** Attempts on schedule go on when a project has used up its quota of bytes. Those by hand could go far beyond it. */
	#refusalOfRetries(scope: Scope): Promise<FanfareError | null> {
		return this.#near.quotas.refusalOfRetries(this.#near.directory.project(projectOf(scope)), scope);
	}

	async cancelMany(change: Change, filter: DeliveryFilter, goesOnAt: string | null = null): Promise<ManyChanged> {
		const wanted = within(filter, CANCELLABLE);
		const { membership } = this.#parts;
		const tellings: Promise<boolean>[] = [];
		const cancelled = ({ status }: Delivery) => (CANCELLABLE.includes(status) ? CANCEL : null);
		const mayTellAgain = membership !== undefined && wanted.statuses?.length !== 0;
		// Before it changes any itself.
		const earlier = mayTellAgain ? await this.#cancelledLately(change.scope, filter, goesOnAt) : [];
		const result = await this.#many(change, wanted, goesOnAt, { changeOf: cancelled, tellings });
		tellings.push(this.#tellAgain(change.scope, earlier, (ids) => this.#near.line.discardAll(ids)));
		await checkTold(tellings);
		return result;
	}

	/** Whoever has cancelled these may not have reached the others: those of which this process has not told them are told now. */
	#tellAgain(
		scope: Scope,
		cancelled: readonly Delivery[],
		tell: (ids: readonly string[]) => Promise<boolean>,
	): Promise<boolean> {
		const { clock, membership } = this.#parts;
		if (membership === undefined) return Promise.resolve(true);
		const lately = clock.now() - TOLD_AGAIN_MS;
		const wanted = cancelled.filter(({ updateDate }) => updateDate >= lately).map(asTold);
		return this.#told.tell(projectOf(scope), wanted, tell);
	}

	/**
	 * The newest deliveries that were cancelled by hand, of those that this call would cancel. To tell of more than the filter matches does no harm.
	 */
	async #cancelledLately(scope: Scope, filter: DeliveryFilter, goesOnAt: string | null): Promise<readonly Delivery[]> {
		const { clock, store } = this.#parts;
		this.#near.directory.project(projectOf(scope));
		const { webhookId, eventTypes, customerId = null, tag = null, responseCodes, causes } = filter;
		const updatedAfter = clock.now() - TOLD_AGAIN_MS;
		const shared = { webhookId, eventTypes, customerId, tag, responseCodes, causes, updatedAfter, updatedBefore: null };
		const endAt = clock.monotonicMs() + TELL_AGAIN_MS;
		// Those from there on belong to the calls before this one.
		const before = goesOnAt === null ? null : parseChangePosition(goesOnAt)?.deliveryId;
		const isOfThisCall = ({ id }: Delivery) => typeof before !== "string" || id < before;
		const found: Delivery[] = [];
		let examined = 0;
		for (let cursor: PageRequest["cursor"] = null; examined < MAX_PER_CALL && clock.monotonicMs() < endAt;) {
			const request = { limit: STEP, cursor };
			const page: Page<ChangedDelivery> = await store.changedDeliveries(
				scope,
				{ ...shared, statuses: ["Cancelled"] },
				request,
			);
			const ofPage = page.rows.map(({ delivery }) => delivery);
			examined += ofPage.length;
			found.push(...ofPage.filter((delivery) => isCancelledByHand(delivery) && isOfThisCall(delivery)));
			const place = page.stoppedAt ?? page.rows.at(-1)?.position ?? null;
			if (!page.hasOlder || place === null) break;
			cursor = { direction: "older", id: place };
		}
		return found;
	}

	async count(scope: Scope, filter: DeliveryFilter): Promise<CountOfMany> {
		const { clock, store } = this.#parts;
		this.#near.directory.project(projectOf(scope));
		// What a customer sees can be less: types become internal.
		const counted = scope.kind === "customer" ? null : statusesOnly(filter);
		if (counted !== null) {
			const counts = await store.statusCounts(scopeOf(scope, filter), filter.webhookId);
			const count = counted.reduce((sum, status) => sum + counts[status], 0);
			return { count, complete: true, scannedTo: null };
		}
		return this.#counts.run(`${projectOf(scope)} ${customerOf(scope) ?? ""}`, async () => {
			const endAt = clock.monotonicMs() + COUNT_MS;
			for (let count = 0, goesOnAt: string | null = null; ;) {
				const step: DeliveryCount = await store.countDeliveries(scope, filter, goesOnAt);
				count += step.count;
				goesOnAt = step.goesOnAt;
				if (goesOnAt === null) return { count, complete: true, scannedTo: null };
				if (clock.monotonicMs() >= endAt) return { count, complete: false, scannedTo: step.scannedTo };
			}
		});
	}

	/**
	 * Goes through the matching deliveries in steps, newest first. The audit entry is written with the first delivery that
	 * changes. If a later step can't be read, gets no turn, or is refused, the call ends with what it has done so far.
	 *
	 * What has changed since the first call is left out: a delivery that is retried and fails again would be met without end.
	 */
	async #many(
		{ scope, audit }: Change,
		wanted: DeliveryFilter,
		goesOnAt: string | null,
		{ changeOf, refusal, tellings = [] }: ManyChanges,
	): Promise<ManyChanged> {
		const projectId = projectOf(scope);
		const { store, clock } = this.#parts;
		this.#near.directory.project(projectId);
		const entry = auditEntry(this.#parts, audit, { objectId: projectId, projectId });
		const place = goesOnAt === null ? null : parseChangePosition(goesOnAt);
		const changedUpTo = place?.change ?? (await store.changeBound(scope, clock.now()));
		const filter = { ...wanted, changedUpTo };
		const endAt = clock.monotonicMs() + MANY_MS;
		let [matched, changed] = [0, 0];
		let before = place?.deliveryId ?? null;
		const result = (): ManyChanged => {
			const goesOnAt = before === null ? null : changePosition({ change: changedUpTo, deliveryId: before });
			return { matched, changed, complete: false, goesOnAt };
		};
		while (matched < MAX_PER_CALL && clock.monotonicMs() < endAt) {
			const cursor = before === null ? null : ({ direction: "older", id: before } as const);
			// Read in its turn: what the filter finds may be changed while the call waits for it.
			const step = async () => {
				const refused = (await refusal?.()) ?? null;
				if (refused !== null && matched === 0) throw refused;
				if (refused !== null) return null;
				const page = await this.#page(scope, filter, cursor, changed > 0);
				if (page === null) return null;
				const change = () => this.#applyAll(page.rows, changeOf, changed === 0 ? entry : null);
				return {
					...page,
					applied: await this.#changes.run(projectId, { mostWaiting: Infinity, isPatient: true }, change),
				};
			};
			const stepped = await this.#inTurn(scope, step, matched > 0);
			if (stepped === null) return result();
			const { rows, hasOlder, stoppedAt, applied } = stepped;
			matched += rows.length;
			changed += applied.filter((each) => each.changed).length;
			tellings.push(...applied.map(({ told }) => told));
			before = stoppedAt ?? rows.at(-1)?.id ?? before;
			if (!hasOlder) return { matched, changed, complete: true, goesOnAt: null };
		}
		return result();
	}

	/** Reads a page of deliveries. If that is refused, null with `mayFail`, and otherwise it rejects. */
	async #page(scope: Scope, filter: DeliveryFilter, cursor: PageRequest["cursor"], mayFail: boolean) {
		try {
			return await this.#parts.store.deliveries(scope, filter, { limit: STEP, cursor });
		} catch (error) {
			if (mayFail && error instanceof StoreError) return null;
			throw error;
		}
	}

	/** Makes a step in the turn of its project. If that is refused, null with `mayFail`, and otherwise it rejects. */
	async #inTurn<T>(scope: Scope, step: () => Promise<T>, mayFail: boolean): Promise<T | null> {
		const place = { mostWaiting: MOST_WAITING, part: customerOf(scope) ?? "" };
		let hasBegun = false;
		const begin = () => {
			hasBegun = true;
			return step();
		};
		try {
			return await this.#steps.run(projectOf(scope), place, begin);
		} catch (error) {
			if (mayFail && !hasBegun) return null;
			throw error;
		}
	}

	#applyAll(
		rows: readonly LoggedDelivery[],
		changeOf: (delivery: Delivery) => DeliveryChange | null,
		entry: AuditEntry | null,
	): Promise<Applied[]> {
		return Promise.all(
			rows.flatMap((delivery) => {
				const change = changeOf(delivery);
				return change === null ? [] : [this.#apply(delivery, change, entry)];
			}),
		);
	}

	/** Commits a change of a delivery as it was read. The store applies it to the state that the delivery has by then. */
	async #apply(delivery: LoggedDelivery, change: DeliveryChange, entry: AuditEntry | null): Promise<Applied> {
		const at = this.#parts.clock.now();
		const result = await this.#near.committer.update({ deliveryId: delivery.id, at, change, attempt: null, entry });
		let told = Promise.resolve(true);
		if (result === null) return { after: null, changed: false, told };
		const { state, changed } = result;
		if (state.status === "Cancelled") {
			told = this.#near.line.discard(delivery);
			const { projectId } = delivery;
			if (changed && this.#parts.membership !== undefined) this.#told.note(projectId, [{ id: delivery.id, at }], told);
		} else if (state.nextAttemptAt !== null && state.leaseUntil === null) {
			this.#near.line.retried(delivery, state.nextAttemptAt);
		}
		if (changed && state.status !== "Cancelled") this.#told.forget(delivery.projectId, delivery.id);
		if (changed) this.#near.live.deliveryUpdated(delivery, state);
		return { after: { ...delivery, ...state, updateDate: changed ? at : delivery.updateDate }, changed, told };
	}

	async #find(scope: Scope, deliveryId: string): Promise<LoggedDelivery> {
		this.#near.directory.project(projectOf(scope));
		const delivery = await this.#parts.store.delivery(scope, deliveryId);
		if (delivery === null) throw new FanfareError("delivery_not_found", "There is no such delivery in this project.");
		return delivery;
	}
}

const CANCEL = { type: "cancel", reason: "cancelled by hand" } as const;

/** The part of a filter with these statuses. */
function within(filter: DeliveryFilter, statuses: readonly DeliveryStatus[]): DeliveryFilter {
	return { ...filter, statuses: statuses.filter((status) => filter.statuses?.includes(status) ?? true) };
}

/** The statuses that a filter selects, if it says nothing else but whose deliveries are wanted; else null. */
function statusesOnly(filter: DeliveryFilter): readonly DeliveryStatus[] | null {
	const { statuses, webhookId: _webhookId, customerId: _customerId, ...others } = filter;
	if (Object.values(others).some((value) => value !== null)) return null;
	return statuses === null ? DELIVERY_STATUSES : [...new Set(statuses)];
}

/** The scope of a count, which the customer of a filter makes smaller. */
function scopeOf(scope: Scope, { customerId = null }: DeliveryFilter): Scope {
	return narrowed(scope, customerId);
}

function asTold({ id, updateDate }: Delivery): Told {
	return { id, at: updateDate };
}

function isRetryable({ status }: DeliveryState): boolean {
	return RETRYABLE.includes(status);
}

function isCancelledByHand({ status, reason }: DeliveryState): boolean {
	return status === "Cancelled" && reason === CANCEL.reason;
}
