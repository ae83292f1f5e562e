// The contract of a deleted project, however many webhooks and event types it has: the deletion is one small change, and everything reads by
// the mark of the project that they are gone. Their rows go later, in steps.
import { expect, it } from "vitest";

import { customerScope, projectScope, type Scope } from "../../../core/access/principal.ts";
import type { MarkPlace } from "../../store/queue.ts";
import { NOTHING_PURGED } from "../../store/retention.ts";
import { portalSession } from "./records/portal-sessions.ts";
import { ANY_DELIVERY, fillStore, idsOf, NEWEST, type CurrentStore, type Flush } from "./records/records.ts";
import { allWebhooks } from "./records/webhooks.ts";

const ANY_WEBHOOK = {
	text: null,
	statuses: null,
	health: null,
	customerId: null,
	key: null,
	eventType: null,
	metadata: {},
};

/** A second project with a webhook that has a Pending delivery, one that has a Held one, one that has none, and two event types. */
async function openWorld(current: CurrentStore) {
	const world = await fillStore(current());
	const { store, records, accept } = world;
	const project = records.project();
	await store.insertProject(project, null);
	const own = { projectId: project.id, customerId: "acme" };
	const pending = records.webhook(project.id, { customerId: "acme", key: "pending" });
	const held = records.webhook(project.id, { status: "Paused" });
	const idle = records.webhook(project.id);
	for (const webhook of [pending, held, idle]) await store.insertWebhook(webhook, null);
	for (const [name, visibility] of [["a", "public"] as const, ["b", "internal"] as const]) {
		const type = records.eventType(project.id, name, { visibility });
		await store.putEventType(type, { expected: null, limit: 10, entry: null });
	}
	const [waiting = ""] = await accept({ projectId: project.id, webhookIds: [pending.id], customers: "acme" });
	const [heldId = ""] = await accept({ projectId: project.id, webhookIds: [held.id] });
	await store.sweepWebhook(held.id, records.now, 10);
	const scope: Scope = projectScope(project.id);
	const statusOf = async (id: string) => (await store.delivery(scope, id))?.status;
	expect([await statusOf(waiting), await statusOf(heldId)]).toEqual(["Pending", "Held"]);
	await accept();
	const remove = () => store.deleteProject(project.id, records.now, null);
	return { ...world, project, scope, own, pending, held, idle, waiting, heldId, statusOf, remove };
}

export function describeDeletedProjects(current: CurrentStore, flush: Flush): void {
	it("reads of the webhooks of a deleted project say at once that they are deleted", async () => {
		const { store, records, project, scope, own, pending, held, idle, webhookId, remove } = await openWorld(current);
		await remove();
		const deleteDate = records.now;
		const found = await store.webhookRecords([pending.id, held.id, idle.id, webhookId]);
		expect(Object.fromEntries(found.map((record) => [record.id, record.deleteDate]))).toEqual({
			[pending.id]: deleteDate,
			[held.id]: deleteDate,
			[idle.id]: deleteDate,
			[webhookId]: null,
		});
		// Of deleted webhooks, only those with waiting deliveries.
		const summaries = await store.webhookSummaries(null, 100);
		expect(new Set(summaries.map((summary) => [summary.id, summary.deleteDate].join(" ")))).toEqual(
			new Set([`${pending.id} ${deleteDate}`, `${held.id} ${deleteDate}`, `${webhookId} `]),
		);
		for (const filter of [ANY_WEBHOOK, { ...ANY_WEBHOOK, key: "pending" }]) {
			expect((await store.webhooks(scope, filter, NEWEST)).rows).toEqual([]);
			expect((await store.webhooks(customerScope(project.id, "acme"), filter, NEWEST)).rows).toEqual([]);
		}
		expect(await store.customer(customerScope(own.projectId, own.customerId))).toMatchObject({ webhookCount: 0 });
		const [record] = await store.webhookRecords([idle.id]);
		const update = store.updateWebhook({ ...record!, deleteDate: null }, { expected: record!.revision, entry: null });
		expect(await update).toBeNull();
	});

	it("no delivery of a deleted project is claimed, and sweeps cancel what waits, also those after a restart", async () => {
		const { store, records, pending, held, waiting, heldId, statusOf, webhookId, remove } = await openWorld(current);
		await remove();
		const claim = await store.claimDue({
			webhookId: pending.id,
			now: records.now,
			limit: 10,
			maxBytes: 1_000,
			leaseUntil: records.now + 1_000,
		});
		expect(claim).toMatchObject({ deliveries: [], nextDueAt: null });
		const { webhookIds } = await store.webhooksToSweep(null, 100);
		expect(webhookIds.toSorted()).toEqual([pending.id, held.id].toSorted());
		for (const id of webhookIds) {
			expect(await store.sweepWebhook(id, records.now, 10)).toMatchObject({ change: { type: "cancel" }, count: 1 });
		}
		expect([await statusOf(waiting), await statusOf(heldId)]).toEqual(["Cancelled", "Cancelled"]);
		expect(await store.webhooksToSweep(null, 100)).toMatchObject({ webhookIds: [] });
		expect(await store.countOpen()).toMatchObject({ Pending: 1, Held: 0 });
		expect((await allWebhooks(store)).map(({ id }) => id)).toEqual([webhookId]);
	});

	it("its webhooks are marked in steps of a bounded size, which name those with waiting deliveries", async () => {
		const { store, records, project, pending, held, idle, webhookId, remove } = await openWorld(current);
		const none = { waiting: [], next: null };
		const [first, any] = [project.id, null].map((projectId) => ({ projectId, after: null }));
		for (const place of [first!, any!]) expect(await store.markWebhooksDeleted(place, 10)).toEqual(none);
		await remove();
		const deleteDate = records.now;
		records.now += 1_000;
		const marked: string[] = [];
		const ids = [pending.id, held.id, idle.id].toSorted();
		// Each step begins where the one before has ended, and so does not see the first webhook again.
		let place: MarkPlace = any!;
		for (const id of ids) {
			const { waiting, next } = await store.markWebhooksDeleted(place, 1);
			marked.push(...waiting);
			expect(next).toEqual({ projectId: project.id, after: id });
			place = next!;
		}
		expect(marked.toSorted()).toEqual([pending.id, held.id].toSorted());
		for (const each of [place, first!, any!]) expect(await store.markWebhooksDeleted(each, 1)).toEqual(none);
		const found = await store.webhookRecords([pending.id, held.id, idle.id, webhookId]);
		expect(Object.fromEntries(found.map((record) => [record.id, record.deleteDate]))).toEqual({
			[pending.id]: deleteDate,
			[held.id]: deleteDate,
			[idle.id]: deleteDate,
			[webhookId]: null,
		});
	});

	it("an attempt that ends after its project was deleted is not followed by another one", async () => {
		const { records, update, waiting, statusOf, remove } = await openWorld(current);
		await remove();
		await update(records.failure(waiting, 1));
		expect(await statusOf(waiting)).toBe("Cancelled");
	});

	it("the event types of a deleted project are gone at once", async () => {
		const { store, records, project, scope, remove } = await openWorld(current);
		const [known] = (await store.eventTypes(scope, null, NEWEST)).rows;
		await remove();
		expect(await store.eventType(project.id, "a")).toBeNull();
		expect((await store.eventTypes(scope, null, NEWEST)).rows).toEqual([]);
		expect(await store.internalEventTypes(null)).toEqual([]);
		expect(await store.internalEventTypes(project.id)).toEqual([]);
		expect(await store.deleteEventType(project.id, "a", null)).toBeNull();
		for (const expected of [null, known!.revision]) {
			const put = store.putEventType(records.eventType(project.id, "a"), { expected, limit: 10, entry: null });
			if (expected === null) await expect(put).rejects.toMatchObject({ code: "store_conflict" });
			else expect(await put).toBe("changed");
		}
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
		const { store, records, accept, project, pending, held, remove } = await openWorld(current);
		for (let n = 0; n < 10; n++) await accept({ projectId: project.id, webhookIds: [pending.id] });
		await remove();
		const step = await store.purgeDeletedProjects(null, 1);
		expect(step).toMatchObject({ hasDeleted: false, isFull: true, after: project.id, done: false, left: true });
		expect(await store.purgeDeletedProjects(step.after, 1)).toMatchObject({ isFull: false, done: true, left: true });
		for (const { id } of [pending, held]) await store.sweepWebhook(id, records.now, 100);
		const [some, others] = [await store.purgeDeletedProjects(null, 10), await store.purgeDeletedProjects(null, 100)];
		expect(some).toMatchObject({ hasDeleted: true, isFull: true, after: null, done: false, left: true });
		expect(others).toMatchObject({ hasDeleted: true, isFull: false, after: null, done: false, left: true });
		expect(some.purged.events + others.purged.events).toBe(12);
	});

	it("portal sessions go with their project", async () => {
		const { store, records, project, projectId, remove } = await openWorld(current);
		const add = async (id: string) => {
			const session = portalSession(records, id);
			await store.insertPortalSession(session, { replaces: [], entry: null });
			return session.id;
		};
		for (let n = 0; n < 3; n++) await add(project.id);
		const other = await add(projectId);
		await remove();
		const left = async () => (await store.allPortalSessions(null, 100)).map(({ id }) => id);
		expect(await left()).toHaveLength(4);
		for (const webhook of await allWebhooks(store)) await store.sweepWebhook(webhook.id, records.now, 100);
		// The webhooks stay until their stats are rolled up, and so does the project: the steps go on behind it.
		let step = await store.purgeDeletedProjects(null, 2);
		while (!step.done) step = await store.purgeDeletedProjects(step.after, 2);
		expect(step.left).toBe(true);
		expect(await left()).toEqual([other]);
	});

	it("the rows of a deleted project go in steps of a bounded size", async () => {
		const { store, records, project, scope, pending, held, accept, remove } = await openWorld(current);
		for (let n = 0; n < 30; n++) {
			await store.insertWebhook(records.webhook(project.id), null);
			const type = records.eventType(project.id, `type.${n}`);
			await store.putEventType(type, { expected: null, limit: 100, entry: null });
		}
		await remove();
		for (const { id } of [pending, held]) await store.sweepWebhook(id, records.now, 10);
		let steps = 0;
		for (let done = false; !done; steps++) {
			({ done } = await store.purgeDeletedProjects(null, 10));
			// What is not rolled up yet keeps its webhook. A minute can be rolled up once a later one has begun.
			records.now += 120_000;
			await accept({ webhookIds: [] });
			await store.rollUpStats({ keepMinutesFrom: 0, keepHoursFrom: 0, limit: 10_000 });
			await flush();
		}
		// Four with webhooks, and four with event types.
		expect(steps).toBeGreaterThan(8);
		expect(idsOf(await store.deliveries(scope, ANY_DELIVERY, NEWEST))).toEqual([]);
		await store.insertProject(project, null);
		expect((await store.webhooks(scope, ANY_WEBHOOK, NEWEST)).rows).toEqual([]);
		expect((await store.eventTypes(scope, null, NEWEST)).rows).toEqual([]);
	});
}
