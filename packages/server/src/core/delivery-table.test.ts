// `transition` as a table: every status × every change. The compiler requires each cell, and the test checks each of them.
import { describe, expect, it } from "vitest";

import {
	MAX_RETRIES_BY_HAND,
	transition,
	type AttemptTrigger,
	type AttemptVerdict,
	type DeliveryChange,
	type DeliveryState,
	type DeliveryStatus,
} from "./delivery.ts";

/** The statuses, and the situations within a status in which some change does something else. */
type Row =
	| DeliveryStatus
	| "Pending, leased"
	| "Pending, retried by hand"
	| "Pending, retried by hand, then on schedule"
	| "Held, retried by hand"
	| "Held, retried by hand, then on schedule";

/** An attempt of a replay counts as one of the schedule, which has a test of its own below. */
type Trigger = Exclude<AttemptTrigger, "replay">;
type Column =
	| Exclude<DeliveryChange["type"], "attempted">
	| `${AttemptVerdict["kind"]}, ${Trigger}`
	| `failure, ${Trigger}, retries used up`;

/** The fields that the change sets; all others stay. `SAME`: the change does not apply, and the same object is returned. */
type Cell = Partial<DeliveryState> | typeof SAME;
const SAME = "same";

const NOW = 100_000;
const BACKOFF_MS = 4_000;
const SCHEDULED_AT = 130_000;

const pending: DeliveryState = {
	status: "Pending",
	reason: "the receiver responded with 500",
	attemptCount: 3,
	autoAttemptCount: 2,
	nextAttemptAt: SCHEDULED_AT,
	leaseUntil: null,
	trigger: "auto",
	scheduleResumesAt: null,
	responseCode: 500,
};
const final = { ...pending, nextAttemptAt: null };
const held: DeliveryState = { ...final, status: "Held", reason: "paused" };

const STATES: Readonly<Record<Row, DeliveryState>> = {
	Pending: pending,
	"Pending, leased": { ...pending, leaseUntil: 160_000 },
	"Pending, retried by hand": { ...pending, nextAttemptAt: 90_000, trigger: "manual" },
	"Pending, retried by hand, then on schedule": {
		...pending,
		nextAttemptAt: 90_000,
		trigger: "manual",
		scheduleResumesAt: SCHEDULED_AT,
	},
	Held: held,
	"Held, retried by hand": { ...held, trigger: "manual" },
	"Held, retried by hand, then on schedule": { ...held, trigger: "manual", scheduleResumesAt: SCHEDULED_AT },
	Succeeded: { ...final, status: "Succeeded", reason: null, responseCode: 204 },
	Failed: { ...final, status: "Failed", reason: "exhausted after 2 attempts: the receiver responded with 500" },
	Cancelled: { ...final, status: "Cancelled", reason: "by hand" },
};

const VERDICTS: Readonly<Record<AttemptVerdict["kind"], AttemptVerdict>> = {
	success: { kind: "success", responseCode: 200, reason: null, retryAfterMs: null },
	gone: { kind: "gone", responseCode: 410, reason: null, retryAfterMs: null },
	failure: { kind: "failure", responseCode: 503, reason: "the receiver responded with 503", retryAfterMs: null },
};

function attempted(
	kind: AttemptVerdict["kind"],
	trigger: AttemptTrigger,
	maxRetries = pending.autoAttemptCount + 1,
): DeliveryChange {
	const policy = { maxRetries, maxBackoffMs: 60_000 };
	return { type: "attempted", at: NOW, trigger, verdict: VERDICTS[kind], policy, random: 1 };
}

const CHANGES: Readonly<Record<Column, DeliveryChange>> = {
	lease: { type: "lease", until: 170_000 },
	release: { type: "release" },
	hold: { type: "hold", reason: "disabled" },
	resume: { type: "resume", at: NOW },
	cancel: { type: "cancel", reason: "the webhook was deleted" },
	retry: { type: "retry", at: NOW },
	"success, auto": attempted("success", "auto"),
	"success, manual": attempted("success", "manual"),
	"gone, auto": attempted("gone", "auto"),
	"gone, manual": attempted("gone", "manual"),
	"failure, auto": attempted("failure", "auto"),
	"failure, manual": attempted("failure", "manual"),
	"failure, auto, retries used up": attempted("failure", "auto", pending.autoAttemptCount),
	"failure, manual, retries used up": attempted("failure", "manual", pending.autoAttemptCount),
};

// What an attempt always does: it is counted, its response code is shown, and the lease ends.
const COUNTED = { attemptCount: 4, leaseUntil: null };
const OK = { ...COUNTED, autoAttemptCount: 3, responseCode: 200 };
const OK_BY_HAND = { ...COUNTED, responseCode: 200 };
const GONE = { ...COUNTED, autoAttemptCount: 3, responseCode: 410 };
const GONE_BY_HAND = { ...COUNTED, responseCode: 410 };
const FAILURE = { ...COUNTED, autoAttemptCount: 3, responseCode: 503 };
const FAILURE_BY_HAND = { ...COUNTED, responseCode: 503 };

// What the attempt or another change makes of the delivery.
const ENDED = { nextAttemptAt: null, leaseUntil: null, trigger: "auto", scheduleResumesAt: null } as const;
const SUCCEEDED = { ...ENDED, status: "Succeeded", reason: null } as const;
const failed = (reason: string) => ({ ...ENDED, status: "Failed", reason }) as const;
const NOT_THERE = failed("the receiver responded with 410: the webhook is gone");
const EXHAUSTED = failed("exhausted after 3 attempts: the receiver responded with 503");
const FAILED_BY_HAND = failed("the receiver responded with 503");
const CANCELLED = { ...ENDED, status: "Cancelled", reason: "the webhook was deleted" } as const;
const HELD = { status: "Held", reason: "disabled", nextAttemptAt: null, leaseUntil: null } as const;
const LEASED = { leaseUntil: 170_000 };
const RETRIED = { status: "Pending", reason: null, nextAttemptAt: NOW, trigger: "manual" } as const;
const RESUMED = { status: "Pending", reason: null, nextAttemptAt: NOW } as const;
const WAITS = { reason: "the receiver responded with 503", nextAttemptAt: NOW + BACKOFF_MS };
const ON_SCHEDULE = { trigger: "auto", scheduleResumesAt: null } as const;

/** Outcomes that come after the delivery has succeeded or was cancelled are counted, and change nothing else. */
const COUNTED_ONLY = {
	"success, auto": OK,
	"success, manual": OK_BY_HAND,
	"gone, auto": GONE,
	"gone, manual": GONE_BY_HAND,
	"failure, auto": FAILURE,
	"failure, manual": FAILURE_BY_HAND,
	"failure, auto, retries used up": FAILURE,
	"failure, manual, retries used up": FAILURE_BY_HAND,
};
/** Success and 410 end a delivery that waits, whatever it waits for. */
const ENDED_BY_OUTCOME = {
	"success, auto": { ...OK, ...SUCCEEDED },
	"success, manual": { ...OK_BY_HAND, ...SUCCEEDED },
	"gone, auto": { ...GONE, ...NOT_THERE },
	"gone, manual": { ...GONE_BY_HAND, ...NOT_THERE },
};

const UNCHANGED = { lease: SAME, release: SAME, hold: SAME, resume: SAME, cancel: SAME, retry: SAME } as const;
const WAITING = { ...UNCHANGED, ...ENDED_BY_OUTCOME, lease: LEASED, hold: HELD, cancel: CANCELLED } as const;
const WAITING_HELD = { ...UNCHANGED, ...ENDED_BY_OUTCOME, resume: RESUMED, cancel: CANCELLED } as const;

const TABLE: Readonly<Record<Row, Readonly<Record<Column, Cell>>>> = {
	Pending: {
		...WAITING,
		retry: { nextAttemptAt: NOW, trigger: "manual", scheduleResumesAt: SCHEDULED_AT },
		"failure, auto": { ...FAILURE, ...WAITS },
		"failure, auto, retries used up": { ...FAILURE, ...EXHAUSTED },
		// The retry by hand had two attempts, since the lease of the first ended. The other one has restored the schedule.
		"failure, manual": FAILURE_BY_HAND,
		"failure, manual, retries used up": FAILURE_BY_HAND,
	},
	// An attempt is under way, so there is nothing to retry.
	"Pending, leased": {
		...WAITING,
		release: { leaseUntil: null },
		"failure, auto": { ...FAILURE, ...WAITS },
		"failure, auto, retries used up": { ...FAILURE, ...EXHAUSTED },
		"failure, manual": FAILURE_BY_HAND,
		"failure, manual, retries used up": FAILURE_BY_HAND,
	},
	// Two retries by hand at once are one.
	"Pending, retried by hand": {
		...WAITING,
		// An earlier attempt has ended late: the retry by hand is still due.
		"failure, auto": FAILURE,
		"failure, auto, retries used up": FAILURE,
		"failure, manual": { ...FAILURE_BY_HAND, ...FAILED_BY_HAND },
		"failure, manual, retries used up": { ...FAILURE_BY_HAND, ...FAILED_BY_HAND },
	},
	"Pending, retried by hand, then on schedule": {
		...WAITING,
		"failure, auto": { ...FAILURE, scheduleResumesAt: NOW + BACKOFF_MS },
		// The schedule is used up. The retry by hand is the last attempt.
		"failure, auto, retries used up": { ...FAILURE, scheduleResumesAt: null },
		"failure, manual": { ...FAILURE_BY_HAND, ...WAITS, ...ON_SCHEDULE, nextAttemptAt: SCHEDULED_AT },
		"failure, manual, retries used up": { ...FAILURE_BY_HAND, ...WAITS, ...ON_SCHEDULE, nextAttemptAt: SCHEDULED_AT },
	},
	Held: {
		...WAITING_HELD,
		"failure, auto": FAILURE,
		"failure, auto, retries used up": { ...FAILURE, ...EXHAUSTED },
		"failure, manual": FAILURE_BY_HAND,
		"failure, manual, retries used up": FAILURE_BY_HAND,
	},
	"Held, retried by hand": {
		...WAITING_HELD,
		"failure, auto": FAILURE,
		"failure, auto, retries used up": FAILURE,
		"failure, manual": { ...FAILURE_BY_HAND, ...FAILED_BY_HAND },
		"failure, manual, retries used up": { ...FAILURE_BY_HAND, ...FAILED_BY_HAND },
	},
	"Held, retried by hand, then on schedule": {
		...WAITING_HELD,
		"failure, auto": { ...FAILURE, scheduleResumesAt: NOW + BACKOFF_MS },
		"failure, auto, retries used up": { ...FAILURE, scheduleResumesAt: null },
		"failure, manual": { ...FAILURE_BY_HAND, ...ON_SCHEDULE },
		"failure, manual, retries used up": { ...FAILURE_BY_HAND, ...ON_SCHEDULE },
	},
	Succeeded: { ...UNCHANGED, ...COUNTED_ONLY },
	Failed: {
		...UNCHANGED,
		...COUNTED_ONLY,
		retry: RETRIED,
		"success, auto": { ...OK, ...SUCCEEDED },
		"success, manual": { ...OK_BY_HAND, ...SUCCEEDED },
	},
	Cancelled: { ...UNCHANGED, ...COUNTED_ONLY, retry: RETRIED },
};

const rowNames = Object.keys(TABLE) as Row[];
const columnNames = Object.keys(CHANGES) as Column[];

describe.each(rowNames)("a delivery that is %s", (row) => {
	const state = STATES[row];

	it.each(columnNames)("after: %s", (column) => {
		const cell = TABLE[row][column];
		const after = transition(state, CHANGES[column]);
		if (cell === SAME) expect(after).toBe(state);
		else expect(after).toEqual({ ...state, ...cell });
	});

	it.each(columnNames)(
		"does the same, but can't be retried, if its retries by hand are used up, after: %s",
		(column) => {
			const more = MAX_RETRIES_BY_HAND - (state.attemptCount - state.autoAttemptCount);
			const usedUp = { ...state, attemptCount: state.attemptCount + more };
			const cell = TABLE[row][column];
			const after = transition(usedUp, CHANGES[column]);
			if (column === "retry" || cell === SAME) return expect(after).toBe(usedUp);
			const counted = cell.attemptCount ?? state.attemptCount;
			return expect(after).toEqual({ ...usedUp, ...cell, attemptCount: counted + more });
		},
	);

	it("can be retried as ever if one of its retries by hand is left", () => {
		const more = MAX_RETRIES_BY_HAND - 1 - (state.attemptCount - state.autoAttemptCount);
		const oneLeft = { ...state, attemptCount: state.attemptCount + more };
		const cell = TABLE[row].retry;
		const after = transition(oneLeft, CHANGES.retry);
		if (cell === SAME) expect(after).toBe(oneLeft);
		else expect(after).toEqual({ ...oneLeft, ...cell });
	});

	it.each(Object.keys(VERDICTS) as AttemptVerdict["kind"][])("counts a replay's %s as one on schedule", (kind) => {
		for (const maxRetries of [pending.autoAttemptCount, pending.autoAttemptCount + 1]) {
			const onSchedule = transition(state, attempted(kind, "auto", maxRetries));
			expect(transition(state, attempted(kind, "replay", maxRetries))).toEqual(onSchedule);
		}
	});
});
