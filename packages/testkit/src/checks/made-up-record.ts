// The record of a round in which every promise is kept. Tests change it so that one promise is broken.
import type { Acknowledged, Listed, RoundRecord, Seen, WebhookRecord } from "./record.ts";
import type { StoredAttempt, StoredDelivery } from "./stored-log.ts";

export const TIME = Date.parse("2026-11-24T12:00:00Z");
const EVENTS = ["evt_1", "evt_2", "evt_3"];
export const WEBHOOK = "webhook_1";

export function attempt(number: number, responseCode: number, error: string | null = null): StoredAttempt {
	return { number, startDate: TIME, responseCode, error };
}

export function seen(eventId: string, more: Partial<Seen> = {}): Seen {
	const n = EVENTS.indexOf(eventId);
	return {
		webhookId: WEBHOOK,
		eventId,
		n,
		run: 0,
		at: TIME + 10 * n,
		status: 200,
		certain: true,
		signature: "ok",
		...more,
	};
}

export function stored(eventId: string, more: Partial<StoredDelivery> = {}): StoredDelivery {
	const attempts = more.attempts ?? [attempt(1, 200)];
	return {
		id: `dlv_${eventId}`,
		eventId,
		webhookId: WEBHOOK,
		status: "Succeeded",
		reason: null,
		attemptCount: attempts.length,
		nextAttemptAt: null,
		leaseUntil: null,
		attempts,
		...more,
	};
}

export const webhook: WebhookRecord = {
	id: WEBHOOK,
	name: "healthy",
	secrets: [],
	wants: () => true,
	mayEnd: () => ["Succeeded"],
	attemptsUntilFailed: null,
	mayMiss: () => false,
	isHealthy: true,
	perSecond: null,
};

/** Three events to one webhook, each delivered by its first attempt. `more` replaces parts of the record. */
export function madeUpRecord(
	more: Partial<RoundRecord> & { readonly deliveries?: readonly StoredDelivery[] } = {},
): RoundRecord {
	const { deliveries = EVENTS.map((eventId) => stored(eventId)), ...rest } = more;
	const acknowledged = EVENTS.map((eventId, n): Acknowledged => ({
		eventId,
		type: "order.paid",
		n,
		webhookIds: null,
		sentAt: TIME,
		acknowledgedAt: TIME,
	}));
	return {
		acknowledged,
		purged: new Set(),
		moreSuccesses: new Map(),
		webhooks: [webhook],
		seen: EVENTS.map((eventId) => seen(eventId)),
		ends: [],
		stored: { integrity: "ok", eventIds: new Set(EVENTS), deliveries },
		listedEvents: EVENTS.map((id) => ({ id, type: "order.paid" })),
		listed: deliveries.map(listedAs),
		stats: null,
		listedAt: TIME + 60_000,
		maxInFlight: 2,
		clockJumps: 0,
		onTheWayMs: 0,
		blockedReached: 0,
		secretsFound: [],
		peakMb: 100,
		maxMb: 450,
		promptWithinMs: null,
		usableMs: (from, to) => to - from,
		...rest,
	};
}

function listedAs({ id, eventId, webhookId, status, reason, attemptCount, nextAttemptAt }: StoredDelivery): Listed {
	return {
		id,
		eventId,
		webhookId,
		status: status as Listed["status"],
		reason,
		attemptCount,
		nextAttemptDate: nextAttemptAt,
	};
}
