// Packed values are the same after they have crossed to another thread.
import * as fc from "fast-check";
import { expect, it } from "vitest";

import type { AuditEntry } from "../../../core/access/audit.ts";
import {
	ATTEMPT_TRIGGERS,
	DELIVERY_STATUSES,
	newDelivery,
	type Attempt,
	type AttemptVerdict,
	type DeliveryChange,
	type DeliveryState,
} from "../../../core/delivery.ts";
import { EVENT_TARGETS } from "../../../core/event.ts";
import { createIdMaker, deliveryIdAt } from "../../../core/ids.ts";
import { ATTEMPT_CAUSES } from "../../../core/log/attempt-cause.ts";
import type { CommitBatch, CommitResult, NewEvent } from "../../../ports/store/accept.ts";
import type { Claim, LeasedDelivery } from "../../../ports/store/queue.ts";
import { systemChance } from "../../system/system-chance.ts";
import {
	packBatch,
	packClaim,
	packCommitResult,
	unpackBatch,
	unpackClaim,
	unpackCommitResult,
	type Packed,
} from "./packing.ts";

const ids = createIdMaker(systemChance);
const MAX_DELIVERIES = 3;
const text = fc.string({ maxLength: 8 });
const count = fc.nat(1_000_000);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary);
const body = fc.uint8Array({ maxLength: 30 });
const trigger = fc.constantFrom(...ATTEMPT_TRIGGERS);
const headers = fc.dictionary(fc.stringMatching(/^[a-z-]{1,8}$/), text, { maxKeys: 4, noNullPrototype: true });
const state: fc.Arbitrary<DeliveryState> = fc.record({
	status: fc.constantFrom(...DELIVERY_STATUSES),
	reason: maybe(text),
	attemptCount: count,
	autoAttemptCount: count,
	nextAttemptAt: maybe(count),
	leaseUntil: maybe(count),
	trigger,
	scheduleResumesAt: maybe(count),
	responseCode: maybe(count),
});
const attempt: fc.Arbitrary<Attempt> = fc.record({
	id: text,
	number: count,
	trigger,
	startDate: count,
	durationMs: count,
	responseCode: count,
	error: maybe(text),
	reason: maybe(text),
	requestHeaders: headers,
	response: maybe(fc.record({ headers, body: text, bodyTruncated: fc.boolean() })),
	cause: maybe(fc.constantFrom(...ATTEMPT_CAUSES)),
	webhookRevision: maybe(count),
	firstByteMs: maybe(count),
	connection: maybe(
		fc.record({
			remoteAddress: maybe(text),
			certificateExpireDate: maybe(count),
			opening: maybe(fc.record({ lookupMs: maybe(count), connectMs: maybe(count), tlsMs: maybe(count) })),
		}),
	),
});
const verdict: fc.Arbitrary<AttemptVerdict> = fc.oneof(
	fc.record({
		kind: fc.constantFrom("success", "gone"),
		responseCode: count,
		reason: fc.constant(null),
		retryAfterMs: fc.constant(null),
	}),
	fc.record({ kind: fc.constant("failure" as const), responseCode: count, reason: text, retryAfterMs: maybe(count) }),
);
const policy = fc.record(
	{ maxRetries: count, maxBackoffMs: count, scheduleMs: maybe(fc.array(count, { maxLength: 3 })) },
	{ requiredKeys: ["maxRetries", "maxBackoffMs"] },
);
const change: fc.Arbitrary<DeliveryChange> = fc.oneof(
	fc.record({
		type: fc.constant("attempted" as const),
		at: count,
		trigger,
		verdict,
		policy,
		random: fc.double({ min: 0, max: 0.99, noNaN: true }),
	}),
	fc.record({ type: fc.constant("release" as const) }),
	fc.record({ type: fc.constant("cancel" as const), reason: text }),
	fc.record({ type: fc.constant("retry" as const), at: count }),
);
const entry: fc.Arbitrary<AuditEntry> = fc.record({
	id: text,
	at: count,
	keyId: maybe(text),
	actor: maybe(text),
	customerId: maybe(text),
	sessionId: maybe(text),
	portalSessionId: maybe(text),
	projectId: maybe(text),
	action: text,
	objectId: text,
	fields: fc.array(text, { maxLength: 3 }),
	requestId: maybe(text),
});
/** An event with deliveries, which have the ids that follow the event's. Some of them are due since it was accepted. */
const newEvent: fc.Arbitrary<NewEvent> = fc
	.record({
		event: fc.record({
			id: count.map((now) => ids.makeEvent(MAX_DELIVERIES, now)),
			projectId: text,
			type: text,
			timestamp: count,
			createDate: count,
			deliveryCount: count,
			customers: fc.oneof(maybe(text), fc.array(text, { maxLength: 2 })),
			tags: fc.array(text, { maxLength: 2 }),
		}),
		projectVersion: maybe(count),
		body,
		idempotency: maybe(fc.record({ key: text, fingerprint: body })),
		targets: fc.constantFrom(...EVENT_TARGETS),
		traceparent: maybe(text),
		deliveries: fc.array(
			fc.record({
				webhookId: text,
				state: fc.oneof(
					state,
					maybe(count).map((leaseUntil) => ({ leaseUntil })),
				),
			}),
			{ maxLength: MAX_DELIVERIES },
		),
	})
	.map((accepted) => ({
		...accepted,
		deliveries: accepted.deliveries.map(({ webhookId, state }, index) => ({
			id: deliveryIdAt(accepted.event.id, index),
			webhookId,
			state: "status" in state ? state : newDelivery(accepted.event.createDate, state.leaseUntil),
		})),
	}));
const batch: fc.Arbitrary<CommitBatch> = fc.record({
	events: fc.array(newEvent, { maxLength: 4 }),
	updates: fc.array(fc.record({ deliveryId: text, at: count, change, attempt: maybe(attempt), entry: maybe(entry) }), {
		maxLength: 4,
	}),
});
const leased: fc.Arbitrary<LeasedDelivery> = fc.record({
	id: text,
	projectId: text,
	webhookId: text,
	eventId: text,
	eventType: text,
	trigger,
	attemptCount: count,
	leaseUntil: count,
	createDate: count,
	traceparent: maybe(text),
	body,
});

const claim: fc.Arbitrary<Claim> = fc.record({
	deliveries: fc.array(leased, { maxLength: 5 }),
	nextDueAt: maybe(count),
});

/** The packed values after they were sent as a message to another thread. */
function sent({ values, bodies }: Packed): Packed {
	return structuredClone({ values, bodies }, { transfer: bodies.byteLength === 0 ? [] : [bodies] });
}

it("preserves commits: events with their bodies, and outcomes", () => {
	fc.assert(
		fc.property(batch, (one) => {
			expect(unpackBatch(sent(packBatch(one)))).toEqual(one);
		}),
	);
});

it("preserves the results of commits, whether all events were accepted or not", () => {
	const accepted = { kind: "accepted" } as const;
	const numbers = { timestamp: 1, createDate: 2, deliveryCount: 3 };
	const event = { id: "e", projectId: "p", type: "t", ...numbers, customers: null, tags: ["a:1"] };
	const dates = {
		failingSince: maybe(count),
		reportDate: maybe(count),
		warnDate: maybe(count),
		remindDate: maybe(count),
	};
	const health = fc.record({ ...dates, failedCount: count, exhaustedCount: count, reason: maybe(fc.string()) });
	const names = { id: "d", projectId: "p", eventId: "e", eventType: "t", webhookId: "w", customerId: "c" };
	const fixed = { ...names, createDate: 1, updateDate: 2 };
	const delivery = state.map((moving) => ({ ...fixed, ...moving }));
	const kind = fc.constantFrom("exhausted" as const, "recovered" as const);
	const healthChange = fc.record({ kind, delivery, at: count, before: health, after: health });
	const result: fc.Arbitrary<CommitResult> = fc.record({
		events: fc.array(
			fc.constantFrom(
				accepted,
				accepted,
				{ kind: "conflict" as const },
				{ kind: "stale" as const },
				{ kind: "duplicate" as const, event },
			),
		),
		updates: fc.array(maybe(fc.record({ state, changed: fc.boolean() })), { maxLength: 4 }),
		healthChanges: fc.array(healthChange, { maxLength: 2 }),
	});
	fc.assert(
		fc.property(result, (one) => {
			expect(unpackCommitResult(sent(packCommitResult(one)))).toEqual(one);
		}),
	);
	const one = {
		events: [accepted, accepted],
		updates: [{ state: newDelivery(1, 2), changed: true }],
		healthChanges: [],
	};
	expect(unpackCommitResult(sent(packCommitResult(one)))).toEqual(one);
});

it("preserves claims, each body in memory of its own", () => {
	fc.assert(
		fc.property(claim, (all) => {
			const unpacked = unpackClaim(sent(packClaim(all)));
			expect(unpacked).toEqual(all);
			for (const { body } of unpacked.deliveries) expect(body.buffer.byteLength).toBe(body.length);
		}),
	);
});
