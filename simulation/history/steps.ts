// The steps of a history, and how fast-check makes them. A step names an object by a number, taken modulo what exists, so
// that a history keeps its meaning when steps are removed from it.
import fc from "fast-check";

import { SCOPES, type KeyScope } from "../../packages/server/src/core/access/key.ts";
import type { DeliveryStatus } from "../../packages/server/src/core/delivery.ts";
import type { LiveKind } from "../../packages/server/src/core/live.ts";
import type { ReplayOutcome } from "../../packages/server/src/core/replay.ts";
import type { Fault } from "../world/faults.ts";
import type { Mode } from "../world/receivers.ts";
import { clusterSteps, type ClusterAction } from "./cluster-steps.ts";
import { DOUBT, FAULT } from "./fault-steps.ts";

/** The settings of a webhook that histories vary. */
export interface WebhookChoice {
	readonly filter: readonly string[] | null;
	readonly retries: {
		readonly maxRetries: number;
		readonly maxBackoffMs: number;
		readonly scheduleMs?: readonly number[];
	};
	readonly perSecond: number | null;
	readonly timeoutMs: number;
	readonly disableAfterMs: number;
}

export type Action =
	| {
			readonly do: "create webhook";
			readonly project: number;
			readonly customer: number | null;
			readonly choice: WebhookChoice;
	  }
	| { readonly do: "delete customer"; readonly project: number; readonly customer: number }
	| { readonly do: "update webhook"; readonly webhook: number; readonly field: Field; readonly choice: WebhookChoice }
	| { readonly do: "pause" | "resume" | "delete webhook"; readonly webhook: number }
	| { readonly do: "change secret"; readonly webhook: number; readonly overlapMs: number }
	/** With the example of an event type, or with the server's own sample for null. */
	| { readonly do: "test"; readonly webhook: number; readonly type: string | null }
	| { readonly do: "create key"; readonly project: number | null; readonly scope: KeyScope }
	| { readonly do: "delete key"; readonly key: number }
	| {
			readonly do: "watch";
			readonly project: number;
			readonly kinds: readonly LiveKind[] | null;
			readonly webhook: number | null;
			readonly types: readonly string[] | null;
			readonly key: number;
	  }
	/** Disconnects a client of the live stream, or connects it again. */
	| { readonly do: "disconnect"; readonly client: number }
	| {
			readonly do: "send";
			readonly project: number;
			readonly count: number;
			readonly type: string;
			readonly hasKey: boolean;
			/** Webhooks that the events name; null for none. */
			readonly targets: readonly number[] | null;
			/** Customers that the events are for: some, every one, or none. */
			readonly customers: readonly number[] | "*" | null;
	  }
	| { readonly do: "send again"; readonly send: number; readonly isChanged: boolean }
	| { readonly do: "cancel" | "retry"; readonly delivery: number; readonly status: DeliveryStatus | null }
	| {
			readonly do: "cancel many" | "retry many";
			readonly webhook: number;
			/** All webhooks of the webhook's project. */
			readonly all: boolean;
			readonly status: DeliveryStatus | null;
	  }
	| {
			readonly do: "replay";
			readonly webhook: number;
			readonly sinceMs: number;
			readonly outcomes: readonly ReplayOutcome[];
			readonly types: readonly string[] | null;
	  }
	| { readonly do: "cancel replay"; readonly replay: number }
	| { readonly do: "erase"; readonly event: number }
	| { readonly do: "create project" }
	| { readonly do: "delete project"; readonly project: number }
	| {
			readonly do: "update project";
			readonly project: number;
			readonly days: number | null;
			readonly payloadDays: number | null;
			readonly catalogued: boolean;
	  }
	| { readonly do: "event type"; readonly project: number; readonly type: string; readonly schema: number }
	| { readonly do: "delete event type"; readonly project: number; readonly type: string }
	| { readonly do: "receiver"; readonly webhook: number; readonly mode: Mode }
	| { readonly do: "wait"; readonly ms: number }
	| { readonly do: "step clock"; readonly ms: number }
	| { readonly do: "fault"; readonly fault: Fault }
	| { readonly do: "die"; readonly downMs: number; readonly stepMs: number }
	| { readonly do: "restart"; readonly graceMs: number; readonly downMs: number }
	| ClusterAction;

export type Field = "filter" | "retries" | "perSecond" | "timeoutMs" | "endpoint" | "disableAfterMs";

/** An action, and how much time passes after it. Null: the next one follows before anything else happens. */
export interface Step {
	readonly action: Action;
	readonly thenMs: number | null;
	/** Which of several engines gets the call of the action, or is the one that something happens to. Defaults to the first. */
	readonly engine?: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TYPES = ["order.paid", "order.refunded", "user.created", "invoice"] as const;

const index = fc.nat({ max: 9 });
const type = fc.constantFrom(...TYPES);
const filter = fc.constantFrom(null, null, ["order.*"], ["order.paid"], ["user.created", "invoice"], ["fanfare.*"]);
const retries = fc.constantFrom(
	{ maxRetries: 0, maxBackoffMs: 0 },
	{ maxRetries: 2, maxBackoffMs: 1_000 },
	{ maxRetries: 3, maxBackoffMs: 15_000 },
	{ maxRetries: 8, maxBackoffMs: 10 * MINUTE },
	{ maxRetries: 5, maxBackoffMs: 0 },
	{ maxRetries: 2, maxBackoffMs: 0, scheduleMs: [5 * MINUTE, 30_000] },
);
const choice: fc.Arbitrary<WebhookChoice> = fc.record({
	filter,
	retries,
	perSecond: fc.constantFrom(null, null, null, 1, 5),
	timeoutMs: fc.constantFrom(1_000, 15_000, 30_000),
	disableAfterMs: fc.constantFrom(0, 0, HOUR, 5 * DAY),
});
const customer = fc.nat({ max: 2 });
const status = fc.constantFrom<DeliveryStatus | null>(null, "Pending", "Failed", "Held", "Cancelled", "Succeeded");

/** The statuses in which a delivery can be cancelled, or retried, and sometimes another one. */
const open = fc.constantFrom<DeliveryStatus | null>("Pending", "Pending", "Held", null);
const retryable = fc.constantFrom<DeliveryStatus | null>("Failed", "Cancelled", "Pending", null);

const mode: fc.Arbitrary<Mode> = fc.oneof(
	{ weight: 3, arbitrary: fc.constant<Mode>({ kind: "status", status: 200 }) },
	{ weight: 3, arbitrary: fc.constantFrom<Mode>({ kind: "status", status: 500 }, { kind: "status", status: 302 }) },
	{ weight: 1, arbitrary: fc.constant<Mode>({ kind: "status", status: 410 }) },
	{
		weight: 2,
		arbitrary: fc.record({
			kind: fc.constant("busy" as const),
			status: fc.constantFrom(429 as const, 503 as const),
			seconds: fc.constantFrom(1, 30, 300, 3_600),
			asDate: fc.boolean(),
		}),
	},
	{ weight: 3, arbitrary: fc.constantFrom<Mode>({ kind: "hang" }, { kind: "reset" }, { kind: "refused" }) },
	{ weight: 2, arbitrary: fc.constantFrom<Mode>({ kind: "endless" }, { kind: "flaky" }) },
);

const waitMs = fc.oneof(
	{ weight: 4, arbitrary: fc.constantFrom(5, 100, 1_000, 3_000) },
	{ weight: 3, arbitrary: fc.constantFrom(10_000, 40_000, 2 * MINUTE) },
	{ weight: 1, arbitrary: fc.constantFrom(15 * MINUTE, 50 * MINUTE) },
);
const downMs = fc.constantFrom(0, 1, 500, 10_000, 3 * MINUTE, 2 * HOUR, 2 * DAY, 35 * DAY);
const stepMs = fc.constantFrom(-2 * DAY, -HOUR, -MINUTE, -300, 300, MINUTE, HOUR, 2 * DAY);

const send = fc.record({
	do: fc.constant("send" as const),
	project: index,
	count: fc.constantFrom(1, 1, 1, 2, 5, 40),
	type,
	hasKey: fc.boolean(),
	targets: fc.oneof(
		{ weight: 5, arbitrary: fc.constant(null) },
		{ weight: 1, arbitrary: fc.uniqueArray(index, { minLength: 1, maxLength: 2 }) },
	),
	customers: fc.oneof(
		{ weight: 5, arbitrary: fc.constant(null) },
		{ weight: 6, arbitrary: fc.uniqueArray(customer, { minLength: 1, maxLength: 2 }) },
		{ weight: 2, arbitrary: fc.constant("*" as const) },
	),
});
const replay = fc.record({
	do: fc.constant("replay" as const),
	webhook: index,
	sinceMs: fc.constantFrom(MINUTE, DAY, 60 * DAY),
	outcomes: fc.subarray<ReplayOutcome>(["Succeeded", "Failed", "Cancelled", "Missed"], { minLength: 1 }),
	types: fc.constantFrom(null, ["order.*"]),
});

/** What happens with one engine and with several. The order counts: the histories of seeds follow from it. */
const FIRST = [
	{
		weight: 5,
		arbitrary: fc.record({
			do: fc.constant("create webhook" as const),
			project: index,
			customer: fc.oneof(fc.constant(null), customer),
			choice,
		}),
	},
	{ weight: 2, arbitrary: fc.record({ do: fc.constant("delete customer" as const), project: index, customer }) },
	{
		weight: 4,
		arbitrary: fc.record({
			do: fc.constant("update webhook" as const),
			webhook: index,
			field: fc.constantFrom<Field>("filter", "retries", "perSecond", "timeoutMs", "endpoint", "disableAfterMs"),
			choice,
		}),
	},
	{ weight: 4, arbitrary: fc.record({ do: fc.constant("pause" as const), webhook: index }) },
	{ weight: 5, arbitrary: fc.record({ do: fc.constant("resume" as const), webhook: index }) },
	{ weight: 1, arbitrary: fc.record({ do: fc.constant("delete webhook" as const), webhook: index }) },
	{
		weight: 3,
		arbitrary: fc.record({
			do: fc.constant("change secret" as const),
			webhook: index,
			overlapMs: fc.constantFrom(0, 10_000, MINUTE, HOUR, DAY),
		}),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			do: fc.constant("test" as const),
			webhook: index,
			type: fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: type }),
		}),
	},
	{
		weight: 2,
		arbitrary: fc.record({
			do: fc.constant("create key" as const),
			project: fc.oneof(fc.constant(null), index),
			scope: fc.constantFrom(...SCOPES),
		}),
	},
	{ weight: 2, arbitrary: fc.record({ do: fc.constant("delete key" as const), key: index }) },
] as const;

const LIVE = [
	{
		weight: 3,
		arbitrary: fc.record({
			do: fc.constant("watch" as const),
			project: index,
			kinds: fc.constantFrom<readonly LiveKind[] | null>(null, null, ["event.accepted", "webhook.updated"]),
			webhook: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: index }),
			types: fc.constantFrom(null, null, null, ["order.*", "fanfare.*"]),
			key: index,
		}),
	},
	{ weight: 5, arbitrary: fc.record({ do: fc.constant("disconnect" as const), client: index }) },
] as const;

const SECOND = [
	{ weight: 22, arbitrary: send },
	{
		weight: 3,
		arbitrary: fc.record({
			do: fc.constant("send again" as const),
			send: fc.nat({ max: 99 }),
			isChanged: fc.boolean(),
		}),
	},
	{
		weight: 4,
		arbitrary: fc.record({ do: fc.constant("cancel" as const), delivery: fc.nat({ max: 99 }), status: open }),
	},
	{
		weight: 4,
		arbitrary: fc.record({ do: fc.constant("retry" as const), delivery: fc.nat({ max: 99 }), status: retryable }),
	},
	{
		weight: 2,
		arbitrary: fc.record({
			do: fc.constantFrom("cancel many" as const, "retry many" as const),
			webhook: index,
			all: fc.boolean(),
			status,
		}),
	},
	{ weight: 3, arbitrary: replay },
	{ weight: 1, arbitrary: fc.record({ do: fc.constant("cancel replay" as const), replay: index }) },
	{ weight: 2, arbitrary: fc.record({ do: fc.constant("erase" as const), event: fc.nat({ max: 99 }) }) },
	{ weight: 1, arbitrary: fc.record({ do: fc.constant("create project" as const) }) },
	{
		weight: 1,
		arbitrary: fc.record({ do: fc.constant("delete project" as const), project: fc.integer({ min: 1, max: 9 }) }),
	},
	{
		weight: 2,
		arbitrary: fc.record({
			do: fc.constant("update project" as const),
			project: index,
			days: fc.constantFrom(null, 0, 1, 7),
			payloadDays: fc.constantFrom(null, 1),
			catalogued: fc.constantFrom(false, false, true),
		}),
	},
	{ weight: 2, arbitrary: fc.record({ do: fc.constant("event type" as const), project: index, type, schema: index }) },
	{ weight: 1, arbitrary: fc.record({ do: fc.constant("delete event type" as const), project: index, type }) },
	{ weight: 12, arbitrary: fc.record({ do: fc.constant("receiver" as const), webhook: index, mode }) },
	{ weight: 12, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: waitMs }) },
] as const;

const STEP = { weight: 2, arbitrary: fc.record({ do: fc.constant("step clock" as const), ms: stepMs }) } as const;
const ENDS = [
	{
		weight: 2,
		arbitrary: fc.record({ do: fc.constant("die" as const), downMs, stepMs: fc.oneof(fc.constant(0), stepMs) }),
	},
	{
		weight: 2,
		arbitrary: fc.record({
			do: fc.constant("restart" as const),
			graceMs: fc.constantFrom(0, 1_000, 30_000),
			downMs,
		}),
	},
] as const;

const action: fc.Arbitrary<Action> = fc.oneof(...FIRST, ...LIVE, ...SECOND, STEP, FAULT, ...ENDS);
/** Live streams belong to one process, and the clocks of several are assumed to agree. */
const sharedAction: fc.Arbitrary<Action> = fc.oneof(...FIRST, ...SECOND, FAULT, DOUBT, ...clusterSteps);

const thenMs = fc.oneof(
	{ weight: 3, arbitrary: fc.constant(null) },
	{ weight: 4, arbitrary: fc.constant(0) },
	{ weight: 4, arbitrary: fc.integer({ min: 1, max: 30 }) },
	{ weight: 3, arbitrary: fc.constantFrom(200, 1_000, 5_000) },
);

/** A whole history: its seed for chance, its settings and its steps. */
export interface History {
	readonly seed: number;
	/** Whether the server has small limits, so that deliveries overflow into the store. */
	readonly hasSmallLimits: boolean;
	/** Whether the store answers calls in the order in which it has executed them. */
	readonly answersInOrder: boolean;
	readonly steps: readonly Step[];
	/** If several engines share the store. */
	readonly sharing?: SharingSettings;
}

export interface SharingSettings {
	/** How many engines begin, and how many there are at most. */
	readonly engines: number;
	/** Whether the wire hands new deliveries to the owners of their webhooks. If not, the owners find them in the store. */
	readonly handsOff: boolean;
}

const MAX_STEPS = 60;
/** The most engines of one history. */
export const MAX_ENGINES = 4;

const settings = {
	seed: fc.noShrink(fc.nat({ max: 2 ** 31 - 1 })),
	hasSmallLimits: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
	answersInOrder: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
};

/** Histories of one engine. */
export const histories: fc.Arbitrary<History> = fc.record({
	...settings,
	steps: fc.array(fc.record({ action, thenMs }), { minLength: 1, maxLength: MAX_STEPS, size: "max" }),
});

/** Histories of so many engines on one store. */
export function sharedHistories(engines: { readonly min: number; readonly max: number }): fc.Arbitrary<History> {
	const step = fc.record({ action: sharedAction, thenMs, engine: fc.nat({ max: MAX_ENGINES - 1 }) });
	return fc.record({
		...settings,
		sharing: fc.record({ engines: fc.integer(engines), handsOff: fc.boolean() }),
		steps: fc.array(step, { minLength: 1, maxLength: MAX_STEPS, size: "max" }),
	});
}
