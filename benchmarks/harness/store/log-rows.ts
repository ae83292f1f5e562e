// The contents of a prepared store's rows: a mixture as real logs have it, the same in every run.
import type { StorePlan } from "./store-copy.ts";

export const HOUR_MS = 3_600_000;
/** Shorter than the default retention of 30 days. */
export const LOG_SPAN_MS = 25 * 24 * HOUR_MS;
const YEAR_MS = 365 * 24 * HOUR_MS;

export const COMMON_TYPE = "order.line.shipped";
export const RARE_TYPE = "account.closed";
const TYPES = 20;
/** One of this many events has the rare type. */
const RARE_EVERY = 20_000;

// The codes of the statuses in the database.
const [PENDING, SUCCEEDED, FAILED, HELD, CANCELLED] = [0, 1, 2, 3, 4];
const FAILURES = [500, 404, 0, 503];

/** The columns of a delivery that depend on its state. */
export interface DeliveryColumns {
	readonly status: number;
	readonly reason: string | null;
	readonly response_code: number | null;
	readonly attempt_count: number;
	readonly auto_attempt_count: number;
	readonly next_attempt_at: number | null;
	readonly due_at: number | null;
	readonly hasAttempt: boolean;
}

/** The columns of a delivery. In a log, 970 of 1,000 deliveries have succeeded. */
export function deliveryOf(state: StorePlan["state"], index: number, time: number, now: number): DeliveryColumns {
	if (state !== "log") return waiting(state === "due" ? time : now + HOUR_MS);
	// The lowest digits are not used, because they decide the webhook: each webhook gets deliveries in every state.
	const place = Math.floor(index / 7) % 1_000;
	const failure = FAILURES[index % FAILURES.length] ?? 500;
	if (place < 15) return ended(FAILED, "no attempt succeeded", failure);
	if (place < 20) return ended(CANCELLED, "cancelled", failure);
	if (place < 25) return { ...waiting(null), status: HELD, reason: "the webhook is paused" };
	if (place < 30) return waiting(now + YEAR_MS);
	return ended(SUCCEEDED, null, place % 50 === 0 ? 204 : 200);
}

function ended(status: number, reason: string | null, code: number): DeliveryColumns {
	const counts = { attempt_count: 1, auto_attempt_count: 1, next_attempt_at: null, due_at: null };
	return { status, reason, response_code: code, ...counts, hasAttempt: true };
}

function waiting(dueAt: number | null): DeliveryColumns {
	const counts = { attempt_count: 0, auto_attempt_count: 0, next_attempt_at: dueAt, due_at: dueAt };
	return { status: PENDING, reason: null, response_code: null, ...counts, hasAttempt: false };
}

/** Half of the events have one type; the rest have ten others, and very few the rare one. */
export function eventTypeOf(index: number): string {
	if (index % RARE_EVERY === RARE_EVERY / 2) return RARE_TYPE;
	const number = Math.floor(index / 3) % TYPES;
	return number < TYPES / 2 ? COMMON_TYPE : `order.step-${number}.done`;
}

const KINDS = { event: 1, delivery: 2, attempt: 3 } as const;

/** A UUIDv7 of the time and an ascending number. */
export function idAt(time: number, kind: keyof typeof KINDS, index: number): Uint8Array {
	const bytes = Buffer.alloc(16);
	bytes.writeUIntBE(time, 0, 6);
	bytes[6] = 0x70;
	bytes[8] = 0x80;
	bytes.writeUInt32BE(index, 9);
	bytes[15] = KINDS[kind];
	return bytes;
}
