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

function attempted(kind: AttemptVerdict["kind"], more: Partial<DeliveryChange & { type: "attempted" }> = {}) {
	const verdict: AttemptVerdict =
		kind === "failure"
			? { kind, responseCode: 500, reason: "the receiver responded with 500", retryAfterMs: null }
			: { kind, responseCode: kind === "gone" ? 410 : 200, reason: null, retryAfterMs: null };
	return { type: "attempted", at: 1_000, trigger: "auto", verdict, policy, random: 0, ...more } as const;
}

function apply(state: DeliveryState, ...changes: readonly DeliveryChange[]): DeliveryState {
	return changes.reduce(transition, state);
}

describe("a delivery", () => {
	it("succeeds with the first 2xx", () => {
		const state = apply(newDelivery(0, 60_000), attempted("success"));
		expect(state).toMatchObject({ status: "Succeeded", attemptCount: 1, nextAttemptAt: null, leaseUntil: null });
	});

	it("is attempted maxRetries + 1 times, then Failed with a reason", () => {
		const failures = Array.from({ length: 4 }, () => attempted("failure"));
		expect(apply(newDelivery(0, null), ...failures.slice(1)).status).toBe("Pending");
		const state = apply(newDelivery(0, null), ...failures);
		expect(state).toMatchObject({ status: "Failed", attemptCount: 4, nextAttemptAt: null });
		expect(state.reason).toBe("exhausted after 4 attempts: the receiver responded with 500");
	});

	it("fails at once when the policy allows no retry", () => {
		const state = apply(newDelivery(0, null), attempted("failure", { policy: { maxRetries: 0, maxBackoffMs: 0 } }));
		expect(state).toMatchObject({ status: "Failed", attemptCount: 1 });
	});

	it("waits for Retry-After when that is longer than the back-off, and never less than the back-off", () => {
		const asked = (retryAfterMs: number) =>
			apply(
				newDelivery(0, null),
				attempted("failure", {
					random: 1,
					verdict: { kind: "failure", responseCode: 429, reason: "", retryAfterMs },
				}),
			).nextAttemptAt;
		expect(asked(90_000)).toBe(91_000);
		expect(asked(1)).toBe(2_000);
	});

	it("is Failed when the receiver is gone, also after a manual retry", () => {
		expect(apply(newDelivery(0, null), attempted("gone"))).toMatchObject({ status: "Failed", responseCode: 410 });
		const retried = apply(newDelivery(0, null), attempted("failure"), { type: "retry", at: 5 });
		const gone = apply(retried, attempted("gone", { trigger: "manual" }));
		expect(gone).toMatchObject({ status: "Failed", responseCode: 410, nextAttemptAt: null });
		expect(gone.reason).toMatch(/gone/);
	});

	it("is due at the end of its lease, and at its next attempt once the lease is released or an attempt failed", () => {
		const leased = apply(newDelivery(10, null), { type: "lease", until: 60_000 });
		expect(dueAt(leased)).toBe(60_000);
		expect(dueAt(apply(leased, { type: "release" }))).toBe(10);
		expect(dueAt(apply(leased, { type: "release", leaseUntil: leased.leaseUntil! }))).toBe(10);
		expect(apply(leased, { type: "release", leaseUntil: leased.leaseUntil! + 1 })).toBe(leased);
		const failed = apply(leased, attempted("failure"));
		expect(failed.leaseUntil).toBeNull();
		expect(dueAt(failed)).toBe(failed.nextAttemptAt);
	});

	it("goes back to its schedule after a manual retry fails", () => {
		const waiting = apply(newDelivery(0, null), attempted("failure"));
		const retried = apply(waiting, { type: "retry", at: 1_100 });
		expect(retried).toMatchObject({ nextAttemptAt: 1_100, trigger: "manual" });
		const back = apply(
			retried,
			{ type: "lease", until: 9_000 },
			attempted("failure", { trigger: "manual", at: 1_200 }),
		);
		expect(back).toMatchObject({ status: "Pending", nextAttemptAt: waiting.nextAttemptAt, trigger: "auto" });
		expect(back).toMatchObject({ attemptCount: 2, autoAttemptCount: 1 });
	});

	it("keeps its schedule when a manual retry has two attempts, since the lease of the first ended, and both fail", () => {
		const byHand = attempted("failure", { trigger: "manual" });
		const retried = apply(newDelivery(9_000, null), { type: "retry", at: 5 }, { type: "lease", until: 2_000 });
		const back = apply(retried, byHand);
		expect(back).toMatchObject({ status: "Pending", nextAttemptAt: 9_000, trigger: "auto", attemptCount: 1 });
		expect(apply(back, byHand)).toEqual({ ...back, attemptCount: 2 });
	});

	it("is Failed again when the manual retry of a Failed delivery fails", () => {
		const failed = apply(newDelivery(0, null), attempted("gone"), { type: "retry", at: 5 });
		expect(failed.status).toBe("Pending");
		expect(apply(failed, attempted("failure", { trigger: "manual" })).status).toBe("Failed");
	});

	it("stays Held when a manual retry that was in flight fails, and continues its schedule once it is resumed", () => {
		const retried = apply(newDelivery(0, null), attempted("failure"), { type: "retry", at: 5 });
		const leased = apply(retried, { type: "lease", until: 9_000 }, { type: "hold", reason: "paused" });
		const held = apply(leased, attempted("failure", { trigger: "manual" }));
		expect(held).toMatchObject({ status: "Held", reason: "paused", nextAttemptAt: null, trigger: "auto" });
		const resumed = apply(held, { type: "resume", at: 7 });
		expect(resumed).toMatchObject({ status: "Pending", nextAttemptAt: 7, trigger: "auto", scheduleResumesAt: null });
	});

	it("treats two manual retries at once as one", () => {
		const once = apply(newDelivery(9_000, null), { type: "retry", at: 5 });
		expect(transition(once, { type: "retry", at: 6 })).toBe(once);
		const leased = newDelivery(0, 60_000);
		expect(transition(leased, { type: "retry", at: 6 })).toBe(leased);
	});

	it("is retried by hand 100 times, and attempts of its schedule do not count", () => {
		const byHand = attempted("failure", { trigger: "manual" });
		let state = apply(newDelivery(0, null), attempted("failure"), attempted("gone"));
		for (let retries = 0; retries < MAX_RETRIES_BY_HAND; retries++) {
			expect(isRetryLimitReached(state)).toBe(false);
			const retried = transition(state, { type: "retry", at: 5 });
			expect(retried.status).toBe("Pending");
			// Also while the last one is due: asking for it again is not another retry.
			expect(isRetryLimitReached(retried)).toBe(false);
			state = transition(retried, byHand);
		}
		expect(state).toMatchObject({ status: "Failed", attemptCount: 102, autoAttemptCount: 2 });
		expect(isRetryLimitReached(state)).toBe(true);
		expect(transition(state, { type: "retry", at: 5 })).toBe(state);
	});

	it("stays Cancelled when an attempt that was in flight ends, and counts the attempt", () => {
		const cancelled = apply(newDelivery(0, 60_000), { type: "cancel", reason: "by hand" }, attempted("success"));
		expect(cancelled).toMatchObject({ status: "Cancelled", reason: "by hand", attemptCount: 1 });
	});

	it("keeps a manual retry, with or without a schedule after it, when an earlier attempt ends late", () => {
		const failure = attempted("failure", { at: 1_000, random: 1 });
		const waiting = apply(newDelivery(0, 60_000), { type: "hold", reason: "paused" }, { type: "resume", at: 10 });
		const retried = apply(waiting, { type: "retry", at: 20 }, failure);
		expect(retried).toMatchObject({ status: "Pending", nextAttemptAt: 20, trigger: "manual", attemptCount: 1 });
		const later = apply(retried, attempted("failure", { trigger: "manual" }));
		expect(later).toMatchObject({ status: "Pending", nextAttemptAt: 2_000, trigger: "auto" });
		const cancelled = apply(newDelivery(0, 60_000), { type: "cancel", reason: "by hand" }, { type: "retry", at: 20 });
		expect(apply(cancelled, failure)).toMatchObject({ nextAttemptAt: 20, trigger: "manual" });
		expect(apply(cancelled, failure, attempted("failure", { trigger: "manual" })).status).toBe("Failed");
	});

	it("can be cancelled while it is Pending or Held", () => {
		const cancel = { type: "cancel", reason: "by hand" } as const;
		expect(apply(newDelivery(0, null), cancel)).toMatchObject({ status: "Cancelled", nextAttemptAt: null });
		expect(apply(newHeldDelivery("paused"), cancel)).toMatchObject({ status: "Cancelled", reason: "by hand" });
	});

	it("keeps its attempts while it is held and resumed", () => {
		const held = apply(newDelivery(0, 60_000), { type: "hold", reason: "paused" }, attempted("failure"));
		expect(held).toMatchObject({ status: "Held", attemptCount: 1, nextAttemptAt: null });
		expect(apply(held, { type: "resume", at: 7 })).toMatchObject({
			status: "Pending",
			nextAttemptAt: 7,
			attemptCount: 1,
		});
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
