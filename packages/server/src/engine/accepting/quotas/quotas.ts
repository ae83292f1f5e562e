// Quotas of projects: whether a send is within them, and the refusal if it is not.
import type { Scope } from "../../../core/access/principal.ts";
import { FanfareError } from "../../../core/errors.ts";
import type { EventInput } from "../../../core/event.ts";
import {
	quotasOf,
	STORED_DELIVERY_BYTES,
	storedEventBytes,
	storedLabelBytes,
	type QuotaSettings,
} from "../../../core/policies/quota.ts";
import { TokenBuckets } from "../../../core/policies/token-buckets.ts";
import type { Project } from "../../../core/workspace.ts";
import type { UsageStore } from "../../../ports/store/usage.ts";
import type { SentEvent } from "../../calls.ts";
import type { PartsOn } from "../../parts.ts";
import { StoredBytes } from "./stored-bytes.ts";

type Parts = Pick<PartsOn<UsageStore>, "store" | "clock" | "observer" | "tenure">;

interface Neighbours {
	readonly retention: {
		/** The time until the next pass of retention begins, in milliseconds. */
		nextPassMs(): number;
	};
}

/**
 * A project may send the events of this many seconds at once. `Retry-After` is in whole seconds and clients wait a little longer, so
 * with one second, part of the rate would be lost while they wait; and jobs send their events in bursts. With five seconds, a project sends at
 * most 8 % more than its quota in any minute.
 */
const BURST_S = 5;
/** What can be done again when there is room. */
const SEND = "Send";
const RETRY = "Retry";
type Action = typeof SEND | typeof RETRY;
const NO_ROOM_FOR_RETRIES =
	"The quota of stored bytes is used up, and each retry stores an attempt. Attempts on schedule go on. Retry again later.";
/** The body of an event has about this many bytes besides its type and its data. */
const ENVELOPE_BYTES = 64;

/**
 * A send that is within the quotas takes part of them before it is committed, and gives it back if it is not accepted. A project
 * without a quota costs a few comparisons.
 *
 * In a cluster, each process allows its share of the events a second: the quota divided by the number of live members. Stored bytes
 * are those of all processes.
 */
export class Quotas {
	readonly stored: StoredBytes;
	readonly #parts: Parts;
	readonly #settings: QuotaSettings;
	readonly #near: Neighbours;
	readonly #rates: TokenBuckets;

	constructor(parts: Parts, settings: QuotaSettings, near: Neighbours) {
		this.#parts = parts;
		this.#settings = settings;
		this.#near = near;
		this.#rates = new TokenBuckets(parts.clock, BURST_S);
		this.stored = new StoredBytes(parts);
	}

	/** Whether a quota applies to the sends of a project now. */
	applyTo(project: Project): boolean {
		return (
			(project.maxEventsPerSecond ?? this.#settings.maxEventsPerSecond) !== 0 ||
			(project.maxStoredBytes ?? this.#settings.maxStoredBytes) !== 0 ||
			this.stored.crowding === project.id
		);
	}

	/** Resolves when `take` can be called for a project; usually at once. Rejects with a `StoreError`. */
	async ready(project: Project): Promise<void> {
		if (this.#quotas(project).maxStoredBytes !== 0) await this.stored.load(project.id);
	}

	/** Whether a project may have one more delivery of an old event by what it has stored. Rejects with a `StoreError`. */
	async hasRoom(project: Project): Promise<boolean> {
		return (await this.#beyondOneMore(project)) === null;
	}

	/**
	 * The refusal of retries by hand, each of which stores an attempt, while there is no room for one more delivery; otherwise null. What a
	 * customer gets says nothing of the project's bytes, which are those of others, too. Rejects with a `StoreError`.
	 */
	async refusalOfRetries(project: Project, scope: Scope): Promise<FanfareError | null> {
		const refusal = await this.#beyondOneMore(project, RETRY);
		if (refusal === null || scope.kind !== "customer") return refusal;
		return new FanfareError("stored_bytes_exceeded", NO_ROOM_FOR_RETRIES, {
			retryAfterMs: this.#near.retention.nextPassMs(),
		});
	}

	async #beyondOneMore(project: Project, action: Action = SEND): Promise<FanfareError | null> {
		await this.ready(project);
		return this.#beyondBytes(project, STORED_DELIVERY_BYTES, action);
	}

	/**
	 * The refusal of some sends for which there is no room together, so that they need no other check; otherwise null. Takes nothing, and can be
	 * called when `take` can.
	 */
	beyond(project: Project, inputs: readonly EventInput[]): FanfareError | null {
		if (inputs.length === 0) return null;
		const { maxEventsPerSecond, maxStoredBytes } = this.#quotas(project);
		const refusal = this.#beyondBytes(project, maxStoredBytes === 0 ? 0 : bytesOfAll(inputs));
		if (refusal !== null || maxEventsPerSecond === 0) return refusal;
		const waitMs = this.#rates.waitMs(project.id, inputs.length, this.#share(maxEventsPerSecond));
		return waitMs === 0 ? null : tooManyEvents(maxEventsPerSecond, waitMs);
	}

	/** Takes what some sends need, all of it or nothing. Returns the refusal if that is more than is left; otherwise null, and each send must be settled. */
	take(project: Project, inputs: readonly EventInput[]): FanfareError | null {
		if (inputs.length === 0) return null;
		const { maxEventsPerSecond } = this.#quotas(project);
		const bytes = bytesOfAll(inputs);
		const refusal = this.#beyondBytes(project, bytes);
		if (refusal !== null) return refusal;
		if (maxEventsPerSecond !== 0) {
			const waitMs = this.#rates.take(project.id, inputs.length, this.#share(maxEventsPerSecond));
			if (waitMs > 0) return tooManyEvents(maxEventsPerSecond, waitMs);
		}
		this.stored.reserve(project.id, bytes);
		return null;
	}

	/** Awaits a send for which `take` was called. If it is surely not accepted as a new event, what it has taken is given back. */
	async settle(projectId: string, input: EventInput, sending: Promise<SentEvent>): Promise<SentEvent> {
		const bytes = bytesOf(input);
		try {
			const sent = await sending;
			if (sent.duplicate) this.#giveBack(projectId, bytes);
			else this.stored.settle(projectId, bytes, bytes + sent.event.deliveryCount * STORED_DELIVERY_BYTES);
			return sent;
		} catch (error) {
			const mayBeStored = error instanceof FanfareError && error.code === "outcome_unknown";
			if (mayBeStored) this.stored.settle(projectId, bytes, bytes);
			else this.#giveBack(projectId, bytes);
			throw error;
		}
	}

	/** The refusal of this many more bytes of a project, with what to do again when there is room. */
	#beyondBytes(project: Project, bytes: number, action: Action = SEND): FanfareError | null {
		const { maxStoredBytes } = this.#quotas(project);
		if (maxStoredBytes === 0) return this.stored.crowding === project.id ? this.#crowding(action) : null;
		const stored = this.stored.of(project.id);
		return stored + bytes > maxStoredBytes ? this.#tooManyBytes(stored, maxStoredBytes, action) : null;
	}

	#giveBack(projectId: string, bytes: number): void {
		this.#rates.giveBack(projectId, 1);
		this.stored.settle(projectId, bytes, 0);
	}

	/** What this process allows of a quota. */
	#share(perSecond: number): number {
		return perSecond / this.#parts.tenure.liveMembers();
	}

	#quotas(project: Project): QuotaSettings {
		return quotasOf(this.#settings, project);
	}

	#tooManyBytes(stored: number, max: number, action: Action): FanfareError {
		return new FanfareError(
			"stored_bytes_exceeded",
			`The project has stored ${stored} bytes, and with this it would have more than its quota of ${max} (maxStoredBytes). ` +
				`${action} again when retention has deleted expired events, or have the quota raised or the retention shortened.`,
			{ retryAfterMs: this.#near.retention.nextPassMs() },
		);
	}

	#crowding(action: Action): FanfareError {
		return new FanfareError(
			"stored_bytes_exceeded",
			"Less than 10 % of the server's volume is free, and this project holds more than half of what is stored, which is the quota " +
				`for projects without maxStoredBytes. ${action} again when retention has deleted expired events, or ask the server's operator for room.`,
			{ retryAfterMs: this.#near.retention.nextPassMs() },
		);
	}
}

function bytesOfAll(inputs: readonly EventInput[]): number {
	return inputs.reduce((sum, input) => sum + bytesOf(input), 0);
}

/** About how many bytes the event takes in the store, without its deliveries: how many it will have is not known yet. */
function bytesOf({ type, dataJson, tags, idempotencyKey, customers }: EventInput): number {
	const tagsLength = tags.length === 0 ? 0 : JSON.stringify(tags).length;
	const labelBytes = storedLabelBytes(idempotencyKey, customers);
	return storedEventBytes(ENVELOPE_BYTES + type.length + Buffer.byteLength(dataJson), 0, tagsLength, labelBytes);
}

function tooManyEvents(perSecond: number, waitMs: number): FanfareError {
	return new FanfareError(
		"event_rate_exceeded",
		`The project's quota of ${perSecond} ${perSecond === 1 ? "event" : "events"} per second (maxEventsPerSecond) is used up. ` +
			"Send again after the time in Retry-After.",
		{ retryAfterMs: waitMs },
	);
}
