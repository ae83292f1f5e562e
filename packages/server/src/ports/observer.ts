// The port for metrics and logs: the engine reports what happens, and the adapter counts and logs it.
import type { AttemptTrigger } from "../core/delivery.ts";
import type { WebhookStatus } from "../core/webhook.ts";
import type { AttemptError, OwnFailure } from "./sender.ts";
import type { Purged } from "./store/retention.ts";

/** What may be logged about an attempt: no payload, no header, no secret. */
export interface AttemptReport {
	readonly projectId: string;
	readonly webhookId: string;
	readonly eventId: string;
	readonly deliveryId: string;
	readonly attemptNumber: number;
	readonly trigger: AttemptTrigger;
	/** 0 if no response came. */
	readonly responseCode: number;
	readonly error: AttemptError | null;
	readonly reason: string | null;
	/** What only the operator may see, such as the private address of a name; null if there is nothing more. */
	readonly detail: string | null;
	readonly durationMs: number;
	/** From the acceptance of the event to the start of this attempt; null for all but first attempts. */
	readonly acceptedToSentMs: number | null;
	readonly result: "success" | "failure";
}

/** What a log line says besides its message: ids (`projectId`, `webhookId`) and counts. Undefined values are left out. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

/** Called for everything worth counting or logging. Implementations never throw and never block. */
export interface Observer {
	/** An event was committed, with this many deliveries. */
	eventAccepted(deliveryCount: number): void;
	/** A send was refused. `code` is an `ErrorCode`. */
	eventRefused(code: string): void;
	attemptFinished(report: AttemptReport): void;
	/** An attempt said nothing about its receiver: its delivery was given back, and no retry was used. */
	attemptReturned(reason: OwnFailure): void;
	/** A transaction of the busy path was synced. */
	committed(commit: { readonly events: number; readonly updates: number; readonly durationMs: number }): void;
	/** A step of retention deleted these rows. */
	purged(purged: Purged): void;
	/** Free space was returned to the file system, in bytes. */
	spaceReleased(bytes: number): void;
	/**
	 * An internal failure that was handled, such as a failed commit that will be tried again. If it concerns one project or
	 * webhook, `facts` names them.
	 */
	problem(message: string, error: unknown, facts?: Facts): void;
	/** Information for the operator, such as a recovery at the start. */
	note(message: string, facts: Facts): void;
}

/** Values that can be read at any time, for gauges. */
export interface EngineGauges {
	readonly readyDeliveries: number;
	readonly inFlightAttempts: number;
	readonly waitingSends: number;
	/** What all projects have stored, in bytes, as it was read in the last seconds. */
	readonly storedBytes: number;
	/** For how long the oldest due delivery has waited for its attempt to start; 0 if no delivery is due. */
	readonly oldestDueMs: number;
	/** Webhooks of all projects, by status; deleted ones are left out. */
	readonly webhooks: Readonly<Record<WebhookStatus, number>>;
}
