// Deliveries over several changes. delivery-table.test.ts tests what each change does in each state.
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
	ATTEMPT_TRIGGERS,
	dueAt,
	isRetryLimitReached,
	MAX_RETRIES_BY_HAND,
	newDelivery,
	newHeldDelivery,
	transition,
	type AttemptVerdict,
	type DeliveryChange,
	type DeliveryState,
} from "./delivery.ts";
import { MAX_RETRY_AFTER_MS } from "./policies/retry-policy.ts";

const policy = { maxRetries: 3, maxBackoffMs: 15_000 };

const FAILURE = {
	kind: "failure",
	responseCode: 500,
	reason: "the receiver responded with 500",
	retryAfterMs: null,
} as const;

function attempted(more: Partial<DeliveryChange & { type: "attempted" }> = {}) {
	return { type: "attempted", at: 1_000, trigger: "auto", verdict: FAILURE, policy, random: 0, ...more } as const;
}

function apply(state: DeliveryState, ...changes: readonly DeliveryChange[]): DeliveryState {
	return changes.reduce(transition, state);
}

describe("a delivery", () => {
	it("fails at once when the policy allows no retry", () => {
		const state = apply(newDelivery(0, null), attempted({ policy: { maxRetries: 0, maxBackoffMs: 0 } }));
		const reason = "exhausted after 1 attempt: the receiver responded with 500";
		expect(state).toMatchObject({ status: "Failed", attemptCount: 1, reason });
	});

	it("waits for Retry-After when that is longer than the back-off, and never less than the back-off", () => {
		const asked = (retryAfterMs: number) =>
			apply(newDelivery(0, null), attempted({ random: 1, verdict: { ...FAILURE, retryAfterMs } })).nextAttemptAt;
		expect(asked(90_000)).toBe(91_000);
		expect(asked(1)).toBe(2_000);
	});

	it("is due at the end of its lease, and at its next attempt once the lease is released or an attempt failed", () => {
		const leased = apply(newDelivery(10, null), { type: "lease", until: 60_000 });
		expect(dueAt(leased)).toBe(60_000);
		expect(dueAt(apply(leased, { type: "release" }))).toBe(10);
		expect(dueAt(apply(leased, { type: "release", leaseUntil: leased.leaseUntil! }))).toBe(10);
		expect(apply(leased, { type: "release", leaseUntil: leased.leaseUntil! + 1 })).toBe(leased);
		const failed = apply(leased, attempted());
		expect(failed.leaseUntil).toBeNull();
		expect(dueAt(failed)).toBe(failed.nextAttemptAt);
	});

	it("has used up its retries by hand only when the last of them is over, and attempts of its schedule do not count", () => {
		const after = (retries: number) => ({ ...newDelivery(0, null), attemptCount: 2 + retries, autoAttemptCount: 2 });
		const last = apply(after(MAX_RETRIES_BY_HAND - 1), { type: "retry", at: 5 });
		expect([last.trigger, isRetryLimitReached(last)]).toEqual(["manual", false]);
		expect(isRetryLimitReached({ ...last, attemptCount: last.attemptCount + 1 })).toBe(false);
		expect([MAX_RETRIES_BY_HAND - 1, MAX_RETRIES_BY_HAND].map((n) => isRetryLimitReached(after(n)))).toEqual([
			false,
			true,
		]);
	});
});

const reason = fc.string({ maxLength: 10 });
const time = fc.integer({ min: 0, max: 1e9 });
const verdict: fc.Arbitrary<AttemptVerdict> = fc.oneof(
	fc.record({
		kind: fc.constant("success" as const),
		responseCode: fc.integer({ min: 200, max: 299 }),
		reason: fc.constant(null),
		retryAfterMs: fc.constant(null),
	}),
	fc.constant({ kind: "gone" as const, responseCode: 410, reason: null, retryAfterMs: null }),
	fc.record({
		kind: fc.constant("failure" as const),
		responseCode: fc.integer({ min: 0, max: 599 }),
		reason,
		retryAfterMs: fc.option(fc.integer({ min: 1, max: MAX_RETRY_AFTER_MS })),
	}),
);
const change: fc.Arbitrary<DeliveryChange> = fc.oneof(
	fc.record({ type: fc.constant("lease" as const), until: time }),
	fc.record({ type: fc.constant("release" as const) }),
	fc.record({
		type: fc.constant("attempted" as const),
		at: time,
		trigger: fc.constantFrom(...ATTEMPT_TRIGGERS),
		verdict,
		policy: fc.record({
			maxRetries: fc.integer({ min: 0, max: 20 }),
			maxBackoffMs: fc.integer({ min: 0, max: 86_400_000 }),
		}),
		random: fc.double({ min: 0, max: 0.999, noNaN: true }),
	}),
	fc.record({ type: fc.constant("hold" as const), reason }),
	fc.record({ type: fc.constant("resume" as const), at: time }),
	fc.record({ type: fc.constant("cancel" as const), reason }),
	fc.record({ type: fc.constant("retry" as const), at: time }),
);
const start = fc.oneof(
	fc.tuple(time, fc.option(time)).map(([at, lease]) => newDelivery(at, lease)),
	reason.map((text) => newHeldDelivery(text)),
);

describe("any sequence of changes", () => {
	const walk = (check: (before: DeliveryState, change: DeliveryChange, after: DeliveryState) => void) =>
		fc.assert(
			fc.property(start, fc.array(change, { maxLength: 40 }), (first, changes) => {
				let state = first;
				for (const one of changes) {
					const next = transition(state, one);
					check(state, one, next);
					state = next;
				}
			}),
		);

	it("leaves a delivery due exactly while it is Pending", () => {
		walk((_before, _change, after) => {
			expect(after.nextAttemptAt === null).toBe(after.status !== "Pending");
			expect(dueAt(after) === null).toBe(after.status !== "Pending");
			if (after.status !== "Pending") expect(after.leaseUntil).toBeNull();
		});
	});

	it("counts every attempt once and nothing else", () => {
		walk((before, one, after) => {
			expect(after.attemptCount - before.attemptCount).toBe(one.type === "attempted" ? 1 : 0);
			expect(after.autoAttemptCount).toBeLessThanOrEqual(after.attemptCount);
		});
	});

	it("never leaves Succeeded, leaves Cancelled only by a manual retry, and Failed only by that or a late success", () => {
		walk((before, one, after) => {
			if (before.status === "Succeeded") expect(after.status).toBe("Succeeded");
			if (before.status === "Cancelled" && after.status !== "Cancelled") expect(one.type).toBe("retry");
			if (before.status === "Failed" && after.status !== "Failed") {
				expect(one.type === "retry" || (one.type === "attempted" && one.verdict.kind === "success")).toBe(true);
			}
		});
	});

	it("has a reason if it is Failed, Cancelled or Held, and none if it is Succeeded", () => {
		walk((_before, _change, after) => {
			if (after.status === "Failed" || after.status === "Cancelled" || after.status === "Held") {
				expect(after.reason).not.toBeNull();
			}
			if (after.status === "Succeeded") expect(after.reason).toBeNull();
		});
	});

	it("waits at least 80 % of the back-off after an automatic failure, and no longer than the cap or Retry-After", () => {
		walk((before, one, after) => {
			if (one.type !== "attempted" || one.verdict.kind !== "failure" || one.trigger === "manual") return;
			if (before.status !== "Pending" || after.nextAttemptAt === null) return;
			if (before.trigger === "manual") return; // A manual retry is still due, without a wait.
			const waited = after.nextAttemptAt - one.at;
			const exponential = Math.min(1_000 * 2 ** (after.autoAttemptCount - 1), one.policy.maxBackoffMs);
			expect(waited).toBeGreaterThanOrEqual(Math.max(Math.floor(exponential * 0.8), one.verdict.retryAfterMs ?? 0));
			expect(waited).toBeLessThanOrEqual(Math.max(exponential, one.verdict.retryAfterMs ?? 0));
		});
	});
});
