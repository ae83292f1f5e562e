// Intake: accepts events. A send resolves when the event and its deliveries are committed; what is refused leaves nothing.
import { createHash } from "node:crypto";

import { newDelivery, newHeldDelivery, type DeliveryState } from "../../core/delivery.ts";
import { FanfareError, invalidRequest } from "../../core/errors.ts";
import { isReservedEventType, RESERVED_TYPE_MESSAGE } from "../../core/event-type.ts";
import { buildBody, MAX_BODY_BYTES, type EventInput } from "../../core/event.ts";
import { idTime } from "../../core/ids.ts";
import { heldReason, type ArmedWebhook } from "../../core/webhook.ts";
import type { AcceptResult, NewEvent } from "../../ports/store/accept.ts";
import type { StoreError } from "../../ports/store/errors.ts";
import type { Intake as IntakeCalls, Projects, SentEvent } from "../calls.ts";
import type { Committer, PendingSend } from "../committing/committer.ts";
import type { Dispatcher } from "../delivering/dispatcher.ts";
import type { ReadyQueue } from "../delivering/ready-queue.ts";
import type { WebhookRegistry } from "../directory/webhook-registry.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { EventTypeCalls } from "../managing/event-type-calls.ts";
import type { EngineLimits, EngineParts } from "../parts.ts";

interface Neighbours {
	readonly committer: Committer;
	readonly dispatcher: Dispatcher;
	readonly queue: ReadyQueue;
	readonly registry: WebhookRegistry;
	readonly projects: Pick<Projects, "get">;
	readonly eventTypes: Pick<EventTypeCalls, "check">;
	readonly live: LiveReporter;
}

/** Beside the body, an event costs about this much memory while it waits for its commit. */
const OVERHEAD_BYTES = 512;

export class Intake implements IntakeCalls {
	readonly #parts: EngineParts;
	readonly #limits: EngineLimits;
	readonly #near: Neighbours;
	#open = true;

	constructor(parts: EngineParts, limits: EngineLimits, near: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
	}

	/** From now on each send is refused with `shutting_down`. Those taken before are still committed. */
	close(): void {
		this.#open = false;
	}

	async send(projectId: string, input: EventInput): Promise<SentEvent> {
		const project = this.#near.projects.get(projectId);
		if (isReservedEventType(input.type)) throw this.#reserved();
		this.#checkRoom(1, input.dataJson.length);
		if (project.eventTypes === "catalogued") {
			const refusal = await this.#uncatalogued(projectId, input);
			if (refusal !== null) throw refusal;
			// The intake may have been closed, or have filled up, in the meantime.
			this.#checkRoom(1, input.dataJson.length);
		}
		return this.#sendOne(projectId, input);
	}

	/** Sends an event of Fanfare's own, which no catalogue has. Also while the intake is closed: what ends at a shutdown is told too. */
	async sendOwn(projectId: string, type: string, dataJson: string): Promise<void> {
		if (this.#near.committer.waitingSends >= this.#limits.maxWaitingSends) {
			throw this.#refused("overloaded", "Too many sends wait to be stored.");
		}
		await this.#sendOne(projectId, { type, dataJson, timestamp: null, idempotencyKey: null, webhookIds: null });
	}

	async sendBatch(projectId: string, inputs: readonly EventInput[]): Promise<readonly (SentEvent | FanfareError)[]> {
		const project = this.#near.projects.get(projectId);
		const length = inputs.reduce((sum, input) => sum + input.dataJson.length, 0);
		this.#checkRoom(inputs.length, length);
		const catalogued = project.eventTypes === "catalogued";
		const refusals = catalogued
			? await Promise.all(inputs.map((input) => this.#uncatalogued(projectId, input).catch(asRefusal)))
			: [];
		if (catalogued) this.#checkRoom(inputs.length, length);
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

	/** Why the project's catalogue does not take this event; null if it does. */
	async #uncatalogued(projectId: string, input: EventInput): Promise<FanfareError | null> {
		const issues = await this.#near.eventTypes.check(projectId, input);
		if (issues.length === 0) return null;
		return this.#counted(invalidRequest(issues));
	}

	#reserved(): FanfareError {
		return this.#counted(invalidRequest([{ path: "type", message: RESERVED_TYPE_MESSAGE }]));
	}

	#checkRoom(count: number, bytes: number): void {
		if (!this.#open) {
			throw this.#refused("shutting_down", "The server is shutting down. Send again; another start takes it.");
		}
		const { committer } = this.#near;
		// A batch larger than the limit is taken when nothing else waits: it could never be taken else.
		if (committer.waitingSends === 0) return;
		if (
			committer.waitingSends + count > this.#limits.maxWaitingSends ||
			committer.waitingBytes + bytes > this.#limits.maxWaitingBytes
		) {
			throw this.#refused("overloaded", "Too many sends wait to be stored. Send again a little later.");
		}
	}

	#refused(code: "shutting_down" | "overloaded", message: string): FanfareError {
		return this.#counted(new FanfareError(code, message));
	}

	#counted(refusal: FanfareError): FanfareError {
		this.#parts.observer.eventRefused(refusal.code);
		return refusal;
	}

	#sendOne(projectId: string, input: EventInput): Promise<SentEvent> {
		return new Promise((resolve, reject) => {
			this.#near.committer.send(this.#pendingSend(projectId, input, resolve, reject));
		});
	}

	#pendingSend(
		projectId: string,
		input: EventInput,
		resolve: (sent: SentEvent) => void,
		reject: (error: FanfareError) => void,
	): PendingSend {
		const acceptedAt = this.#parts.clock.now();
		const timestamp = input.timestamp ?? acceptedAt;
		const body = buildBody(input.type, timestamp, input.dataJson);
		if (body.length > MAX_BODY_BYTES) throw this.#counted(tooLarge(body.length));
		const unknown = this.#unknownWebhooks(projectId, input.webhookIds);
		if (unknown.length > 0) throw this.#counted(unknownWebhooks(unknown));
		return {
			bytes: body.length + OVERHEAD_BYTES,
			build: () => this.#build(projectId, input, timestamp, body),
			done: (event, result) => this.#done(event, result, resolve, reject),
			failed: (event, error) => {
				if (event !== null) this.#near.queue.unreserve(reservedCount(event));
				this.#parts.observer.eventRefused(error.code);
				reject(refusalOf(error));
			},
		};
	}

	#unknownWebhooks(projectId: string, webhookIds: readonly string[] | null): string[] {
		return (webhookIds ?? []).filter((id) => this.#near.registry.findIn(projectId, id) === undefined);
	}

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
				// Lists go by the id, so the date is the id's, which never goes back when the clock does.
				createDate: idTime(id),
				deliveryCount: webhooks.length,
			},
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

	#targets(projectId: string, input: EventInput): readonly ArmedWebhook[] {
		const { registry } = this.#near;
		if (input.webhookIds === null) return registry.match(projectId, input.type);
		return input.webhookIds.flatMap((id) => registry.findIn(projectId, id)?.armed ?? []);
	}

	#firstState(webhook: ArmedWebhook, now: number): DeliveryState {
		if (webhook.status !== "Enabled") return newHeldDelivery(heldReason(webhook));
		const leased = this.#near.queue.reserve(webhook.id, now);
		// So that what the next commit takes of this webhook stands behind it, though nobody is told of this one yet.
		if (!leased) this.#near.queue.lane(webhook.id).noteDue(now);
		return newDelivery(now, leased ? now + this.#limits.leaseMs : null);
	}

	#done(
		accepted: NewEvent,
		result: AcceptResult,
		resolve: (sent: SentEvent) => void,
		reject: (error: FanfareError) => void,
	): void {
		this.#near.queue.unreserve(reservedCount(accepted));
		switch (result.kind) {
			case "accepted":
				this.#parts.observer.eventAccepted(accepted.deliveries.length);
				this.#near.live.eventAccepted(accepted.event);
				this.#near.dispatcher.accepted(accepted);
				resolve({ event: accepted.event, duplicate: false });
				return;
			case "duplicate":
				resolve({ event: result.event, duplicate: true });
				return;
			case "conflict":
				reject(
					this.#counted(
						new FanfareError(
							"idempotency_conflict",
							"This idempotencyKey was used for another event. Use a new key, or send the same content again.",
							{ issues: [{ path: "idempotencyKey", message: "belongs to another event" }] },
						),
					),
				);
		}
	}
}

function reservedCount(event: NewEvent): number {
	return event.deliveries.reduce((count, { state }) => count + (state.leaseUntil === null ? 0 : 1), 0);
}

/** Two sends are the same if type, data, timestamp and targets are written the same. */
function fingerprint(input: EventInput): Uint8Array {
	return createHash("sha256")
		.update(JSON.stringify([input.type, input.timestamp, input.webhookIds]))
		.update(input.dataJson)
		.digest();
}

function tooLarge(bytes: number): FanfareError {
	return new FanfareError(
		"payload_too_large",
		`The event is ${bytes} bytes as receivers would get it; ${MAX_BODY_BYTES} are allowed. Send a reference to large data.`,
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
		"The server can't write now; the event was not accepted. Send it again.",
		{
			cause: error,
		},
	);
}

function asRefusal(error: unknown): FanfareError {
	if (error instanceof FanfareError) return error;
	return new FanfareError("internal", "The event could not be accepted.", { cause: error });
}
