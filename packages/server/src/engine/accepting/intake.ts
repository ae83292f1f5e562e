// The intake accepts events. A send resolves when the event and its deliveries are committed. A refused send leaves
// nothing in the store.
import type { EventCustomers } from "../../core/access/customer.ts";
import { wholeProject, type Scope } from "../../core/access/principal.ts";
import { FanfareError, invalidRequest } from "../../core/errors.ts";
import { isReservedEventType, RESERVED_TYPE_MESSAGE } from "../../core/event-type.ts";
import { buildBody, MAX_BODY_BYTES, NO_TAGS, type EventInput } from "../../core/event.ts";
import type { Project } from "../../core/workspace.ts";
import type { AcceptResult, NewEvent } from "../../ports/store/accept.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { Intake as IntakeCalls, SentEvent } from "../calls.ts";
import type { Committer } from "../committing/committer.ts";
import type { PendingSend } from "../committing/pending.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { EventTypeCalls } from "../managing/event-type-calls.ts";
import type { EngineLimits, EngineParts } from "../parts.ts";
import { CheckedKeys } from "./checked-keys.ts";
import { EventBuilder, NO_VERSION } from "./event-builder.ts";
import type { Quotas } from "./quotas/quotas.ts";
import {
	asRefusal,
	CHANGES_ALL_THE_TIME,
	idempotencyConflict,
	refusalOf,
	refusalOfAll,
	refusalOfNothing,
	shuttingDown,
	tooLarge,
	TOO_MANY_WAIT,
} from "./refusals.ts";
import { refusalOfTargets } from "./targets.ts";

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

const NO_BODY = Uint8Array.of(0);
const NONE_KNOWN: ReadonlyMap<EventInput, AcceptResult> = new Map();
const NO_REFUSALS: ReadonlyMap<EventInput, FanfareError> = new Map();

/** What one of Fanfare's own events has in common with all others. */
const OWN_EVENT = { timestamp: null, idempotencyKey: null, webhookIds: null, traceparent: null, tags: NO_TAGS };

/** The caller that waits for a send. */
interface Caller {
	readonly resolve: (sent: SentEvent) => void;
	readonly reject: (error: FanfareError) => void;
	/** How many commits have told that the event was built on an older version of its project. */
	readonly staleCommits: number;
}

/** What is known of an event of a batch before it is sent. */
interface Found {
	readonly known: AcceptResult | undefined;
	/** The refusal of everything new. */
	readonly full: FanfareError | null;
	/** What the project's event types say against it. */
	readonly refusal: FanfareError | undefined;
}

/** States: open, from the beginning; closed after `close`, when sends are refused except for Fanfare's own events. */
export class Intake implements IntakeCalls {
	readonly #parts: Parts;
	readonly #limits: Limits;
	readonly #near: Neighbours;
	readonly #builder: EventBuilder;
	readonly #checkedKeys = new CheckedKeys();
	#open = true;

	constructor(parts: Parts, limits: Limits, near: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
		this.#builder = new EventBuilder(parts, near);
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
		if (project.eventTypes === "catalogued") return this.#sendChecked(project, input);
		return this.#sendWithin(project, input);
	}

	/** Each step spares the event the next one, which costs more, as in a batch. */
	async #sendChecked(project: Project, input: EventInput): Promise<SentEvent> {
		const { id: projectId } = project;
		const { idempotencyKey: key } = input;
		const beyond = await this.#beyondQuotas(project, [input]);
		if (beyond !== null) return this.#refuseNew(projectId, input, beyond);
		if (this.#checkedKeys.has(projectId, key)) {
			const known = await this.#findKey(projectId, input);
			if (known?.kind === "duplicate") return { event: known.event, duplicate: true };
			if (known?.kind === "conflict") throw this.#counted(idempotencyConflict());
		}
		let hasSchema = false;
		const refusal = await this.#checkEventType(projectId, input, () => (hasSchema = true));
		// The intake may have been closed, or have filled up, in the meantime.
		this.#checkRoom(projectId, 1, input.dataJson.length);
		if (refusal !== null) return this.#refuseNew(projectId, input, refusal);
		const sent = await this.#sendWithin(project, input);
		if (hasSchema && key !== null) this.#checkedKeys.note(projectId, key);
		return sent;
	}

	#sendWithin(project: Project, input: EventInput): Promise<SentEvent> {
		return this.#near.quotas.applyTo(project) ? this.#sendMetered(project, input) : this.#sendOne(project.id, input);
	}

	/** Sends an event if the quotas have room for it. */
	async #sendMetered(project: Project, input: EventInput): Promise<SentEvent> {
		await this.#readyForQuotas(project, [input]);
		const { quotas } = this.#near;
		const refusal = quotas.take(project, [input]);
		if (refusal !== null) return this.#refuseNew(project.id, input, refusal);
		return quotas.settle(project.id, input, this.#sendOne(project.id, input));
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
			throw this.#counted(new FanfareError("overloaded", TOO_MANY_WAIT));
		}
		await this.#sendOne(projectId, { ...OWN_EVENT, type, dataJson, customers });
	}

	/**
	 * Each step spares the events that it settles the next one, which costs more: repeats are looked up, then the quotas say whether there is room
	 * for the rest as a whole, then each of these is checked by the project's event types. Only what fits takes from the quotas, since a check
	 * can take seconds. Where nothing is checked, repeats are looked up only if the batch is beyond the quotas.
	 */
	async sendBatch(scope: Scope, inputs: readonly EventInput[]): Promise<readonly (SentEvent | FanfareError)[]> {
		const projectId = wholeProject(scope);
		const project = this.#near.directory.project(projectId);
		this.#checkRoom(projectId, inputs.length, lengthOf(inputs));
		const isChecked = project.eventTypes === "catalogued";
		const ordinary = inputs.filter(({ type }) => !isReservedEventType(type));
		const known = isChecked ? await this.#knownOf(projectId, ordinary) : NONE_KNOWN;
		const fresh = ordinary.filter((input) => !known.has(input));
		const beyond = isChecked && fresh.length > 0 ? await this.#beyondQuotas(project, fresh) : null;
		if (beyond !== null) throw this.#counted(beyond);
		const refusals = isChecked ? await this.#checkEventTypes(projectId, fresh) : NO_REFUSALS;
		// The intake may have been closed, or have filled up, in the meantime.
		const full = isChecked ? this.#refusalOfRoom(projectId, fresh.length, lengthOf(fresh)) : null;
		if (full !== null && fresh.length > 0) this.#counted(full);
		const fitting = full === null ? fresh.filter((input) => !refusals.has(input)) : [];
		const { quotas } = this.#near;
		const isMetered = fitting.length > 0 && quotas.applyTo(project);
		const metered = new Set(isMetered ? await this.#takeForBatch(project, fitting) : []);
		const results = await Promise.all(
			inputs.map((input): Promise<SentEvent | FanfareError> => {
				const sent = this.#sendOfBatch(projectId, input, {
					known: known.get(input),
					full,
					refusal: refusals.get(input),
				});
				return (metered.has(input) ? quotas.settle(projectId, input, sent) : sent).catch(asRefusal);
			}),
		);
		const refusal = refusalOfAll(results);
		if (refusal !== null) throw refusal;
		return results;
	}

	async #sendOfBatch(projectId: string, input: EventInput, { known, full, refusal }: Found): Promise<SentEvent> {
		if (isReservedEventType(input.type)) throw this.#reserved();
		if (known?.kind === "duplicate") return { event: known.event, duplicate: true };
		if (known !== undefined) throw this.#counted(idempotencyConflict());
		if (full !== null) throw full;
		// It may have become a repeat while it was checked: of a batch whose sender has not waited for the answer.
		if (refusal !== undefined) return this.#refuseNew(projectId, input, refusal);
		return this.#sendOne(projectId, input);
	}

	/** Checks new events of a batch by the project's event types. Returns the refusals of those that don't fit. */
	async #checkEventTypes(
		projectId: string,
		inputs: readonly EventInput[],
	): Promise<ReadonlyMap<EventInput, FanfareError>> {
		const found = await Promise.all(inputs.map((input) => this.#checkEventType(projectId, input).catch(asRefusal)));
		const checked = inputs.map((input, index) => [input, found[index] ?? null] as const);
		return new Map(checked.flatMap(([input, refusal]) => (refusal === null ? [] : [[input, refusal]])));
	}

	/** The refusal of events for which the quotas have no room together; null if there is some. */
	async #beyondQuotas(project: Project, inputs: readonly EventInput[]): Promise<FanfareError | null> {
		const { quotas } = this.#near;
		if (!quotas.applyTo(project)) return null;
		await this.#readyForQuotas(project, inputs);
		return quotas.beyond(project, inputs);
	}

	/** What the store knows of the idempotency keys of events, for those whose key it knows: of the same event or of another. */
	async #knownOf(projectId: string, inputs: readonly EventInput[]): Promise<ReadonlyMap<EventInput, AcceptResult>> {
		const results = await Promise.all(inputs.map((input) => this.#findKey(projectId, input)));
		const pairs = inputs.map((input, index) => [input, results[index] ?? null] as const);
		return new Map(
			pairs.flatMap(([input, result]) => (result === null || result.kind === "stale" ? [] : [[input, result]])),
		);
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
	 * are not repeats of accepted sends: some may have become repeats while they were checked. Throws the refusal of the whole batch if these are still too many.
	 */
	async #takeForBatch(project: Project, inputs: readonly EventInput[]): Promise<readonly EventInput[]> {
		await this.#readyForQuotas(project, inputs);
		const { quotas } = this.#near;
		const refusal = quotas.take(project, inputs);
		if (refusal === null) return inputs;
		const known = await this.#knownOf(project.id, inputs);
		const rest = inputs.filter((input) => !known.has(input));
		// What a project stores may have been forgotten while the store looked.
		await this.#readyForQuotas(project, rest);
		const refusalOfRest = rest.length === inputs.length ? refusal : quotas.take(project, rest);
		if (refusalOfRest !== null) throw this.#counted(refusalOfRest);
		return rest;
	}

	/**
	 * Checks an event by the project's event types. Resolves with the refusal, or null if the event fits. `bySchema` is called if a schema
	 * has a part in it.
	 */
	async #checkEventType(projectId: string, input: EventInput, bySchema?: () => void): Promise<FanfareError | null> {
		const issues = await this.#near.eventTypes.check(projectId, input, bySchema);
		return issues.length === 0 ? null : invalidRequest(issues);
	}

	/** The refusal of an event whose type is reserved for Fanfare's own events. */
	#reserved(): FanfareError {
		return this.#counted(invalidRequest([{ path: "type", message: RESERVED_TYPE_MESSAGE }]));
	}

	/** Throws `shutting_down`, or `overloaded` if there is no room for this many more events and bytes of the project. */
	#checkRoom(projectId: string, count: number, bytes: number): void {
		const refusal = this.#refusalOfRoom(projectId, count, bytes);
		if (refusal !== null) throw this.#counted(refusal);
	}

	#refusalOfRoom(projectId: string, count: number, bytes: number): FanfareError | null {
		if (!this.#open) return shuttingDown();
		const hasRoom = this.#near.committer.hasRoom(projectId, count, bytes, this.#limits);
		return hasRoom ? null : new FanfareError("overloaded", TOO_MANY_WAIT);
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
	 * Refuses an event because of the project's event types, customers, webhooks or quotas. What its idempotency key says comes first, since these
	 * can change: the repeat of a send that was accepted before resolves with the event, and another event with that key is a conflict.
	 */
	async #refuseNew(projectId: string, input: EventInput, refusal: FanfareError): Promise<SentEvent> {
		const known = await this.#findKey(projectId, input);
		if (known?.kind === "duplicate") return { event: known.event, duplicate: true };
		throw this.#counted(known?.kind === "conflict" ? idempotencyConflict() : refusal);
	}

	/** Has the store look up the idempotency key of an event, and store nothing; null if the event has none. */
	#findKey(projectId: string, input: EventInput): Promise<AcceptResult | null> {
		if (input.idempotencyKey === null) return Promise.resolve(null);
		return new Promise((resolve, reject) => {
			this.#near.committer.send({
				projectId,
				bytes: OVERHEAD_BYTES,
				// The store compares the key first. If it does not know the key, the version makes it store nothing.
				build: () => ({ ...this.#builder.build(projectId, input, 0, NO_BODY, []), projectVersion: NO_VERSION }),
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
			build: () => this.#builder.build(projectId, input, timestamp, body, this.#builder.targets(projectId, input)),
			done: (event, result) => this.#done(input, event, result, caller),
			failed: (event, error) => {
				if (event !== null) this.#near.line.unreserve(event);
				caller.reject(this.#counted(refusalOf(error, input.idempotencyKey !== null)));
			},
		};
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
				throw this.#counted(new FanfareError("overloaded", CHANGES_ALL_THE_TIME));
			}
			// Usually the directory has been told in the meantime.
			if (directory.versionOf(projectId) === projectVersion) await directory.refresh("project", projectId);
			const { eventTypes } = directory.project(projectId);
			const isChecked = eventTypes === "catalogued" && !isReservedEventType(input.type);
			const refusal =
				(isChecked ? await this.#checkEventType(projectId, input) : null) ??
				refusalOfTargets(this.#near.directory, projectId, input);
			// It may have become a repeat while it was checked again.
			if (refusal !== null) return caller.resolve(await this.#refuseNew(projectId, input, refusal));
			committer.send(this.#pendingSend(projectId, input, { ...caller, staleCommits: caller.staleCommits + 1 }));
		} catch (error) {
			caller.reject(error instanceof StoreError ? this.#counted(refusalOfNothing(error)) : asRefusal(error));
		}
	}
}

function lengthOf(inputs: readonly EventInput[]): number {
	return inputs.reduce((sum, input) => sum + input.dataJson.length, 0);
}
