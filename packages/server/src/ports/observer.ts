// What the domain tells those who watch it: metrics and logs are made of these calls, and nothing else.
import type { AttemptTrigger } from "../core/delivery.ts";
import type { AttemptError } from "./sender.ts";
import type { Purged } from "./store/retention.ts";

/** One attempt, as it may be logged: no payload, no header, no secret. */
export interface AttemptReport {
	readonly projectId: string;
	readonly webhookId: string;
	readonly eventId: string;
	readonly deliveryId: string;
	readonly attemptNumber: number;
	readonly trigger: AttemptTrigger;
	readonly responseCode: number;
	readonly error: AttemptError | null;
	readonly reason: string | null;
	readonly durationMs: number;
	/** From the acceptance of the event to the start of this attempt; null for all but first attempts. */
	readonly acceptedToSentMs: number | null;
	readonly result: "success" | "failure";
}

/** Called at each thing worth counting or logging. Implementations never throw and never wait. */
export interface Observer {
	eventAccepted(deliveryCount: number): void;
	eventRefused(code: string): void;
	attemptFinished(report: AttemptReport): void;
	committed(commit: { readonly events: number; readonly updates: number; readonly durationMs: number }): void;
	/** A step of retention has deleted this. */
	purged(purged: Purged): void;
	/** Bytes of free space were given back to the file system. */
	spaceReleased(bytes: number): void;
	/** Something that went wrong inside and was dealt with, such as a failed commit that will be tried again. */
	problem(message: string, error: unknown): void;
	/** Something that an operator likes to know, such as a recovery at start. */
	note(message: string, facts: Readonly<Record<string, string | number | boolean>>): void;
}

/** What can be read at any time, for gauges. */
export interface EngineGauges {
	readonly readyDeliveries: number;
	readonly inFlightAttempts: number;
	readonly waitingSends: number;
	/** Age of the oldest due delivery that nobody works on yet, 0 if there is none. */
	readonly oldestDueMs: number;
}
