// The plans of the busy statements: each reads few rows of the log, and of its partitions only those of the ids that it is given, whether
// the tables are empty, or have grown since the plan was made or ANALYZE has looked at them, or have not.
import { randomUUID } from "node:crypto";

import { afterAll, beforeAll, expect, it } from "vitest";

import { customerScope } from "../../../core/access/principal.ts";
import { shardOf } from "../../../core/cluster/shard.ts";
import { longestWaitMs } from "../../../core/policies/retry-policy.ts";
import { FAILING_AFTER_FAILED } from "../../../core/policies/webhook-health.ts";
import type { Replay } from "../../../core/replay.ts";
import {
	addWebhook,
	fillStore,
	POLICY,
	setWebhook,
	type World,
} from "../../../ports/contract/store/records/records.ts";
import { ANY_NUMBER, EVERYTHING } from "../../../ports/contract/store/records/replays.ts";
import type { Store } from "../../../ports/store/store.ts";
import { systemClock } from "../../system/system-clock.ts";
import { firstUuidAt, idOf, uuidOf } from "../codec/ids.ts";
import { text } from "../codec/rows.ts";
import { ChangeNumbers } from "../deliveries/change-numbers.ts";
import { Partitions, PARTITIONED } from "../schema/partitions.ts";
import { createRollUp } from "../stats/roll-up.ts";
import { AnalyzingDatabase, type Explained } from "../test/analyzing-database.ts";
import { readBusyPlaces } from "../test/busy-modules.ts";
import { fillLog } from "../test/fill-log.ts";
import { describeOnPostgres } from "../test/on-postgres.ts";
import { STEADY } from "../test/test-store.ts";
import { createAcceptCalls } from "./accept/commit.ts";
import { createAttemptPage } from "./log/attempts.ts";
import { createByIdCalls } from "./log/by-id.ts";
import { createQueueCalls } from "./queue/queue.ts";
import { createReplayCalls } from "./replays/replays.ts";
import { createRetentionCalls } from "./retention/retention.ts";
import { createHealthCalls } from "./stats/health.ts";
import { createUsage } from "./usage.ts";

const DAY_MS = 86_400_000;
/** Before the one of the busy calls. */
const DAYS = 3;
const GROWING = new RegExp(`^(?:open_deliveries|idempotency_keys|replays|stats|(?:${PARTITIONED.join("|")})_\\d{8})$`);
const DAY = /_(\d{8})$/;
/** Replays make deliveries of an event later than it, so all partitions from its day on can have some. */
const LATER = /event_id = ANY\(|event_id = \$1|\(event_id, webhook_id\) >= /;
/** Not busy: a process that takes over shards looks through all deliveries that wait. */
const TAKES_OVER = /SET lease_until = NULL, due_at = next_attempt_at WHERE id IN \(SELECT id FROM locked\)/;
/** The calls need a dozen, and the table of open deliveries has more. */
const MOST_ROWS = 40;

type Calls = Pick<Store, "commit" | "claimDue" | "attempts" | "rollUpStats" | "usage" | "reportHealth"> &
	ReturnType<typeof createReplayCalls> &
	ReturnType<typeof createQueueCalls> &
	ReturnType<typeof createByIdCalls> &
	ReturnType<typeof createRetentionCalls>;

interface Busy extends World {
	readonly calls: Calls;
	/** The webhook of the busy calls, and one of a customer. */
	readonly target: string;
	readonly ofCustomer: string;
}

/** Accepts events with all that an event can have. Returns the ids of the first one and of its delivery. */
async function send(busy: Busy) {
	const { calls, records, projectId, target } = busy;
	const key = records.ids.make("evt", records.now);
	const options = { webhookIds: [target], tags: ["often", "new"], customers: ["acme"] };
	const [first, second] = [records.event(projectId, { ...options, key }), records.event(projectId, options)];
	await calls.commit({ events: [first, second], updates: [] });
	await calls.commit({ events: [records.event(projectId, { ...options, key })], updates: [] });
	return { event: first.event.id, delivery: first.deliveries[0]?.id ?? "" };
}

async function lookUp(
	{ calls, scope, projectId, target }: Busy,
	{ event, delivery }: { event: string; delivery: string },
) {
	await calls.delivery(scope, delivery);
	await calls.event(scope, event);
	await calls.eventsById(scope, [event]);
	await calls.eventDetails(scope, event);
	await calls.eventBody(scope, event);
	await calls.eventDeliveries(scope, event, [target]);
	await calls.event(customerScope(projectId, "acme"), event);
	await calls.attempts(scope, delivery, { limit: 10, cursor: null });
}

/** Attempts that fail, succeed and come late, and a retry by hand. */
async function attempt(busy: Busy): Promise<void> {
	const { calls, records } = busy;
	const { delivery } = await send(busy);
	const updates = [
		records.failure(delivery, 1),
		records.failure(delivery, 2),
		records.outcome(delivery, 3),
		records.failure(delivery, 4),
		records.outcome(delivery, 5, { kind: "gone", responseCode: 410 }, "manual"),
		records.retry(delivery),
	];
	for (const update of updates) await calls.commit({ events: [], updates: [update] });
}

async function deliver({ calls, records, target }: Busy): Promise<void> {
	await calls.dueWebhooks([...Array(256).keys()]);
	const now = records.now;
	const claim = { webhookId: target, now, limit: 5, maxBytes: 1_000_000, leaseUntil: now + 60_000 };
	const { deliveries } = await calls.claimDue(claim);
	expect(deliveries.length).toBeGreaterThan(0);
	await calls.renewLeases(
		deliveries.map(({ id }) => id),
		now + 90_000,
	);
	await calls.leasedDeliveries(null, now);
	await calls.pullIn(now, [{ webhookId: target, waitMs: longestWaitMs(POLICY) }]);
	await calls.takeOver([shardOf(target)]);
	await calls.countOpen();
	const updates = deliveries.map(({ id }) => records.outcome(id, 1));
	await calls.commit({ events: [], updates });
}

async function sweep(busy: Busy): Promise<void> {
	const { calls, store, records, target } = busy;
	await send(busy);
	await setWebhook(store, target, { status: "Paused" });
	await calls.webhooksToSweep(null, 100);
	expect((await calls.sweepWebhook(target, records.now, 10)).count).toBeGreaterThan(0);
	await setWebhook(store, target, { status: "Enabled" });
	expect((await calls.sweepWebhook(target, records.now, 10)).count).toBeGreaterThan(0);
}

/** A replay of what was just sent, in steps to its end, and one that is cancelled. */
async function replay(busy: Busy): Promise<void> {
	const { calls, records, scope, projectId, target, ofCustomer } = busy;
	const { event } = await send(busy);
	const filter = { ...EVERYTHING, since: records.now - 1_000, until: records.now + 1 };
	const begin = async (webhookId: string, eventIds: readonly string[] | null): Promise<Replay> => {
		const id = records.ids.make("replay", records.now);
		const none = { scannedCount: 0, deliveryCount: 0, firstEventDate: null, lastEventDate: null, position: null };
		const dates = { createDate: records.now, updateDate: records.now, endDate: null };
		const customerId = webhookId === ofCustomer ? "acme" : null;
		const of = { projectId, webhookId, customerId, filter, chosenCount: eventIds?.length ?? null };
		const made: Replay = { id, ...of, status: "Running", ...none, ...dates };
		expect(await calls.insertReplays([{ replay: made, eventIds, ...ANY_NUMBER }])).toBeNull();
		return made;
	};
	const ids = () => Array.from({ length: 3 }, () => records.ids.make("dlv", records.now));
	for (const webhookId of [target, ofCustomer]) {
		await calls.countReplay({ scope, webhookId, filter, afterEventId: null, scanLimit: 3 });
		for (const eventIds of [null, [event]]) {
			const { id } = await begin(webhookId, eventIds);
			let found: Replay | null = null;
			while (found?.status !== "Finished") {
				const made = ids();
				found = await calls.stepReplay({ replayId: id, at: records.now, scanLimit: 3, deliveryIds: made });
				expect(found).not.toBeNull();
				await calls.untried(made);
				// Otherwise more deliveries would wait with each replay.
				const cancel = { type: "cancel", reason: "by hand" } as const;
				const updates = made.map((deliveryId) => ({ deliveryId, at: records.now, change: cancel, attempt: null }));
				await calls.commit({ events: [], updates });
			}
		}
	}
	const cancelled = await begin(target, null);
	await calls.runningReplays();
	await calls.replay(scope, cancelled.id);
	expect(await calls.cancelReplay(cancelled.id, records.now, null)).toBe(true);
}

/** A webhook that has failed for so long that it is reported: by the commit of an attempt, and with time alone. */
async function report(busy: Busy): Promise<void> {
	const { calls, records } = busy;
	const { delivery } = await send(busy);
	for (let n = 1; n <= FAILING_AFTER_FAILED; n++) {
		await calls.commit({ events: [], updates: [records.failure(delivery, n)] });
	}
	await calls.reportHealth(records.now + 30 * DAY_MS, 10);
}

/** Erases payloads at once and in steps, and what is left of keys that are gone. */
async function erase({ calls, records, scope, projectId, target, ofCustomer }: Busy, sent: string): Promise<void> {
	const step = { reason: "erased", at: records.now, limit: 1, entry: null };
	await calls.erasePayload(scope, sent, { ...step, limit: 10 });
	const wide = records.event(projectId, { webhookIds: [target, ofCustomer, target] });
	await calls.commit({ events: [wide], updates: [] });
	await calls.erasePayload(scope, wide.event.id, step);
	expect(await calls.erasures(10)).toHaveLength(1);
	let left: unknown = wide;
	for (let steps = 0; left !== null && steps < 100; steps++) {
		left = await calls.continueErasure({ ...step, eventId: wide.event.id });
	}
	expect(left).toBeNull();
}

/** What is asked each minute or more often, for all projects at once. */
async function account({ calls, records, projectId }: Busy): Promise<void> {
	await calls.usage([projectId]);
	const step = { keepMinutesFrom: records.now - DAY_MS, keepHoursFrom: records.now - DAYS * DAY_MS, limit: 10 };
	while ((await calls.rollUpStats(step)) > 0);
	await calls.usage([projectId]);
}

describeOnPostgres("busy statements", { settings: STEADY }, (test) => {
	let busy: Busy;
	let database: AnalyzingDatabase;
	beforeAll(async () => {
		const world = await fillStore(await test.openEmpty(), 3);
		const { id: target } = await addWebhook(world.store, world.records.webhook(world.projectId));
		const own = await addWebhook(world.store, world.records.webhook(world.projectId, { customerId: "acme" }));
		database = new AnalyzingDatabase({ url: test.url, clock: systemClock, maxConnections: 1 });
		const [partitions, numbers] = [new Partitions(database), await ChangeNumbers.open(database)];
		const calls: Calls = {
			...createAcceptCalls(database, partitions, numbers),
			...createQueueCalls(database, numbers),
			...createByIdCalls(database),
			attempts: createAttemptPage(database),
			...createRetentionCalls(database, partitions, numbers),
			...createReplayCalls(database, partitions, numbers),
			rollUpStats: createRollUp(database),
			usage: createUsage(database),
			...createHealthCalls(database),
		};
		busy = { ...world, calls, target, ofCustomer: own.id };
	});
	afterAll(() => database.close());

	const explained = new Set<string>();
	/** The places of busy modules of whose statements no plan was looked at since the last call. */
	const missing = (): string[] => {
		const statements = [...explained];
		explained.clear();
		return readBusyPlaces()
			.filter(({ parts }) => !statements.some((statement) => parts.every((part) => statement.includes(part))))
			.map(({ module, parts }) => `${module}: ${parts.join(" … ")}`);
	};
	/** What is wrong with the plans since the last call: whole tables, many rows, and partitions of other days. */
	const wrong = (day: string): string[] =>
		database.take().flatMap(({ statement, kind, plan, reads }: Explained) => {
			explained.add(statement);
			const bad = reads.filter(({ table, how, rows }) => {
				if (!GROWING.test(table)) return false;
				const [, of = day] = DAY.exec(table) ?? [];
				const most = TAKES_OVER.test(statement) ? Infinity : MOST_ROWS;
				return how.startsWith("Seq Scan") || rows > most || (of !== day && !LATER.test(statement));
			});
			return bad.length === 0 ? [] : [`${statement}\n${kind}: ${bad.map(({ how }) => how).join("; ")}\n${plan}`];
		});
	const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10).replaceAll("-", "");

	/** An entry of the audit log of the first day, by a key that is revoked. */
	const audit = async () => {
		const [id, key] = [firstUuidAt(busy.records.now - DAYS * DAY_MS).replace(/0$/, "1"), randomUUID()];
		await database.transact((session) =>
			session.script(`
			INSERT INTO audit_entries (id, key_id, action, object_id, fields) VALUES ('${id}', '${key}', 'key.revoked', 'key_${key}', '[]');
			INSERT INTO revoked_keys (id, name) VALUES ('${key}', 'old')
		`),
		);
	};

	const check = async (isEmpty = false) => {
		const { calls, records, projectId } = busy;
		const sent = await send(busy);
		await lookUp(busy, sent);
		await deliver(busy);
		await attempt(busy);
		await lookUp(busy, sent);
		await sweep(busy);
		await replay(busy);
		await account(busy);
		await report(busy);
		await erase(busy, sent.event);
		expect(wrong(dayOf(records.now))).toEqual([]);
		// The oldest rows, of the first day.
		const firstDay = Math.floor(records.now / DAY_MS) - DAYS;
		const before = (firstDay + 1) * DAY_MS;
		const step = { projectId, at: records.now, before, after: null, limit: 4 };
		await calls.purgePayloads(step);
		await calls.purgeEvents(step);
		await calls.forgetIdempotencyKeys(before, 4);
		await audit();
		expect(await calls.purgeAuditEntries(before, 4)).toBe(1);
		expect(wrong(dayOf(firstDay * DAY_MS))).toEqual([]);
		// In an empty log, there is nothing to remove.
		const untried = missing();
		if (!isEmpty) expect(untried).toEqual([]);
	};

	it("read few rows, and no partitions but those of their ids", async () => {
		const { records, projectId, webhookIds } = busy;
		const fill = { projectId, webhookIds, days: DAYS };
		// If there is only one, it is not left out.
		const days = Array.from({ length: DAYS + 1 }, (_, day) => firstUuidAt(records.now - day * DAY_MS));
		await new Partitions(database).ensure(days);
		await check(true);
		await fillLog(database, { ...fill, start: records.now - DAYS * DAY_MS, count: 12 });
		await check();
		await fillLog(database, { ...fill, start: records.now - DAYS * DAY_MS + 7, count: 20_000 });
		await check();
		await test.server.query("VACUUM ANALYZE", test.url);
		await check();
	});

	it("read few rows for an event of long ago whose webhooks have many deliveries since", async () => {
		const { calls, records, projectId, ofCustomer } = busy;
		const start = records.now - DAYS * DAY_MS + 13;
		await fillLog(database, { projectId, webhookIds: [ofCustomer], start, days: DAYS, count: 3_000 });
		const own = uuidOf("webhook", ofCustomer);
		const first = "SELECT event_id FROM deliveries WHERE webhook_id = $1 ORDER BY id LIMIT 1";
		const [row] = await database.snapshot((session) => session.query(first, [own]));
		const event = idOf("evt", text(row?.["event_id"]));
		const acme = customerScope(projectId, "acme");
		database.take();
		expect(await calls.event(acme, event)).not.toBeNull();
		expect(await calls.eventsById(acme, [event])).toHaveLength(1);
		expect(await calls.eventDeliveries(acme, event, [ofCustomer])).toHaveLength(1);
		const explained = database.take();
		const most = Math.max(...explained.flatMap(({ reads }) => reads.map(({ rows }) => rows)));
		expect(most, explained.map(({ plan }) => plan).join("\n")).toBeLessThanOrEqual(MOST_ROWS);
	});

	it("read few rows of what replays have made of an event for many other webhooks", async () => {
		const { calls, records, scope, target } = busy;
		const { event: afterEventId } = await send(busy);
		const { event } = await send(busy);
		const others = 200;
		await database.transact((session) =>
			session.longScript(`
			INSERT INTO deliveries (id, project_id, webhook_id, event_id, event_type, shard, status, attempt_count, auto_attempt_count,
				next_attempt_at, trigger, response_code, due_at, cause, is_replayed, create_date, update_date, change)
			SELECT overlay(id::text PLACING lpad(to_hex(n), 12, '0') FROM 25)::uuid, project_id, gen_random_uuid(), event_id, event_type,
				shard, 1, 1, 1, NULL, trigger, 200, NULL, 0, TRUE, create_date, update_date, NULL
			FROM open_deliveries, generate_series(1, ${others}) n WHERE event_id = '${uuidOf("evt", event)}' AND NOT is_replayed
		`),
		);
		database.take();
		const filter = { ...EVERYTHING, since: records.now - 1_000, until: records.now + 1 };
		await calls.countReplay({ scope, webhookId: target, filter, afterEventId, scanLimit: 3 });
		const explained = database.take().filter(({ statement }) => statement.includes("is_replayed"));
		expect(explained.length).toBeGreaterThan(0);
		const read = explained.map(({ reads }) => reads.reduce((sum, { rows }) => sum + rows, 0));
		expect(Math.max(...read), explained.map(({ plan }) => plan).join("\n")).toBeLessThanOrEqual(MOST_ROWS);
	});
});
