// The contract of the retention slice: what removes deleted webhooks and projects. The deletion of a project is one small change, however many
// webhooks, event types and keys it has: everything reads by the mark of the project that they are gone, and their rows go later, in steps.
import { describe, expect, it } from "vitest";

import { customerScope, projectScope } from "../../../core/access/principal.ts";
import type { MarkPlace } from "../../store/queue.ts";
import { NOTHING_PURGED } from "../../store/retention.ts";
import { addType } from "./records/calls.ts";
import { portalSession } from "./records/portal-sessions.ts";
import {
	ANY_DELIVERY,
	ANY_ENTRY,
	changeWebhook,
	fillStore,
	idsOf,
	NEWEST,
	type CurrentStore,
	type Flush,
	type Reopen,
	type World,
} from "./records/records.ts";
import { openReplayWorld } from "./records/replays.ts";
import { KEEP_ALL } from "./records/stats.ts";
import { twoDays } from "./records/two-days.ts";
import { ANY_WEBHOOK, allWebhooks } from "./records/webhooks.ts";
import { ALONE, link, session } from "./sessions.contract.ts";

export function describeDeleted(current: CurrentStore, flush: Flush, reopen: Reopen): void {
	/** Rolls up all stats so far. The stats of a minute can be rolled up once a later minute has begun. */
	const finishStats = async ({ store, accept, records }: World): Promise<void> => {
		records.now += 120_000;
		await accept({ webhookIds: [] });
		while ((await store.rollUpStats({ ...KEEP_ALL, limit: 10_000 })) > 0);
		await flush();
	};
	describeDeletedWebhooks(current, finishStats);
	describe("projects", () => {
		describeDeletedProjects(current);
		describeSteps(current, finishStats);
	});
	describe("keys of projects", () => {
		describeDeletedKeys(current, reopen);
	});
}

type FinishStats = (world: World) => Promise<void>;

function describeDeletedWebhooks(current: CurrentStore, finishStats: FinishStats): void {
	it("removes a deleted webhook when its last delivery is gone, and not before", async () => {
		const world = await fillStore(current());
		const { store, webhookId, records } = world;
		const { between } = await twoDays(world);
		const [record] = await allWebhooks(store);
		await changeWebhook(store, record!, { deleteDate: records.now });
		await finishStats(world);
		const isThere = () => store.insertWebhook(record!, null).catch(() => "there");
		await world.purge("purgeEvents", between);
		await finishStats(world);
		expect(await store.purgeDeletedWebhooks(null, 100, Infinity)).toBeNull();
		expect(await isThere()).toBe("there");
		await world.purge("purgeEvents", records.now);
		await finishStats(world);
		await store.purgeDeletedWebhooks(null, 100, Infinity);
		expect(await isThere()).toEqual(expect.any(Number));
		expect((await allWebhooks(store)).map(({ id }) => id)).toEqual([webhookId]);
	});

	it("keeps the record of a deleted webhook until the time that is named, so that changes name it, but not its secrets", async () => {
		const world = await fillStore(current());
		const { store, records } = world;
		const [record] = await allWebhooks(store);
		const deleteDate = records.now;
		await changeWebhook(store, record!, { deleteDate });
		await finishStats(world);
		const known = async () => (await store.webhookRecords([record!.id])).map(({ secrets }) => secrets.length);
		for (const deletedBefore of [0, deleteDate]) {
			await store.purgeDeletedWebhooks(null, 100, deletedBefore);
			expect(await known()).toEqual([0]);
		}
		await store.purgeDeletedWebhooks(null, 100, deleteDate + 1);
		expect(await known()).toEqual([]);
	});

	it("keeps nothing but the deletion of a webhook without deliveries, and all of one that has some, or replays of a customer", async () => {
		const world = await openReplayWorld(current, 3);
		const { store, webhookIds, accept, records, begin } = world;
		const [used = "", unused = "", replayed = ""] = webhookIds;
		await begin({}, { webhookId: replayed, customerId: "acme" });
		await accept({ webhookIds: [used] });
		const deleteDate = records.now;
		for (const record of await allWebhooks(store)) {
			await changeWebhook(store, record, { deleteDate, metadata: { a: "b" }, description: "d" });
		}
		await finishStats(world);
		for (let pass = 0; pass < 2; pass++) {
			await store.purgeDeletedWebhooks(null, 100, deleteDate);
			const [left, erased, found] = await store.webhookRecords([used, unused, replayed]);
			const whole = { deleteDate, description: "d", metadata: { a: "b" } };
			expect(left).toMatchObject({ id: used, ...whole });
			// By it, the deletion of the customer finds the replay.
			expect(found).toMatchObject({ id: replayed, ...whole });
			const texts = { customerId: null, name: "", endpoint: "", description: null };
			expect(erased).toMatchObject({ id: unused, deleteDate, ...texts, secrets: [], metadata: {} });
		}
	});

	it("looks at webhooks in steps, and keeps those that are not deleted or have waiting deliveries", async () => {
		const world = await fillStore(current(), 5);
		const { store, webhookIds, accept, records } = world;
		await accept({ webhookIds: [webhookIds[1] ?? ""] });
		for (const record of (await allWebhooks(store)).slice(1, 3)) {
			await changeWebhook(store, record, { deleteDate: records.now });
		}
		await finishStats(world);
		const first = await store.purgeDeletedWebhooks(null, 3, Infinity);
		expect(first).toBe(webhookIds[2]);
		expect(await store.purgeDeletedWebhooks(first, 3, Infinity)).toBeNull();
		const left = await allWebhooks(store);
		expect(left.map(({ id }) => id)).toEqual([webhookIds[0], webhookIds[1], webhookIds[3], webhookIds[4]]);
		expect(left.every(({ secrets }) => secrets.length === 1)).toBe(true);
	});
}

/** A second project with a webhook that has a Pending delivery, one that has a Held one, one that has none, and two event types. */
async function openProject(current: CurrentStore) {
	const world = await fillStore(current());
	const { store, records, accept } = world;
	const project = await world.addProject();
	const { id: projectId } = project;
	const pending = records.webhook(projectId, { customerId: "acme", key: "pending" });
	const held = records.webhook(projectId, { status: "Paused" });
	const idle = records.webhook(projectId);
	for (const webhook of [pending, held, idle]) await store.insertWebhook(webhook, null);
	await addType({ ...world, projectId }, "a");
	await addType({ ...world, projectId }, "b", { visibility: "internal" });
	const [waiting = ""] = await accept({ projectId, webhookIds: [pending.id], customers: "acme" });
	const [heldId = ""] = await accept({ projectId, webhookIds: [held.id] });
	await store.sweepWebhook(held.id, records.now, 10);
	const scope = projectScope(projectId);
	const statuses = async () =>
		Promise.all([waiting, heldId].map(async (id) => (await store.delivery(scope, id))?.status));
	expect(await statuses()).toEqual(["Pending", "Held"]);
	await accept();
	/** The dates of deletion of all webhooks that were made. */
	const deleteDates = async () => {
		const found = await store.webhookRecords([pending.id, held.id, idle.id, world.webhookId]);
		return Object.fromEntries(found.map((record) => [record.id, record.deleteDate]));
	};
	/** Deletes the project. Returns which dates of deletion its webhooks then have. */
	const remove = async () => {
		const { now } = records;
		await store.deleteProject(projectId, now, null);
		return { [pending.id]: now, [held.id]: now, [idle.id]: now, [world.webhookId]: null };
	};
	const sweep = async () => {
		for (const { id } of [pending, held]) await store.sweepWebhook(id, records.now, 100);
	};
	return { ...world, project, of: scope, pending, held, idle, waiting, statuses, deleteDates, remove, sweep };
}

function describeDeletedProjects(current: CurrentStore): void {
	it("reads of a deleted project say at once that its webhooks and event types are deleted", async () => {
		const { store, records, project, of, pending, held, idle, webhookId, ...world } = await openProject(current);
		const [known] = (await store.eventTypes(of, null, NEWEST)).rows;
		const expected = await world.remove();
		expect(await world.deleteDates()).toEqual(expected);
		// Of deleted webhooks, only those with waiting deliveries.
		const summaries = await store.webhookSummaries(null, 100);
		expect(Object.fromEntries(summaries.map((summary) => [summary.id, summary.deleteDate]))).toEqual({
			[pending.id]: records.now,
			[held.id]: records.now,
			[webhookId]: null,
		});
		const customer = customerScope(project.id, "acme");
		for (const filter of [ANY_WEBHOOK, { ...ANY_WEBHOOK, key: "pending" }]) {
			for (const reader of [of, customer]) expect((await store.webhooks(reader, filter, NEWEST)).rows).toEqual([]);
		}
		expect(await store.customer(customer)).toMatchObject({ webhookCount: 0 });
		const [record] = await store.webhookRecords([idle.id]);
		const update = store.updateWebhook({ ...record!, deleteDate: null }, { expected: record!.revision, entry: null });
		expect(await update).toBeNull();

		expect(await store.eventType(project.id, "a")).toBeNull();
		expect((await store.eventTypes(of, null, NEWEST)).rows).toEqual([]);
		for (const id of [null, project.id]) expect(await store.internalEventTypes(id)).toEqual([]);
		expect(await store.deleteEventType(project.id, "a", null)).toBeNull();
		const put = (revision: number | null) =>
			store.putEventType(records.eventType(project.id, "a"), { expected: revision, limit: 10, entry: null });
		await expect(put(null)).rejects.toMatchObject({ code: "store_conflict" });
		expect(await put(known!.revision)).toBe("changed");
	});

	it("no delivery of a deleted project is claimed or attempted again, and sweeps cancel what waits", async () => {
		const { store, records, pending, held, waiting, accept, update, ...world } = await openProject(current);
		const [attempted = ""] = await accept({ projectId: world.project.id, webhookIds: [pending.id] });
		await world.remove();
		expect(await world.claim({ webhookId: pending.id })).toMatchObject({ deliveries: [], nextDueAt: null });
		await update(records.failure(attempted, 1));
		expect(await store.delivery(world.of, attempted)).toMatchObject({ status: "Cancelled" });
		const { webhookIds } = await store.webhooksToSweep(null, 100);
		expect(webhookIds.toSorted()).toEqual([pending.id, held.id].toSorted());
		for (const id of webhookIds) {
			expect(await store.sweepWebhook(id, records.now, 10)).toMatchObject({ change: { type: "cancel" }, count: 1 });
		}
		expect(await world.statuses()).toEqual(["Cancelled", "Cancelled"]);
		expect(await store.webhooksToSweep(null, 100)).toMatchObject({ webhookIds: [] });
		expect(await store.countOpen()).toMatchObject({ Pending: 1, Held: 0 });
		expect((await allWebhooks(store)).map(({ id }) => id)).toEqual([world.webhookId]);
		expect(await store.delivery(world.of, waiting)).toMatchObject({ status: "Cancelled" });
	});

	it("its webhooks are marked in steps of a bounded size, which name those with waiting deliveries", async () => {
		const { store, records, project, pending, held, idle, remove, deleteDates } = await openProject(current);
		const none = { waiting: [], next: null };
		const [first, any]: MarkPlace[] = [project.id, null].map((projectId) => ({ projectId, after: null }));
		for (const place of [first!, any!]) expect(await store.markWebhooksDeleted(place, 10)).toEqual(none);
		const expected = await remove();
		records.now += 1_000;
		const marked: string[] = [];
		// Each step begins where the one before has ended, and so does not see the first webhook again.
		let place = any!;
		for (const id of [pending.id, held.id, idle.id].toSorted()) {
			const { waiting, next } = await store.markWebhooksDeleted(place, 1);
			marked.push(...waiting);
			expect(next).toEqual({ projectId: project.id, after: id });
			place = next!;
		}
		expect(marked.toSorted()).toEqual([pending.id, held.id].toSorted());
		for (const each of [place, first!, any!]) expect(await store.markWebhooksDeleted(each, 1)).toEqual(none);
		expect(await deleteDates()).toEqual(expected);
	});
}

function describeSteps(current: CurrentStore, finishStats: FinishStats): void {
	it("removes a deleted project with all its rows, in small steps, when none of its deliveries waits", async () => {
		const world = await openProject(current);
		const { store, records, project, of, pending, accept, sweep } = world;
		for (let n = 0; n < 30; n++) {
			await accept({ projectId: project.id, webhookIds: [pending.id], key: `k${n}` });
			await store.insertWebhook(records.webhook(project.id), null);
			await addType({ ...world, projectId: project.id }, `type.${n}`);
		}
		const customer = customerScope(project.id, "acme");
		await store.updateCustomer(customer, { name: "Acme" }, { at: records.now, entry: null });
		await store.beginCustomerDeletion(customer, { at: records.now, draft: null, entry: null });
		expect(await store.purgeDeletedProjects(null, 10)).toMatchObject({ done: true, left: false });
		await world.remove();
		const waits = { done: true, left: true, purged: { events: 0 } };
		expect(await store.purgeDeletedProjects(null, 100)).toMatchObject(waits);
		await sweep();
		let [events, steps] = [0, 0];
		for (let done = false; !done; steps++) {
			const step = await store.purgeDeletedProjects(null, 10);
			events += step.purged.events;
			({ done } = step);
			expect(step.left).toBe(!done);
			// What is not rolled up yet keeps its webhook.
			await finishStats(world);
		}
		expect(events).toBe(32);
		// Four with events, four with webhooks, and four with event types.
		expect(steps).toBeGreaterThan(12);
		expect(await store.delivery(of, world.waiting)).toBeNull();
		expect(idsOf(await store.deliveries(of, ANY_DELIVERY, NEWEST))).toEqual([]);
		await store.insertProject(project, null);
		expect(await store.deletingCustomers(null)).toEqual([]);
		expect(await store.customer(customer)).toBeNull();
		expect((await store.webhooks(of, ANY_WEBHOOK, NEWEST)).rows).toEqual([]);
		expect((await store.eventTypes(of, null, NEWEST)).rows).toEqual([]);
		expect(await store.statusCounts(of, null)).toMatchObject({ Pending: 0, Cancelled: 0 });
		expect(idsOf(await store.deliveries(world.scope, ANY_DELIVERY, NEWEST))).toHaveLength(1);
	});

	it("a step looks at twenty deleted projects at most, and the next one goes on behind those that can't go yet", async () => {
		const { store, records, accept } = await fillStore(current());
		const projects = Array.from({ length: 51 }, () => records.project());
		for (const project of projects) await store.insertProject(project, null);
		const ids = projects.map(({ id }) => id).toSorted();
		const last = ids[50]!;
		const waiting: string[] = [];
		for (const projectId of ids.slice(0, 50)) {
			const webhook = records.webhook(projectId);
			waiting.push(webhook.id);
			await store.insertWebhook(webhook, null);
			await accept({ projectId, webhookIds: [webhook.id] });
		}
		for (const id of ids) await store.deleteProject(id, records.now, null);
		const nothing = { purged: NOTHING_PURGED, hasDeleted: false, isFull: false, done: false, left: true };
		expect(await store.purgeDeletedProjects(null, 10)).toEqual({ ...nothing, after: ids[19] });
		expect(await store.purgeDeletedProjects(ids[19]!, 10)).toEqual({ ...nothing, after: ids[39] });
		expect(await store.purgeDeletedProjects(ids[39]!, 10)).toEqual({ ...nothing, hasDeleted: true, after: ids[49] });
		// Its id is free.
		await store.insertProject({ ...records.project(), id: last }, null);
		expect(await store.purgeDeletedProjects(ids[49]!, 10)).toEqual({ ...nothing, after: ids[49], done: true });
		expect(await store.purgeDeletedProjects(ids[9]!, 10)).toEqual({ ...nothing, after: ids[29] });
		// Those before it are not looked at.
		await store.sweepWebhook(waiting[0]!, records.now, 10);
		expect(await store.purgeDeletedProjects(ids[0]!, 10)).toEqual({ ...nothing, after: ids[20] });
		expect(await store.purgeDeletedProjects(null, 10)).toMatchObject({ hasDeleted: true, after: null, done: false });
	});

	it("a step says whether it has used up its rows, and ends behind a project whose waiting events have used them up", async () => {
		const { store, accept, project, pending, remove, sweep } = await openProject(current);
		for (let n = 0; n < 10; n++) await accept({ projectId: project.id, webhookIds: [pending.id] });
		await remove();
		const step = await store.purgeDeletedProjects(null, 1);
		expect(step).toMatchObject({ hasDeleted: false, isFull: true, after: project.id, done: false, left: true });
		expect(await store.purgeDeletedProjects(step.after, 1)).toMatchObject({ isFull: false, done: true, left: true });
		await sweep();
		const [some, others] = [await store.purgeDeletedProjects(null, 10), await store.purgeDeletedProjects(null, 100)];
		expect(some).toMatchObject({ hasDeleted: true, isFull: true, after: null, done: false, left: true });
		expect(others).toMatchObject({ hasDeleted: true, isFull: false, after: null, done: false, left: true });
		expect(some.purged.events + others.purged.events).toBe(12);
	});

	it("portal sessions go with their project", async () => {
		const { store, records, project, projectId, remove, sweep } = await openProject(current);
		const sessions = [project.id, project.id, project.id, projectId].map((id) => portalSession(records, id));
		for (const each of sessions) await store.insertPortalSession(each, { replaces: [], entry: null });
		await remove();
		const left = async () => (await store.allPortalSessions(null, 100)).map(({ id }) => id);
		expect(await left()).toHaveLength(4);
		await sweep();
		// The webhooks stay until their stats are rolled up, and so does the project: the steps go on behind it.
		let step = await store.purgeDeletedProjects(null, 2);
		while (!step.done) step = await store.purgeDeletedProjects(step.after, 2);
		expect(step.left).toBe(true);
		expect(await left()).toEqual([sessions[3]?.id]);
	});
}

const COUNT = 7;
const CONFLICT = { code: "store_conflict" };
const NO_ENTRY = { replaces: [], entry: null };

/** A second project with keys, the first of which has three sessions and two sign-in links, and a key of the workspace with one each. */
async function openKeys(current: CurrentStore) {
	const world = await fillStore(current());
	const { store, records } = world;
	const project = await world.addProject();
	const other = records.key("write");
	await store.insertKey(other, null);
	const keys = Array.from({ length: COUNT }, (_, n) => ({ ...records.key("write", project.id), name: `Key ${n}` }));
	const revisions: number[] = [];
	for (const key of keys) revisions.push(Number(await store.insertKey(key, null)));
	const [first] = keys;
	await store.insertAuditEntry(records.entry({ keyId: first!.id, projectId: project.id }));
	for (const key of [first!, first!, first!, other]) await store.insertSession(session(records, key), ALONE);
	for (const key of [first!, first!, other]) await store.insertSignInLink(link(records, key), NO_ENTRY);
	await store.noteKeyUses([...keys, other].map(({ id }) => ({ keyId: id, at: 5 })));
	const remove = () => store.deleteProject(project.id, records.now, null);
	const left = async () => ({
		keys: (await current().keys()).filter(({ projectId }) => projectId === project.id).length,
		sessions: (await current().sessions(null, 10)).map(({ keyId }) => keyId),
		links: (await current().signInLinks(null, 10)).map(({ keyId }) => keyId),
		uses: (await current().keyUses()).map(({ keyId }) => keyId),
	});
	const gone = { keys: 0, sessions: [other.id], links: [other.id], uses: [other.id] };
	return { ...world, project, other, keys, first: first!, revisions, remove, left, gone };
}

function describeDeletedKeys(current: CurrentStore, reopen: Reopen): void {
	it("the keys of a deleted project, their sessions, links and uses are gone at once for every call", async () => {
		const { store, records, project, keys, first, revisions, remove, left, gone } = await openKeys(current);
		const limit = (await store.keys()).length;
		await remove();
		expect(await left()).toEqual(gone);
		const options = { expected: revisions[0]!, entry: records.entry() };
		expect(await store.updateKey({ ...first, name: "changed" }, options)).toBeNull();
		expect(await store.deleteKey(first.id, records.entry())).toBe("not_found");
		await expect(store.insertSession(session(records, first), ALONE)).rejects.toMatchObject(CONFLICT);
		await expect(store.insertSignInLink(link(records, first), NO_ENTRY)).rejects.toMatchObject(CONFLICT);
		await store.noteKeyUses([{ keyId: first.id, at: 9 }]);
		await expect(store.insertKey(records.key("read", project.id), null)).rejects.toMatchObject(CONFLICT);
		expect(await left()).toEqual(gone);
		// The limit does not count them, and one of them can be set again.
		const again = { ...records.key("admin"), digest: keys[1]!.digest };
		const results = [await store.insertKey(again, null, limit)];
		for (let n = 1; n < COUNT; n++) results.push(await store.insertKey(records.key("read"), null, limit));
		expect(results).not.toContain("full");
		expect(await store.insertKey(records.key("read"), null, limit)).toBe("full");
		expect((await store.keys()).map(({ id }) => id)).toContain(again.id);
	});

	it("their rows go in steps of a bounded size, also after a restart, and their names stay as long as an entry needs them", async () => {
		const world = await openKeys(current);
		const { project, keys, gone } = world;
		for (const id of [project.id, null]) expect(await current().removeKeysOfDeleted(id, 2)).toBe(false);
		expect(await world.left()).toMatchObject({ keys: COUNT });
		await world.remove();
		let steps = 0;
		while (await current().removeKeysOfDeleted(null, 2)) {
			steps++;
			await reopen();
			expect(await world.left()).toEqual(gone);
		}
		// Two for the sessions, one for the links, and four for the keys.
		expect(steps).toBe(7);
		const store = current();
		expect(await store.removeKeysOfDeleted(project.id, 2)).toBe(false);
		const { keyNames } = await store.auditEntries({ ...ANY_ENTRY, projectId: project.id }, NEWEST);
		expect([...keyNames]).toEqual([[keys[0]!.id, "Key 0"]]);
		// Their ids are free, so no row is left.
		const next = world.records.project();
		await store.insertProject(next, null);
		for (const key of keys) await store.insertKey({ ...key, projectId: next.id }, null);
		expect((await world.left()).sessions).toEqual(gone.sessions);
	});

	it("the project itself goes after their rows, in bounded steps, too", async () => {
		const { store, records, project, keys, remove } = await openKeys(current);
		await remove();
		expect(await store.removeKeysOfDeleted(project.id, 2)).toBe(true);
		let steps = 0;
		while (!(await store.purgeDeletedProjects(null, 2)).done) steps++;
		expect(steps).toBeGreaterThanOrEqual(7);
		await store.insertProject({ ...project, createDate: records.now }, null);
		for (const key of keys) await store.insertKey(key, null);
		expect((await store.keys()).filter(({ projectId }) => projectId === project.id)).toHaveLength(COUNT);
	});
}
