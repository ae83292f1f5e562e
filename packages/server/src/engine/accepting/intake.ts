// The intake accepts events. A send resolves when the event and its deliveries are committed. A refused send leaves
// nothing in the store.
import type { EventCustomers } from "../../core/access/customer.ts";
import { wholeProject, type Scope } from "../../core/access/principal.ts";
import { newDelivery, newHeldDelivery, type DeliveryState } from "../../core/delivery.ts";
import { FanfareError, invalidRequest } from "../../core/errors.ts";
import { isReservedEventType, RESERVED_TYPE_MESSAGE } from "../../core/event-type.ts";
import { buildBody, MAX_BODY_BYTES, NO_TAGS, type EventInput } from "../../core/event.ts";
import { deliveryIdAt } from "../../core/ids.ts";
import { heldReason } from "../../core/webhook.ts";
import type { Project } from "../../core/workspace.ts";
import type { AcceptResult, NewEvent } from "../../ports/store/accept.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { Intake as IntakeCalls, SentEvent } from "../calls.ts";
import type { Committer } from "../committing/committer.ts";
import type { PendingSend } from "../committing/pending.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { KnownWebhook } from "../directory/webhook-table.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { EventTypeCalls } from "../managing/event-type-calls.ts";
import type { EngineLimits, EngineParts } from "../parts.ts";
import { fingerprint } from "./fingerprint.ts";
import type { Quotas } from "./quotas/quotas.ts";
import { asRefusal, idempotencyConflict, refusalOf, refusalOfNothing, tooLarge, TOO_MANY_WAIT } from "./refusals.ts";
import { namesDeleted, refusalOfTargets, targetsOf } from "./targets.ts";

type Parts = Pick<EngineParts, "clock" | "ids" | "observer">;
type Limits = Pick<EngineLimits, "maxWaitingSends" | "maxWaitingBytes">;

interface Neighbours {
	readonly committer: Committer;
	readonly line: DeliveryLine;
	readonly directory: Directory;
	readonly eventTypes: Pick<EventTypeCalls, "check">;
	readonly live: LiveReporter;
	readonly quotas: Quotas;
}

/** Besides its body, an event takes about this much memory while it waits for its commit. */
const OVERHEAD_BYTES = 512;

/** An event is built again at most this often: each time, something in its project has changed meanwhile. */
const MAX_STALE_COMMITS = 20;

/** No project has this version: the store never accepts an event that was built on it. */
const NO_VERSION = -1;
const NO_BODY = Uint8Array.of(0);
const NO_REPEATS: ReadonlySet<EventInput> = new Set();

/** What one of Fanfare's own events has in common with all others. */
const OWN_EVENT = { timestamp: null, idempotencyKey: null, webhookIds: null, traceparent: null, tags: NO_TAGS };

/** The caller that waits for a send. */
interface Caller {
	readonly resolve: (sent: SentEvent) => void;
	readonly reject: (error: FanfareError) => void;
	/** How many commits have told that the event was built on an older version of its project. */
	readonly staleCommits: number;
}

/** States: open, from the beginning; closed after `close`, when sends are refused except for Fanfare's own events. */
export class Intake implements IntakeCalls {
	readonly #parts: Parts;
	readonly #limits: Limits;
	readonly #near: Neighbours;
	#open = true;

	constructor(parts: Parts, limits: Limits, near: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
	}

	/** From now on each send is refused with `shutting_down`. The sends that wait are still committed. */
	close(): void {
		this.#open = false;
	}

	async send(scope: Scope, input: EventInput): Promise<SentEvent> {
		const projectId = wholeProject(scope);
		const project = this.#near.directory.project(projectId);
		if (isReservedEventType(input.type)) throw this.#reserved();
		this.#checkRoom(projectId, 1, input.dataJson.length);
		// The project takes only events of its event types, and only with data that fits the schema of the type.
		const { quotas } = this.#near;
		if (project.eventTypes === "catalogued") {
			// A refusal must cost less than the check that would come before it.
			const beyond = await this.#beyondQuotas(project, [input]);
			if (beyond !== null) return this.#refuseNew(projectId, input, beyond);
			const refusal = await this.#checkEventType(projectId, input);
			// The intake may have been closed, or have filled up, in the meantime.
			this.#checkRoom(projectId, 1, input.dataJson.length);
			if (refusal !== null) return this.#refuseNew(projectId, input, refusal);
		}
		if (!quotas.applyTo(project)) return this.#sendOne(projectId, input);
		await this.#readyForQuotas(project, [input]);
		const refusal = quotas.take(project, [input]);
		if (refusal !== null) return this.#refuseNew(projectId, input, refusal);
		return quotas.settle(projectId, input, this.#sendOne(projectId, input));
	}

	/**
	 * Sends one of Fanfare's own events, which is not checked by the project's event types. This works while the intake
	 * is closed, too, so that failures and recoveries during a shutdown are reported. Throws `overloaded`, `store_full`,
	 * `store_unavailable`, `outcome_unknown`.
	 */
	async sendOwn(projectId: string, type: string, dataJson: string, customers: EventCustomers): Promise<void> {
		const { committer } = this.#near;
		// No own event is larger than all of the room.
		const isFull = committer.waitingSends >= this.#limits.maxWaitingSends;
		if (isFull || !committer.hasRoom(projectId, 1, dataJson.length, this.#limits)) {
			throw this.#refused("overloaded", TOO_MANY_WAIT);
		}
		await this.#sendOne(projectId, { ...OWN_EVENT, type, dataJson, customers });
	}

	async sendBatch(scope: Scope, inputs: readonly EventInput[]): Promise<readonly (SentEvent | FanfareError)[]> {
		const projectId = wholeProject(scope);
		const project = this.#near.directory.project(projectId);
		const length = lengthOf(inputs);
		this.#checkRoom(projectId, inputs.length, length);
		const isChecked = project.eventTypes === "catalogued";
		const { quotas } = this.#near;
		// As above.
		const repeats = isChecked ? await this.#repeatsBeyondQuotas(project, inputs) : NO_REPEATS;
		const refusals = isChecked
			? await Promise.all(inputs.map((input) => this.#checkEventType(projectId, input).catch(asRefusal)))
			: [];
		if (isChecked) this.#checkRoom(projectId, inputs.length, length);
		const isMetered = quotas.applyTo(project);
		const fitting = (input: EventInput, index: number) =>
			!repeats.has(input) && !isReservedEventType(input.type) && (refusals[index] ?? null) === null;
		const metered = new Set(isMetered ? await this.#takeForBatch(project, inputs.filter(fitting)) : []);
		const results = await Promise.all(
			inputs.map((input, index): Promise<SentEvent | FanfareError> => {
				if (isReservedEventType(input.type)) return Promise.resolve(this.#reserved());
				const refusal = refusals[index] ?? null;
				const sent = refusal === null ? this.#sendOne(projectId, input) : this.#refuseNew(projectId, input, refusal);
				return (metered.has(input) ? quotas.settle(projectId, input, sent) : sent).catch(asRefusal);
			}),
		);
		const fatal = results.filter((result) => result instanceof FanfareError && result.kind === "unavailable");
		if (fatal.length > 0 && results.every((result) => result instanceof FanfareError)) {
			// Any other says that nothing was accepted.
			throw fatal.find((result) => result instanceof FanfareError && result.code === "outcome_unknown") ?? fatal[0];
		}
		return results;
	}

	/** The refusal of events of which not even the smallest one is within the quotas; null if there is room for it. */
	async #beyondQuotas(project: Project, inputs: readonly EventInput[]): Promise<FanfareError | null> {
		const { quotas } = this.#near;
		if (!quotas.applyTo(project)) return null;
		await this.#readyForQuotas(project, inputs);
		return quotas.beyond(project, inputs);
	}

	/**
	 * Refuses a batch of which not even one new event is within the quotas. Returns the events that are exempt, if that had to be looked up:
	 * repeats of accepted sends.
	 */
	async #repeatsBeyondQuotas(project: Project, inputs: readonly EventInput[]): Promise<ReadonlySet<EventInput>> {
		const refusal = await this.#beyondQuotas(project, inputs);
		if (refusal === null) return NO_REPEATS;
		// Without an idempotency key, it is new.
		if (inputs.some(({ idempotencyKey }) => idempotencyKey === null)) throw this.#counted(refusal);
		const rest = await this.#newOf(project, inputs);
		await this.#readyForQuotas(project, rest);
		const refusalOfRest = rest.length === 0 ? null : this.#near.quotas.beyond(project, rest);
		if (refusalOfRest !== null) throw this.#counted(refusalOfRest);
		const isNew = new Set(rest);
		return new Set(inputs.filter((input) => !isNew.has(input)));
	}

	/** Those of some events that are not repeats of accepted sends. */
	async #newOf(project: Project, inputs: readonly EventInput[]): Promise<readonly EventInput[]> {
		const isKnown = await Promise.all(inputs.map((input) => this.#isKeyKnown(project.id, input)));
		return inputs.filter((_, index) => !isKnown[index]);
	}

	/** Prepares the quotas. The intake may have been closed, or have filled up, in the meantime. */
	async #readyForQuotas(project: Project, inputs: readonly EventInput[]): Promise<void> {
		try {
			await this.#near.quotas.ready(project);
		} catch (error) {
			throw error instanceof StoreError ? this.#counted(refusalOfNothing(error)) : error;
		}
		this.#checkRoom(project.id, inputs.length, lengthOf(inputs));
	}

	/**
	 * Takes what the events of a batch need of the quotas. Returns those that must be settled: all, or, if they are too many, all that
	 * are not repeats of accepted sends. Throws the refusal of the whole batch if these are still too many.
	 */
	async #takeForBatch(project: Project, inputs: readonly EventInput[]): Promise<readonly EventInput[]> {
		await this.#readyForQuotas(project, inputs);
		const { quotas } = this.#near;
		const refusal = quotas.take(project, inputs);
		if (refusal === null) return inputs;
		const rest = await this.#newOf(project, inputs);
		// What a project stores may have been forgotten while the store looked.
		await this.#readyForQuotas(project, rest);
		const refusalOfRest = rest.length === inputs.length ? refusal : quotas.take(project, rest);
		if (refusalOfRest !== null) throw this.#counted(refusalOfRest);
		return rest;
	}

	/** Checks an event by the project's event types. Resolves with the refusal, or null if the event fits. */
	async #checkEventType(projectId: string, input: EventInput): Promise<FanfareError | null> {
		const issues = await this.#near.eventTypes.check(projectId, input);
		return issues.length === 0 ? null : invalidRequest(issues);
	}

	/** The refusal of an event whose type is reserved for Fanfare's own events. */
	#reserved(): FanfareError {
		return this.#counted(invalidRequest([{ path: "type", message: RESERVED_TYPE_MESSAGE }]));
	}

	/** Throws `shutting_down`, or `overloaded` if there is no room for this many more events and bytes of the project. */
	#checkRoom(projectId: string, count: number, bytes: number): void {
		if (!this.#open) {
			throw this.#refused("shutting_down", "The server is shutting down. Send the event again after the restart.");
		}
		if (this.#near.committer.hasRoom(projectId, count, bytes, this.#limits)) return;
		throw this.#refused("overloaded", TOO_MANY_WAIT);
	}

	#refused(code: "shutting_down" | "overloaded", message: string): FanfareError {
		return this.#counted(new FanfareError(code, message));
	}

	/** Counts a refusal. */
	#counted(refusal: FanfareError): FanfareError {
		this.#parts.observer.eventRefused(refusal.code);
		return refusal;
	}

	async #sendOne(projectId: string, input: EventInput): Promise<SentEvent> {
		const refusal = refusalOfTargets(this.#near.directory, projectId, input);
		if (refusal !== null) return this.#refuseNew(projectId, input, refusal);
		return new Promise((resolve, reject) => {
			this.#near.committer.send(this.#pendingSend(projectId, input, { resolve, reject, staleCommits: 0 }));
		});
	}

	/**
	 * Refuses an event because of the project's event types, customers, webhooks or quotas, unless it is a repeat of a send that was accepted
	 * before they changed: that resolves with the event.
	 */
	async #refuseNew(projectId: string, input: EventInput, refusal: FanfareError): Promise<SentEvent> {
		const known = await this.#findKey(projectId, input);
		if (known?.kind === "duplicate") return { event: known.event, duplicate: true };
		throw this.#counted(refusal);
	}

	/** Whether the store knows the idempotency key of an event, be it of the same event or of another. */
	async #isKeyKnown(projectId: string, input: EventInput): Promise<boolean> {
		const known = await this.#findKey(projectId, input);
		return known !== null && known.kind !== "stale";
	}

	/** Has the store look up the idempotency key of an event, and store nothing; null if the event has none. */
	#findKey(projectId: string, input: EventInput): Promise<AcceptResult | null> {
		if (input.idempotencyKey === null) return Promise.resolve(null);
		return new Promise((resolve, reject) => {
			this.#near.committer.send({
				projectId,
				bytes: OVERHEAD_BYTES,
				// The store compares the key first. If it does not know the key, the version makes it store nothing.
				build: () => ({ ...this.#build(projectId, input, 0, NO_BODY, []), projectVersion: NO_VERSION }),
				done: (_event, result) => resolve(result),
				failed: (_event, error) => reject(this.#counted(refusalOfNothing(error))),
			});
		});
	}

	#pendingSend(projectId: string, input: EventInput, caller: Caller): PendingSend {
		const acceptedAt = this.#parts.clock.now();
		const timestamp = input.timestamp ?? acceptedAt;
		const body = buildBody(input.type, timestamp, input.dataJson);
		if (body.length > MAX_BODY_BYTES) throw this.#counted(tooLarge(body.length));
		return {
			projectId,
			bytes: body.length + OVERHEAD_BYTES,
			build: () => this.#build(projectId, input, timestamp, body, this.#targets(projectId, input)),
			done: (event, result) => this.#done(input, event, result, caller),
			failed: (event, error) => {
				if (event !== null) this.#near.line.unreserve(event);
				caller.reject(this.#counted(refusalOf(error, input.idempotencyKey !== null)));
			},
		};
	}

	/** Builds the event and its deliveries just before the commit. Runs once per event, on the busy path. */
	#build(
		projectId: string,
		input: EventInput,
		timestamp: number,
		body: Uint8Array,
		webhooks: readonly KnownWebhook[],
	): NewEvent {
		const { clock, ids } = this.#parts;
		const { directory } = this.#near;
		const now = clock.now();
		const id = ids.makeEvent(webhooks.length, now);
		return {
			event: {
				id,
				projectId,
				type: input.type,
				timestamp,
				createDate: now,
				deliveryCount: webhooks.length,
				customers: input.customers,
				tags: input.tags,
			},
			// The deletion of a customer may have begun since the event was checked: then the store refuses it as stale.
			projectVersion: namesDeleted(directory, projectId, input) ? NO_VERSION : directory.versionOf(projectId),
			body,
			idempotency:
				input.idempotencyKey === null ? null : { key: input.idempotencyKey, fingerprint: fingerprint(input) },
			targets: targetsOf(input),
			traceparent: input.traceparent,
			deliveries: webhooks.map((webhook, index) => ({
				id: deliveryIdAt(id, index),
				webhookId: webhook.id,
				customerId: webhook.customerId,
				state: this.#firstState(webhook, body.length, now),
			})),
		};
	}

	/** The webhooks that get a delivery of the event, whatever their status. */
	#targets(projectId: string, input: EventInput): readonly KnownWebhook[] {
		const { directory } = this.#near;
		if (input.webhookIds === null) return directory.match(projectId, input.type, input.customers);
		return directory.webhooksIn(projectId, input.webhookIds);
	}

	/** The state of a new delivery: Held, or Pending and leased if the ready queue has room for it. */
	#firstState(webhook: KnownWebhook, bytes: number, now: number): DeliveryState {
		if (webhook.status !== "Enabled") return newHeldDelivery(heldReason(webhook));
		return newDelivery(now, this.#near.line.reserve(webhook, bytes, now));
	}

	/** Handles the store's result for a send. */
	#done(input: EventInput, accepted: NewEvent, result: AcceptResult, caller: Caller): void {
		switch (result.kind) {
			case "accepted":
				this.#parts.observer.eventAccepted(accepted.deliveries.length);
				this.#near.live.eventAccepted(accepted);
				this.#near.line.accepted(accepted);
				caller.resolve({ event: accepted.event, duplicate: false });
				return;
			case "duplicate":
				this.#near.line.unreserve(accepted);
				caller.resolve({ event: result.event, duplicate: true });
				return;
			case "conflict":
				this.#near.line.unreserve(accepted);
				caller.reject(this.#counted(idempotencyConflict()));
				return;
			case "stale":
				this.#near.line.unreserve(accepted);
				// A refusal is given to the caller, so this never rejects.
				void this.#sendAgain(accepted, input, caller);
		}
	}

	/** Matches an event again with the project as it is now: something in it has changed after the event was built. */
	async #sendAgain(
		{ event: { projectId }, projectVersion }: NewEvent,
		input: EventInput,
		caller: Caller,
	): Promise<void> {
		const { committer, directory } = this.#near;
		try {
			if (caller.staleCommits === MAX_STALE_COMMITS) {
				throw this.#refused("overloaded", "The project's settings change all the time. Send the event again later.");
			}
			// Usually the directory has been told in the meantime.
			if (directory.versionOf(projectId) === projectVersion) await directory.refresh("project", projectId);
			const { eventTypes } = directory.project(projectId);
			const isChecked = eventTypes === "catalogued" && !isReservedEventType(input.type);
			const refusal =
				(isChecked ? await this.#checkEventType(projectId, input) : null) ??
				refusalOfTargets(this.#near.directory, projectId, input);
			if (refusal !== null) throw this.#counted(refusal);
			committer.send(this.#pendingSend(projectId, input, { ...caller, staleCommits: caller.staleCommits + 1 }));
		} catch (error) {
			caller.reject(error instanceof StoreError ? this.#counted(refusalOfNothing(error)) : asRefusal(error));
		}
	}
}

function lengthOf(inputs: readonly EventInput[]): number {
	return inputs.reduce((sum, input) => sum + input.dataJson.length, 0);
}
