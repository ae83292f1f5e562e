// The intake accepts events. A send resolves when the event and its deliveries are committed. A refused send leaves
// nothing in the store.
import { createHash } from "node:crypto";

import { wholeProject, type Scope } from "../../core/access/principal.ts";
import { newDelivery, newHeldDelivery, type DeliveryState } from "../../core/delivery.ts";
import { FanfareError, invalidRequest } from "../../core/errors.ts";
import { isReservedEventType, RESERVED_TYPE_MESSAGE } from "../../core/event-type.ts";
import { buildBody, MAX_BODY_BYTES, type EventInput } from "../../core/event.ts";
import { idTime } from "../../core/ids.ts";
import { heldReason, type ArmedWebhook } from "../../core/webhook.ts";
import type { AcceptResult, NewEvent } from "../../ports/store/accept.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { Intake as IntakeCalls, SentEvent } from "../calls.ts";
import type { Committer, PendingSend } from "../committing/committer.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { EventTypeCalls } from "../managing/event-type-calls.ts";
import type { EngineLimits, EngineParts } from "../parts.ts";

type Parts = Pick<EngineParts, "clock" | "ids" | "observer">;
type Limits = Pick<EngineLimits, "maxWaitingSends" | "maxWaitingBytes">;

interface Neighbours {
	readonly committer: Committer;
	readonly line: DeliveryLine;
	readonly directory: Directory;
	readonly eventTypes: Pick<EventTypeCalls, "check">;
	readonly live: LiveReporter;
}

/** Besides its body, an event takes about this much memory while it waits for its commit. */
const OVERHEAD_BYTES = 512;

/** An event is built again at most this often: each time, something in its project has changed meanwhile. */
const MAX_STALE_COMMITS = 20;

/** Who waits for a send. */
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
		this.#checkRoom(1, input.dataJson.length);
		// The project takes only events of its event types, and only with data that fits the schema of the type.
		if (project.eventTypes === "catalogued") {
			const refusal = await this.#checkEventType(projectId, input);
			if (refusal !== null) throw refusal;
			// The intake may have been closed, or have filled up, in the meantime.
			this.#checkRoom(1, input.dataJson.length);
		}
		return this.#sendOne(projectId, input);
	}

	/**
	 * Sends one of Fanfare's own events, which is not checked by the project's event types. This works while the intake
	 * is closed, too, so that failures and recoveries during a shutdown are reported. Throws `overloaded`, `store_full`,
	 * `store_unavailable`.
	 */
	async sendOwn(projectId: string, type: string, dataJson: string): Promise<void> {
		if (this.#near.committer.waitingSends >= this.#limits.maxWaitingSends) {
			throw this.#refused("overloaded", "Too many events are waiting to be stored.");
		}
		await this.#sendOne(projectId, { type, dataJson, timestamp: null, idempotencyKey: null, webhookIds: null });
	}

	async sendBatch(scope: Scope, inputs: readonly EventInput[]): Promise<readonly (SentEvent | FanfareError)[]> {
		const projectId = wholeProject(scope);
		const project = this.#near.directory.project(projectId);
		const length = inputs.reduce((sum, input) => sum + input.dataJson.length, 0);
		this.#checkRoom(inputs.length, length);
		const isChecked = project.eventTypes === "catalogued";
		const refusals = isChecked
			? await Promise.all(inputs.map((input) => this.#checkEventType(projectId, input).catch(asRefusal)))
			: [];
		if (isChecked) this.#checkRoom(inputs.length, length);
		const results = await Promise.all(
			inputs.map((input, index): Promise<SentEvent | FanfareError> => {
				const refusal = isReservedEventType(input.type) ? this.#reserved() : refusals[index];
				return refusal ? Promise.resolve(refusal) : this.#sendOne(projectId, input).catch(asRefusal);
			}),
		);
		const fatal = results.find((result) => result instanceof FanfareError && result.kind === "unavailable");
		if (fatal instanceof FanfareError && results.every((result) => result instanceof FanfareError)) throw fatal;
		return results;
	}

	/** Checks an event by the project's event types. Resolves with the refusal, or null if the event fits. */
	async #checkEventType(projectId: string, input: EventInput): Promise<FanfareError | null> {
		const issues = await this.#near.eventTypes.check(projectId, input);
		if (issues.length === 0) return null;
		return this.#counted(invalidRequest(issues));
	}

	/** The refusal of an event whose type is reserved for Fanfare's own events. */
	#reserved(): FanfareError {
		return this.#counted(invalidRequest([{ path: "type", message: RESERVED_TYPE_MESSAGE }]));
	}

	/** Throws `shutting_down`, or `overloaded` if there is no room for this many events and bytes. */
	#checkRoom(count: number, bytes: number): void {
		if (!this.#open) {
			throw this.#refused("shutting_down", "The server is shutting down. Send the event again after the restart.");
		}
		const { committer } = this.#near;
		// If nothing waits, a batch larger than the limit is accepted. Otherwise it could never be accepted.
		if (committer.waitingSends === 0) return;
		if (
			committer.waitingSends + count > this.#limits.maxWaitingSends ||
			committer.waitingBytes + bytes > this.#limits.maxWaitingBytes
		) {
			throw this.#refused(
				"overloaded",
				"Too many events are waiting to be stored. Send the event again a little later.",
			);
		}
	}

	#refused(code: "shutting_down" | "overloaded", message: string): FanfareError {
		return this.#counted(new FanfareError(code, message));
	}

	/** Counts a refusal. */
	#counted(refusal: FanfareError): FanfareError {
		this.#parts.observer.eventRefused(refusal.code);
		return refusal;
	}

	#sendOne(projectId: string, input: EventInput): Promise<SentEvent> {
		return new Promise((resolve, reject) => {
			this.#near.committer.send(this.#pendingSend(projectId, input, { resolve, reject, staleCommits: 0 }));
		});
	}

	#pendingSend(projectId: string, input: EventInput, caller: Caller): PendingSend {
		const acceptedAt = this.#parts.clock.now();
		const timestamp = input.timestamp ?? acceptedAt;
		const body = buildBody(input.type, timestamp, input.dataJson);
		if (body.length > MAX_BODY_BYTES) throw this.#counted(tooLarge(body.length));
		const unknown = this.#unknownWebhooks(projectId, input.webhookIds);
		if (unknown.length > 0) throw this.#counted(unknownWebhooks(unknown));
		return {
			bytes: body.length + OVERHEAD_BYTES,
			build: () => this.#build(projectId, input, timestamp, body),
			done: (event, result) => this.#done(input, event, result, caller),
			failed: (event, error) => {
				if (event !== null) this.#near.line.unreserve(event);
				this.#parts.observer.eventRefused(error.code);
				caller.reject(refusalOf(error));
			},
		};
	}

	#unknownWebhooks(projectId: string, webhookIds: readonly string[] | null): string[] {
		if (webhookIds === null) return [];
		const known = new Set(this.#near.directory.armed(projectId, webhookIds).map(({ id }) => id));
		return webhookIds.filter((id) => !known.has(id));
	}

	/** Builds the event and its deliveries just before the commit. Runs once per event, on the busy path. */
	#build(projectId: string, input: EventInput, timestamp: number, body: Uint8Array): NewEvent {
		const { clock, ids } = this.#parts;
		const now = clock.now();
		const webhooks = this.#targets(projectId, input);
		const id = ids.make("evt", now);
		return {
			event: {
				id,
				projectId,
				type: input.type,
				timestamp,
				// Lists are sorted by id, so the date is taken from the id. Ids never go back in time, even if the
				// clock does.
				createDate: idTime(id),
				deliveryCount: webhooks.length,
			},
			projectVersion: this.#near.directory.versionOf(projectId),
			body,
			idempotency:
				input.idempotencyKey === null ? null : { key: input.idempotencyKey, fingerprint: fingerprint(input) },
			deliveries: webhooks.map((webhook) => ({
				id: ids.make("dlv", now),
				webhookId: webhook.id,
				state: this.#firstState(webhook, now),
			})),
		};
	}

	/** The webhooks that get a delivery of the event, whatever their status. */
	#targets(projectId: string, input: EventInput): readonly ArmedWebhook[] {
		const { directory } = this.#near;
		if (input.webhookIds === null) return directory.match(projectId, input.type);
		return directory.armed(projectId, input.webhookIds);
	}

	/** The state of a new delivery: Held, or Pending and leased if the ready queue has room for it. */
	#firstState(webhook: ArmedWebhook, now: number): DeliveryState {
		if (webhook.status !== "Enabled") return newHeldDelivery(heldReason(webhook));
		return newDelivery(now, this.#near.line.reserve(webhook, now));
	}

	/** Handles the store's result for a send. */
	#done(input: EventInput, accepted: NewEvent, result: AcceptResult, caller: Caller): void {
		switch (result.kind) {
			case "accepted":
				this.#parts.observer.eventAccepted(accepted.deliveries.length);
				this.#near.live.eventAccepted(accepted.event);
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
			if (eventTypes === "catalogued" && !isReservedEventType(input.type)) {
				const refusal = await this.#checkEventType(projectId, input);
				if (refusal !== null) throw refusal;
			}
			committer.send(this.#pendingSend(projectId, input, { ...caller, staleCommits: caller.staleCommits + 1 }));
		} catch (error) {
			caller.reject(error instanceof StoreError ? this.#counted(refusalOf(error)) : asRefusal(error));
		}
	}
}

/** Two sends are the same if their type, timestamp, targets and the text of their data are equal. */
function fingerprint(input: EventInput): Uint8Array {
	return createHash("sha256")
		.update(JSON.stringify([input.type, input.timestamp, input.webhookIds]))
		.update(input.dataJson)
		.digest();
}

function idempotencyConflict(): FanfareError {
	return new FanfareError(
		"idempotency_conflict",
		"This idempotencyKey was used for another event. Use a new key, or send the same event again.",
		{ issues: [{ path: "idempotencyKey", message: "belongs to another event" }] },
	);
}

function tooLarge(bytes: number): FanfareError {
	return new FanfareError(
		"payload_too_large",
		`The event is ${bytes} bytes as receivers would get it; the limit is ${MAX_BODY_BYTES} bytes. Send a reference to large data.`,
	);
}

function unknownWebhooks(ids: readonly string[]): FanfareError {
	const more = ids.length > 1 ? ` (and ${ids.length - 1} more, see issues)` : "";
	return new FanfareError("unknown_webhook", `No such webhook in this project: ${ids[0]}${more}.`, {
		issues: ids.map((id) => ({ path: "webhookIds", message: `no webhook ${id} in this project` })),
	});
}

function refusalOf(error: StoreError): FanfareError {
	if (error.code === "store_full") {
		return new FanfareError(
			"store_full",
			"The server's disk is full; the event was not accepted. Send it again later.",
			{
				cause: error,
			},
		);
	}
	return new FanfareError(
		"store_unavailable",
		"The server can't write now; the event was not accepted. Send it again later.",
		{
			cause: error,
		},
	);
}

function asRefusal(error: unknown): FanfareError {
	if (error instanceof FanfareError) return error;
	return new FanfareError("internal", "The event could not be accepted.", { cause: error });
}
