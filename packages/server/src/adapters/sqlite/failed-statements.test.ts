// A call of which a statement fails, whichever it is, changes nothing; made again, it does what it does on a store where nothing has failed.
// Each statement of each call fails once, in turn, up to and including its COMMIT.
import { copyFileSync } from "node:fs";
import { DatabaseSync, StatementSync } from "node:sqlite";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import type { AuditEntry } from "../../core/access/audit.ts";
import { customerScope } from "../../core/access/principal.ts";
import { newDelivery, newHeldDelivery } from "../../core/delivery.ts";
import { ERASED_REASON } from "../../core/policies/retention.ts";
import type { Replay } from "../../core/replay.ts";
import {
	addType,
	call,
	contents,
	firstWebhook,
	makeCall,
	type StoreCall,
} from "../../ports/contract/store/records/calls.ts";
import { DONE_CALLS } from "../../ports/contract/store/records/done-calls.ts";
import { addWebhook, changeWebhook, GONE, type World } from "../../ports/contract/store/records/records.ts";
import { openReplayWorld, type ReplayWorld } from "../../ports/contract/store/records/replays.ts";
import { KEEP_ALL } from "../../ports/contract/store/records/stats.ts";
import { allWebhooks } from "../../ports/contract/store/records/webhooks.ts";
import type { DeliveryUpdate } from "../../ports/store/accept.ts";
import type { Store } from "../../ports/store/store.ts";
import { openSqliteStore, type StoreInside } from "./sqlite-store.ts";
import { StoreInvariants } from "./test/store-invariants.ts";

const WEBHOOKS = 3;
const LEASE_MS = 60_000;
const HOUR_MS = 3_600_000;
const ROW_LIMIT = 4;

/** Calls to make one after the other, after what `prepare` has made. */
type Scene = readonly [title: string, prepare: (world: ReplayWorld) => Promise<readonly StoreCall[]>];

/** The same call again and again, as often as it takes steps. */
function repeated(count: number, made: StoreCall): StoreCall[] {
	return Array.from({ length: count }, () => made);
}

function commitOf(...updates: readonly DeliveryUpdate[]): StoreCall {
	return call("commit", { events: [], updates });
}

/** An event with one delivery of each kind: due, leased and Held. */
function mixedEvent({ records, projectId, webhookIds }: World) {
	const key = `key ${records.ids.make("evt", records.now)}`;
	const event = records.event(projectId, { webhookIds, key, customers: ["acme", "globex"], tags: ["a", "b"] });
	const { now } = records;
	const states = [newDelivery(now, null), newDelivery(now, now + LEASE_MS), newHeldDelivery("paused")];
	const deliveries = event.deliveries.map((delivery, index) => ({ ...delivery, state: states[index]! }));
	return { ...event, deliveries };
}

function claimOf({ records, webhookId }: World, limit = 100): StoreCall {
	const { now } = records;
	return call("claimDue", { webhookId, now, limit, maxBytes: 1_000_000, leaseUntil: now + LEASE_MS });
}

/** Deliveries of one webhook that are due: some new ones, and one that has failed before. */
async function dueDeliveries({ records, acceptMany, update }: World): Promise<readonly string[]> {
	const ids = await acceptMany(5);
	await update(records.failure(ids[0] ?? "", 1));
	records.now += HOUR_MS;
	return ids;
}

/** Events that have ended, in a project that has another webhook, customers and replays. */
async function endedEvents(world: ReplayWorld, projectId = world.projectId): Promise<void> {
	const { store, records } = world;
	const { id } = await addWebhook(store, records.webhook(projectId, { customerId: "acme" }));
	for (let n = 0; n < 3; n++) {
		const event = records.event(projectId, { webhookIds: [id, id], key: `k${n}`, tags: ["a"], customers: "acme" });
		await store.commit({ events: [event], updates: [] });
		const [first = "", second = ""] = event.deliveries.map((delivery) => delivery.id);
		await world.update(records.outcome(first, 1), records.failure(second, 1), records.outcome(second, 2));
	}
	await store.sweepWebhook(id, records.now, 100);
}

/** The rolling up of all stats so far: a minute can be rolled up once a later one has begun. */
function rollUps({ records, projectId }: World): StoreCall[] {
	records.now += HOUR_MS;
	return [
		call("commit", { events: [records.event(projectId)], updates: [] }),
		call("rollUpStats", { ...KEEP_ALL, limit: 10_000 }),
	];
}

const OF_DELIVERIES: readonly Scene[] = [
	["accepting", async (world) => [call("commit", { events: [mixedEvent(world), mixedEvent(world)], updates: [] })]],
	[
		"outcomes beside accepted events",
		async (world) => {
			const { records } = world;
			const [failed = "", ...ids] = await dueDeliveries(world);
			const updates = [records.outcome(failed, 2), ...ids.map((id) => records.outcome(id, 1))];
			updates[3] = records.failure(ids[2] ?? "", 1);
			return [call("commit", { events: [mixedEvent(world)], updates })];
		},
	],
	[
		"a late outcome of a cancelled delivery",
		async ({ records, accept, update }) => {
			const [id = ""] = await accept();
			await update(records.cancel(id));
			return [commitOf(records.outcome(id, 1))];
		},
	],
	[
		"claims",
		async (world) => {
			await dueDeliveries(world);
			const first = claimOf(world, 3);
			// When the first leases have ended.
			world.records.now += LEASE_MS + 1;
			return [first, claimOf(world, 4), claimOf(world)];
		},
	],
	[
		"giving back, renewed and taken over leases",
		async (world) => {
			const { records } = world;
			const ids = await dueDeliveries(world);
			return [
				claimOf(world),
				call("renewLeases", ids, records.now + 2 * LEASE_MS),
				commitOf(...ids.slice(0, 3).map((id) => records.change(id, { type: "release" }))),
				claimOf(world, 1),
				call("takeOver", null),
			];
		},
	],
	[
		"due times that are pulled in",
		async (world) => {
			await dueDeliveries(world);
			const { records, webhookId } = world;
			return [call("pullIn", records.now - 2 * HOUR_MS, [{ webhookId, waitMs: 1 }])];
		},
	],
	[
		"cancelling and retrying by hand",
		async (world) => {
			const { records } = world;
			const [failed = "", first = "", second = ""] = await dueDeliveries(world);
			const hold = records.change(second, { type: "hold", reason: "by hand" }, records.entry());
			const cancel = (id: string) => records.cancel(id, records.entry());
			return [
				commitOf(records.outcome(failed, 2, GONE)),
				commitOf(records.retry(failed, records.entry()), records.retry(first)),
				commitOf(cancel(first), hold, cancel(failed)),
			];
		},
	],
	[
		"sweeps of a paused, a resumed and a deleted webhook",
		async (world) => {
			const { store, records, webhookId } = world;
			await dueDeliveries(world);
			const record = await firstWebhook(world);
			const sweeps = repeated(2, call("sweepWebhook", webhookId, records.now, 3));
			const set = (revision: number, changes: object): StoreCall =>
				call("updateWebhook", { ...record, ...changes, revision }, { expected: revision, entry: records.entry() });
			const { revision: next } = await changeWebhook(store, record, { status: "Paused" });
			const resumed = set(next, { status: "Enabled" });
			return [...sweeps, resumed, ...sweeps, set(next + 1, { deleteDate: records.now }), ...sweeps];
		},
	],
	[
		"the steps of a replay",
		async (world) => {
			const { records, projectId } = world;
			for (const code of [200, 410, 200]) await world.deliver(code);
			await world.miss();
			const [replay, other] = [world.makeReplay(), world.makeReplay()];
			const insert = (made: Replay, entry: AuditEntry | null) =>
				call("insertReplays", [{ replay: made, eventIds: null, limit: 10, projectLimit: 10, entry }]);
			const steps = Array.from({ length: 3 }, () => {
				const deliveryIds = [0, 1].map(() => records.ids.make("dlv", records.now));
				return call("stepReplay", { replayId: replay.id, at: records.now, scanLimit: 2, deliveryIds });
			});
			const cancel = call("cancelReplay", other.id, records.now, records.entry());
			return [insert(replay, records.entry({ projectId })), ...steps, insert(other, null), cancel];
		},
	],
];

const OF_DELETION: readonly Scene[] = [
	[
		"the steps of retention",
		async (world) => {
			const { records, projectId } = world;
			await endedEvents(world);
			await world.step(await world.begin());
			records.now += HOUR_MS;
			const step = { projectId, at: records.now, before: records.now, after: null, limit: ROW_LIMIT };
			return [
				call("forgetIdempotencyKeys", records.now, 2),
				call("purgePayloads", step),
				...repeated(3, call("purgeEvents", step)),
				call("purgeReplays", { projectId, before: records.now, keep: 0, after: null, limit: 10 }),
			];
		},
	],
	[
		"the deletion of audit entries",
		async ({ store, records }) => {
			const key = records.key();
			await store.insertKey(key, records.entry({ objectId: key.id, action: "key.create" }));
			await store.deleteKey(key.id, records.entry({ objectId: key.id, action: "key.delete" }));
			return repeated(2, call("purgeAuditEntries", records.now + 1, 1));
		},
	],
	[
		"the deletion of a project",
		async (world) => {
			const { store, records } = world;
			const project = await world.addProject();
			await endedEvents(world, project.id);
			await addType({ ...world, projectId: project.id }, "a");
			const webhooks = (await allWebhooks(store)).filter(({ projectId }) => projectId === project.id);
			return [
				call("deleteProject", project.id, records.now, records.entry()),
				call("markWebhooksDeleted", { projectId: project.id, after: null }, 10),
				...webhooks.map(({ id }) => call("sweepWebhook", id, records.now, 10)),
				...repeated(4, call("purgeDeletedProjects", null, 2 * ROW_LIMIT)),
				...rollUps(world),
				...repeated(2, call("purgeDeletedProjects", null, 2 * ROW_LIMIT)),
			];
		},
	],
	[
		"the deletion of a webhook",
		async (world) => {
			const { store, records, webhookId } = world;
			await world.accept();
			await changeWebhook(store, await firstWebhook(world), { deleteDate: records.now });
			const purge = call("purgeDeletedWebhooks", null, 10, records.now + 1);
			const before = call("purgeDeletedWebhooks", null, 10, 0);
			return [before, call("sweepWebhook", webhookId, records.now, 10), before, purge];
		},
	],
	[
		"the steps of an erasure",
		async (world) => {
			const { records, scope } = world;
			const event = mixedEvent(world);
			await world.store.commit({ events: [event], updates: [] });
			await world.update(records.failure(event.deliveries[0]!.id, 1));
			const { id: eventId } = event.event;
			const erasure = { reason: ERASED_REASON, at: records.now, limit: 1 };
			const begin = call("erasePayload", scope, eventId, { ...erasure, entry: records.entry() });
			return [begin, ...repeated(4, call("continueErasure", { ...erasure, eventId }))];
		},
	],
	[
		"the deletion of a customer",
		async (world) => {
			const { store, records, projectId } = world;
			await endedEvents(world);
			const webhook = (await allWebhooks(store)).find(({ customerId }) => customerId === "acme")!;
			const customer = customerScope(projectId, "acme");
			const { id: _id, at: _at, projectId: _project, objectId: _object, ...draft } = records.entry();
			const begin = call("beginCustomerDeletion", customer, { at: records.now, draft, entry: records.entry() });
			await changeWebhook(store, webhook, { deleteDate: records.now });
			const step = call("stepCustomerDeletion", customer, { limit: 6, reason: ERASED_REASON, at: records.now });
			return [begin, ...repeated(8, step), call("endCustomerDeletion", customer, records.entry())];
		},
	],
	[
		"the rolling up of stats",
		async (world) => {
			await endedEvents(world);
			return rollUps(world);
		},
	],
];

/** The management calls that the contract makes, too. */
const OF_MANAGEMENT = DONE_CALLS.filter(({ isVariant = false }) => !isVariant).map(({ title, prepare }): Scene => [
	title,
	async (world) => [await prepare(world, world.records.entry())],
]);

describe("a statement of a call fails, and the call is made again:", () => {
	it.each([...OF_DELIVERIES, ...OF_DELETION, ...OF_MANAGEMENT])("%s", async (_title, prepare) => {
		using dir = new TemporaryDir(fastParent());
		const prepared = await openSqliteStore({ path: dir.join("prepared.db") });
		const world = await openReplayWorld(() => prepared, WEBHOOKS);
		const calls = await prepare(world);
		await prepared.close();
		await using reference = await openCopy(dir, "reference");
		await using failing = await openCopy(dir, "failing");
		for (const [index, tried] of calls.entries()) {
			const before = await everything(world, reference);
			const result = await makeCall(reference.store, tried);
			let failed = await failAt(1, () => makeCall(failing.store, tried));
			for (let n = 2; failed.sql !== null; n++) {
				const where = `${tried.name}, call ${index}, statement ${n - 1}: ${failed.sql}`;
				expect(failed.error, where).toMatchObject({ code: "store_unavailable" });
				expect(failing.invariants.broken(), where).toEqual([]);
				expect(await everything(world, failing), where).toEqual(before);
				failed = await failAt(n, () => makeCall(failing.store, tried));
			}
			expect([failed.error, failed.result], `${tried.name}, call ${index}`).toEqual([null, result]);
			expect(failing.invariants.broken(), `after ${tried.name}, call ${index}`).toEqual([]);
			expect(await everything(world, failing), `after ${tried.name}, call ${index}`).toEqual(
				await everything(world, reference),
			);
		}
	});
});

interface Opened extends AsyncDisposable, StoreInside {
	readonly store: Store;
	readonly invariants: StoreInvariants;
}

/** A copy of the store that was prepared. */
async function openCopy(dir: TemporaryDir, name: string): Promise<Opened> {
	const path = dir.join(`${name}.db`);
	copyFileSync(dir.join("prepared.db"), path);
	const inside: StoreInside[] = [];
	const store = await openSqliteStore({ path, onOpened: (opened) => inside.push(opened) });
	const [opened] = inside;
	if (opened === undefined) throw new Error("the store did not say that it is open");
	return { ...opened, store, invariants: new StoreInvariants(opened), [Symbol.asyncDispose]: () => store.close() };
}

/** What calls of the port return, and how many rows each table has. */
async function everything(world: World, { db, store }: Opened) {
	const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
	// A lease that is over is known until somebody looks for it, also in a call that then fails.
	const { now } = world.records;
	const leases = await store.leasedDeliveries(null, 0);
	const due = await store.dueWebhooks(null);
	const { projects, total } = await store.usage([world.projectId]);
	const { deliveries, ...others } = await contents({ ...world, store });
	return {
		...others,
		deliveries: deliveries.map((each) => ((each.leaseUntil ?? 0) > now ? each : { ...each, leaseUntil: null })),
		open: await store.countOpen(),
		leases: leases.filter(({ leaseUntil }) => leaseUntil > now).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
		due: due
			.map(({ webhookId, dueAt }) => ({ webhookId, dueAt: Math.max(dueAt, now) }))
			.toSorted((a, b) => (a.webhookId < b.webhookId ? -1 : 1)),
		usage: { projects, total },
		erasures: await store.erasures(10),
		deletions: await store.deletingCustomers(null),
		rows: tables.map(({ name }) => [name, db.prepare(`SELECT count(*) AS count FROM "${String(name)}"`).get()]),
	};
}

interface Failed {
	/** The statement that has failed; null if the call has fewer until its COMMIT, and was made. */
	readonly sql: string | null;
	readonly error: unknown;
	readonly result: unknown;
}

/** Makes a call of a store in this thread. Its n-th statement fails, up to its COMMIT. A rollback does not count. */
async function failAt(n: number, makes: () => Promise<unknown>): Promise<Failed> {
	let statements = 0;
	let isCommitted = false;
	let failed: string | null = null;
	const run = <T>(sql: string, execute: () => T): T => {
		if (isCommitted || sql.startsWith("ROLLBACK")) return execute();
		if (++statements === n) {
			failed = sql;
			throw Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 10 });
		}
		const result = execute();
		isCommitted = sql === "COMMIT";
		return result;
	};
	const exec = methodOf(DatabaseSync.prototype, "exec");
	const methods = ["run", "get", "all", "iterate"] as const;
	const originals = methods.map((method) => methodOf(StatementSync.prototype, method));
	DatabaseSync.prototype.exec = function (this: DatabaseSync, sql) {
		return run(sql, () => exec.call(this, sql));
	};
	for (const [index, method] of methods.entries()) {
		StatementSync.prototype[method] = function (this: StatementSync, ...values: never[]) {
			return run(this.sourceSQL, () => Reflect.apply(originals[index]!, this, values));
		} as never;
	}
	try {
		const [made] = await Promise.allSettled([makes()]);
		return made.status === "fulfilled"
			? { sql: failed, error: null, result: made.value }
			: { sql: failed, error: made.reason, result: null };
	} finally {
		DatabaseSync.prototype.exec = exec;
		for (const [index, method] of methods.entries()) StatementSync.prototype[method] = originals[index] as never;
	}
}

function methodOf<T, Name extends keyof T>(prototype: T, name: Name): T[Name] {
	return prototype[name];
}
