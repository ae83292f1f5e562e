// Shows that each check can fail: records in which one promise is broken, and one record in which none is.
import { describe, expect, it } from "vitest";

import { checkAll, cutOffByRun } from "./all.ts";
import { attempt, madeUpRecord, seen, stored, TIME, webhook, WEBHOOK } from "./made-up-record.ts";
import type { RoundRecord, RunEnd, Seen } from "./record.ts";
import type { StoredDelivery } from "./stored-log.ts";

type Made = Parameters<typeof madeUpRecord>[0];

const others = [stored("evt_2"), stored("evt_3")];
const othersSeen = [seen("evt_2"), seen("evt_3")];

function broken(made: Made): string[] {
	return [...new Set(checkAll(madeUpRecord(made)).map(({ promise }) => promise))];
}

/** The end of the first run, with these deliveries on the disk. */
function end(how: RunEnd["how"], deliveries: RunEnd["log"]["deliveries"]): RunEnd {
	return { how, log: { integrity: "ok", eventIds: new Set(), deliveries } };
}

it("a round in which everything went well breaks no promise", () => {
	expect(checkAll(madeUpRecord())).toEqual([]);
});

describe("accepted", () => {
	const whole = madeUpRecord();

	it("is red for an acknowledged event that the store does not have", () => {
		const eventIds = new Set(["evt_2", "evt_3"]);
		expect(broken({ stored: { ...whole.stored, eventIds } })).toContain("accepted");
	});

	it("is red for a stored event that nobody sent", () => {
		const eventIds = new Set([...whole.stored.eventIds, "evt_4"]);
		expect(broken({ stored: { ...whole.stored, eventIds } })).toEqual(["accepted"]);
	});

	it("is red for an event that came with the data of another event", () => {
		expect(broken({ seen: [seen("evt_1", { n: 2 }), ...othersSeen] })).toEqual(["accepted"]);
	});

	it("is red when two events were acknowledged with one id", () => {
		const [first] = whole.acknowledged;
		expect(broken({ acknowledged: [...whole.acknowledged, { ...first!, n: 9 }] })).toContain("accepted");
	});
});

describe("lost", () => {
	it("is red for an event without a delivery to a webhook that wants it", () => {
		expect(broken({ deliveries: others, seen: othersSeen })).toEqual(["lost"]);
	});

	it("is red for a Succeeded delivery that no receiver got", () => {
		expect(broken({ seen: othersSeen })).toContain("lost");
	});

	it("is red for a delivery that ended in a status that its webhook does not allow", () => {
		const failed = stored("evt_1", { status: "Failed", reason: "exhausted", attempts: [attempt(1, 500)] });
		const requests = [seen("evt_1", { status: 500 }), ...othersSeen];
		expect(broken({ deliveries: [failed, ...others], seen: requests })).toEqual(["lost"]);
	});

	it("is red for an event that retention deleted before it was delivered", () => {
		const purged = new Set(["evt_1"]);
		expect(broken({ purged, deliveries: others, seen: othersSeen })).toEqual(["lost"]);
		expect(broken({ purged, deliveries: others })).toEqual([]);
	});
});

describe("duplicates", () => {
	const twice = [seen("evt_1"), seen("evt_1", { run: 1 }), ...othersSeen];
	const pending = stored("evt_1", { status: "Pending", attempts: [], nextAttemptAt: TIME, leaseUntil: TIME });

	it("is red for a repeat within a run", () => {
		expect(broken({ seen: [seen("evt_1"), seen("evt_1"), ...othersSeen] })).toEqual(["duplicates"]);
	});

	it("is red for a repeat of a delivery that was Succeeded on the disk before the server was killed", () => {
		expect(broken({ seen: twice, ends: [end("killed", [stored("evt_1"), ...others])] })).toEqual(["duplicates"]);
	});

	it("is green for a repeat of an attempt that was in flight when the server was killed", () => {
		const made = { seen: twice, ends: [end("killed", [pending, ...others])] };
		expect(broken(made)).toEqual([]);
		expect(cutOffByRun(madeUpRecord(made))).toEqual([1]);
	});

	it("is red for the same after a graceful stop, which waits for attempts in flight", () => {
		expect(broken({ seen: twice, ends: [end("stopped", [pending, ...others])] })).toEqual(["duplicates"]);
	});

	it("is red when more attempts were in flight than may be", () => {
		const all = ["evt_1", "evt_2", "evt_3"];
		const requests = [0, 1].flatMap((run) => all.map((eventId) => seen(eventId, { run })));
		expect(broken({ seen: requests, ends: [end("killed", [])] })).toEqual(["duplicates"]);
		expect(broken({ seen: requests, ends: [end("killed", [])], maxInFlight: 3 })).toEqual([]);
	});

	it("is red for a failed request that the log does not have", () => {
		expect(broken({ seen: [seen("evt_1", { status: 500 }), seen("evt_1"), ...othersSeen] })).toEqual(["duplicates"]);
	});

	it("is green for a response that may not have reached the server", () => {
		const attempts = [attempt(1, 0, "timeout"), attempt(2, 200)];
		const requests = [seen("evt_1", { certain: false }), seen("evt_1"), ...othersSeen];
		expect(broken({ deliveries: [stored("evt_1", { attempts }), ...others], seen: requests })).toEqual([]);
	});

	it("is green for a success after the time of its attempt, and red for one more", () => {
		const attempts = [attempt(1, 0, "timeout"), attempt(2, 200)];
		const deliveries = [stored("evt_1", { attempts }), ...others];
		const twice = [seen("evt_1"), seen("evt_1"), ...othersSeen];
		expect(broken({ deliveries, seen: twice })).toEqual([]);
		expect(broken({ deliveries, seen: [seen("evt_1"), ...twice] })).toEqual(["duplicates"]);
	});
});

describe("duplicates, where several processes run at once", () => {
	const pending = stored("evt_1", { status: "Pending", attempts: [], nextAttemptAt: TIME });
	const repeated = [seen("evt_1"), ...othersSeen, seen("evt_1", { run: 1 })];
	const endOf = (run: number, how: RunEnd["how"], deliveries = [pending, ...others]) => ({
		...end(how, deliveries),
		of: { run, at: TIME, cameBefore: 3 },
	});

	it("are green for what was in flight at the process that ended, and red for what was in flight at another one", () => {
		expect(broken({ seen: repeated, ends: [endOf(0, "killed")] })).toEqual([]);
		expect(broken({ seen: repeated, ends: [endOf(2, "killed")] })).toEqual(["duplicates"]);
		expect(broken({ seen: repeated, ends: [endOf(0, "killed", [stored("evt_1"), ...others])] })).toEqual([
			"duplicates",
		]);
	});

	it("are red if another process had gone on with the delivery before that", () => {
		const moved = [seen("evt_1"), seen("evt_1", { run: 1 }), seen("evt_2"), seen("evt_3"), seen("evt_1", { run: 1 })];
		expect(broken({ seen: moved, ends: [endOf(0, "killed")] })).toEqual(["duplicates"]);
	});

	it("are green for what a process sends late that has lost its tenure", () => {
		const late = [...othersSeen, seen("evt_1", { run: 1 }), seen("evt_1")];
		const made = { seen: late, ends: [{ ...endOf(0, "lost tenure"), of: { run: 0, at: TIME, cameBefore: 2 } }] };
		expect(broken(made)).toEqual([]);
	});

	it("may be in the log twice if no receiver has seen them, and the first one was not written when the process lost its tenure", () => {
		const refused = (number: number, startDate: number) => ({ ...attempt(number, 0, "refused"), startDate });
		const failed = (...attempts: ReturnType<typeof refused>[]) => [
			stored("evt_1", { status: "Failed", reason: "exhausted", attempts }),
			...others,
		];
		const strict = { ...webhook, attemptsUntilFailed: 1, mayEnd: () => ["Failed", "Succeeded"] as const };
		const made = { webhooks: [strict], seen: othersSeen, ends: [endOf(2, "lost tenure")] };
		expect(broken({ ...made, deliveries: failed(refused(1, TIME - 9), refused(2, TIME + 4_000)) })).toEqual([]);
		const later = failed(refused(1, TIME + 3_000), refused(2, TIME + 4_000));
		expect(broken({ ...made, deliveries: later })).toEqual(["wrong state"]);
	});

	it("may be in the log with both outcomes only if the process that made the first one lives on", () => {
		const deliveries = [stored("evt_1", { attempts: [attempt(1, 200), attempt(2, 200)] }), ...others];
		expect(broken({ deliveries, seen: repeated, ends: [endOf(0, "lost tenure")] })).toEqual([]);
		expect(broken({ deliveries, seen: repeated, ends: [endOf(0, "killed")] })).toEqual(["wrong state"]);
	});
});

describe("stuck", () => {
	const waiting = (nextAttemptAt: number | null, leaseUntil: number | null = null) =>
		stored("evt_1", { status: "Pending", attempts: [], nextAttemptAt, leaseUntil });
	const patient = { ...webhook, mayEnd: () => ["Pending"] as const };
	const made = (delivery: ReturnType<typeof stored>): Made => ({
		deliveries: [delivery, ...others],
		seen: othersSeen,
	});

	it("is red for a delivery that is still Pending at the end", () => {
		expect(broken(made(waiting(TIME)))).toEqual(["stuck"]);
	});

	it("is red for a delivery that may stay Pending, but has been due for long", () => {
		const alone = { webhooks: [patient], deliveries: [waiting(TIME)], seen: [] };
		const acknowledged = madeUpRecord().acknowledged.slice(0, 1);
		const eventIds = new Set(["evt_1"]);
		const record = madeUpRecord({ ...alone, acknowledged });
		const only = { ...record, stored: { ...record.stored, eventIds } };
		expect(checkAll(only).map(({ promise }) => promise)).toEqual(["stuck"]);
		const listedAt = TIME - 1_000;
		expect(checkAll({ ...only, listedAt })).toEqual([]);
	});

	it("is red for a delivery that is leased although the server has stopped", () => {
		expect(broken({ deliveries: [stored("evt_1", { leaseUntil: TIME }), ...others] })).toEqual(["stuck"]);
	});
});

describe("wrong state", () => {
	const withFirst = (first: Parameters<typeof stored>[1], requests: readonly Seen[] = [seen("evt_1")]): Made => ({
		deliveries: [stored("evt_1", first), ...others],
		seen: [...requests, ...othersSeen],
	});

	it("is red for attempts with a gap, or fewer attempts than the delivery counts", () => {
		const requests = [seen("evt_1", { status: 500 }), seen("evt_1")];
		expect(broken(withFirst({ attempts: [attempt(1, 500), attempt(3, 200)] }, requests))).toEqual(["wrong state"]);
		expect(broken(withFirst({ attemptCount: 2 }))).toEqual(["wrong state"]);
	});

	it("is red for a response in the log that no receiver gave", () => {
		expect(broken(withFirst({ attempts: [attempt(1, 503), attempt(2, 200)] }))).toEqual(["wrong state"]);
	});

	it("is red for Succeeded without a successful attempt, and for an attempt after a success", () => {
		const refused = withFirst({ attempts: [attempt(1, 500)] }, [
			seen("evt_1", { status: 500 }),
			seen("evt_1", { certain: false }),
		]);
		expect(broken(refused)).toEqual(["wrong state"]);
		const requests = [seen("evt_1"), seen("evt_1", { status: 500 })];
		expect(broken(withFirst({ attempts: [attempt(1, 200), attempt(2, 500)] }, requests))).toEqual(["wrong state"]);
	});

	it("is red for more successes than retries by hand explain, whatever the status", () => {
		const twice = { attempts: [attempt(1, 200), attempt(2, 200)] };
		const requests = [seen("evt_1"), seen("evt_1")];
		const more = (count: number) => ({ moreSuccesses: new Map([["dlv_evt_1", count]]) });
		const tolerant = { webhooks: [{ ...webhook, mayEnd: () => ["Succeeded", "Cancelled", "Failed"] as const }] };
		const ends = (status: StoredDelivery["status"]) => ({
			...withFirst({ ...twice, status, reason: "by hand" }, requests),
			...tolerant,
		});
		for (const status of ["Succeeded", "Cancelled", "Failed"]) expect(broken(ends(status))).toEqual(["wrong state"]);
		for (const status of ["Succeeded", "Cancelled"]) expect(broken({ ...ends(status), ...more(1) })).toEqual([]);
		// The last retry was not the one that has succeeded, or it would not be Failed.
		expect(broken({ ...ends("Failed"), ...more(1) })).toEqual(["wrong state"]);
		expect(broken({ ...ends("Failed"), ...more(2) })).toEqual([]);
	});

	it("is red for Failed without a reason, or after a wrong number of attempts", () => {
		const strict = { ...webhook, attemptsUntilFailed: 2, mayEnd: () => ["Failed", "Succeeded"] as const };
		const failed = (reason: string | null, attempts: number): Made => ({
			...withFirst(
				{ status: "Failed", reason, attempts: Array.from({ length: attempts }, (_, n) => attempt(n + 1, 500)) },
				Array.from({ length: attempts }, () => seen("evt_1", { status: 500 })),
			),
			webhooks: [strict],
		});
		expect(broken(failed("exhausted", 2))).toEqual([]);
		expect(broken(failed(null, 2))).toEqual(["wrong state"]);
		expect(broken(failed("exhausted", 1))).toEqual(["wrong state"]);
	});

	it("is red for a delivery to a webhook that does not want the event", () => {
		const picky = { ...webhook, wants: () => false };
		expect(broken({ webhooks: [picky] })).toEqual(["wrong state"]);
	});

	it("is red where the API and the store differ, or the API omits a delivery", () => {
		const { listed } = madeUpRecord();
		const [first, ...rest] = listed;
		expect(broken({ listed: [{ ...first!, attemptCount: 2 }, ...rest] })).toEqual(["wrong state"]);
		expect(broken({ listed: rest })).toEqual(["wrong state"]);
	});

	it("is red for more requests in a second than a rate limit and its burst allow", () => {
		const limited = { ...webhook, perSecond: 1 };
		const at = (ms: number) => ["evt_1", "evt_2", "evt_3"].map((eventId, n) => seen(eventId, { at: TIME + n * ms }));
		expect(broken({ webhooks: [limited], seen: at(600) })).toEqual([]);
		const all = [...at(100), seen("evt_1", { at: TIME + 300, certain: false })];
		expect(broken({ webhooks: [limited], seen: all })).toEqual(["wrong state"]);
		expect(broken({ webhooks: [limited], seen: all, clockJumps: 1 })).toEqual([]);
		expect(broken({ webhooks: [limited], seen: all, onTheWayMs: 900 })).toEqual(["wrong state"]);
		expect(broken({ webhooks: [limited], seen: all, onTheWayMs: 1_000 })).toEqual([]);
	});
});

it("stats are red when a count differs from the log", () => {
	const byStatus = { Pending: 0, Succeeded: 3, Failed: 0, Held: 0, Cancelled: 0 };
	const stats = { accepted: 3, attemptsSucceeded: 3, attemptsFailed: 0, succeeded: 3, byStatus };
	expect(broken({ stats })).toEqual([]);
	expect(broken({ stats: { ...stats, accepted: 2 } })).toEqual(["stats"]);
	expect(broken({ stats: { ...stats, attemptsFailed: 1 } })).toEqual(["stats"]);
	expect(broken({ stats: { ...stats, byStatus: { ...byStatus, Pending: 1 } } })).toEqual(["stats"]);
});

it("signatures are red for a request that was not signed with each secret", () => {
	expect(broken({ seen: [seen("evt_1", { signature: "no match" }), ...othersSeen] })).toEqual(["signatures"]);
});

it("strangers is red when a healthy webhook had to wait", () => {
	const made = { promptWithinMs: 1_000, seen: [seen("evt_1", { at: TIME + 5_000 }), ...othersSeen] };
	expect(broken(made)).toEqual(["strangers"]);
	expect(broken({ ...made, promptWithinMs: 6_000 })).toEqual([]);
});

it("strangers is green when a webhook got one request after the other, and red when they ceased for a while", () => {
	const after = (ms: number) => seen("evt_2", { at: TIME + ms });
	const last = seen("evt_1", { at: TIME + 5_000 });
	const requests = (times: readonly number[]) => ({
		promptWithinMs: 1_000,
		deliveries: [
			stored("evt_1"),
			stored("evt_2", { attempts: times.map((_, n) => attempt(n + 1, n + 1 < times.length ? 500 : 200)) }),
			...others,
		],
		seen: [...times.map((ms, n) => ({ ...after(ms), status: n + 1 < times.length ? 500 : 200 })), last, ...othersSeen],
	});
	const steady = Array.from({ length: 25 }, (_, n) => n * 200);
	expect(broken(requests(steady)).filter((promise) => promise === "strangers")).toEqual([]);
	expect(broken(requests(steady.filter((ms) => ms < 2_000 || ms > 2_500)))).toContain("strangers");
});

it.each<[string, Partial<RoundRecord>]>([
	["blocked addresses", { blockedReached: 1 }],
	["secrets", { secretsFound: ["the admin key is in the server's log"] }],
	["memory", { peakMb: 451 }],
])("%s are red when they were broken", (promise, made) => {
	expect(broken(made)).toEqual([promise]);
});

it("the store is red when its integrity check fails", () => {
	const { stored } = madeUpRecord();
	expect(broken({ stored: { ...stored, integrity: "row 7 missing from index" } })).toEqual(["store"]);
	expect(WEBHOOK).toBe(webhook.id);
});
