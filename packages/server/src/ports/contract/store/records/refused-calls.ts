// Test data for the contract of changes: management calls of the store that find a reason to change nothing.
import { expect } from "vitest";

import { projectScope } from "../../../../core/access/principal.ts";
import { MAX_RETRIES_BY_HAND } from "../../../../core/delivery.ts";
import {
	addType,
	call,
	change,
	erase,
	firstWebhook,
	NOT_FULL,
	webhookOfDeletedProject,
	type Prepare,
} from "./calls.ts";
import { portalSession } from "./portal-sessions.ts";
import { changeWebhook } from "./records.ts";
import { ANY_NUMBER } from "./replays.ts";
import { allWebhooks } from "./webhooks.ts";

export interface RefusedCall {
	readonly title: string;
	/** What the call returns. If omitted, it rejects with `store_conflict`. */
	readonly returns?: unknown;
	readonly prepare: Prepare;
}

/** A revision that no record of these tests has. */
const NO_REVISION = 99;
/** Differences to a record's revision, with what the caller's copy of the record is then. */
const WRONG_COPIES = [
	[-1, "an older copy"],
	[1, "a newer copy"],
] as const;

const OF_PROJECTS: readonly RefusedCall[] = [
	{
		title: "insertProject with a known id",
		async prepare({ store }, entry) {
			const [project] = await store.projects();
			return call("insertProject", project!, entry);
		},
	},
	...WRONG_COPIES.map(([difference, copy]): RefusedCall => ({
		title: `updateProject made on ${copy}`,
		returns: null,
		async prepare({ store }, entry) {
			const [project] = await store.projects();
			const expected = project!.revision + difference;
			return call("updateProject", { ...project!, name: "Renamed" }, { expected, entry });
		},
	})),
	{
		title: "updateProject of an unknown project",
		returns: null,
		prepare({ records }, entry) {
			const project = records.project();
			return call("updateProject", project, { expected: project.revision, entry });
		},
	},
	{
		title: "updateProject of a deleted project",
		returns: null,
		async prepare({ store, records }, entry) {
			const project = records.project();
			await store.insertProject(project, null);
			await store.deleteProject(project.id, records.now, null);
			return call("updateProject", project, { expected: project.revision, entry });
		},
	},
	{
		title: "deleteProject of an unknown project",
		returns: null,
		prepare: ({ records }, entry) => call("deleteProject", records.project().id, records.now, entry),
	},
	{
		title: "deleteProject of a deleted project",
		returns: null,
		async prepare(world, entry) {
			const { projectId } = await webhookOfDeletedProject(world);
			return call("deleteProject", projectId, world.records.now + 1, entry);
		},
	},
];

const OF_KEYS: readonly RefusedCall[] = [
	{
		title: "insertKey of a known key",
		async prepare({ store, records, projectId }, entry) {
			const [key] = await store.keys();
			return call("insertKey", { ...records.key("read", projectId), digest: key!.digest }, entry);
		},
	},
	{
		title: "insertKey for an unknown project",
		prepare: ({ records }, entry) => call("insertKey", records.key("read", records.project().id), entry),
	},
	{
		title: "insertKey for a deleted project",
		async prepare(world, entry) {
			const { projectId } = await webhookOfDeletedProject(world);
			return call("insertKey", world.records.key("read", projectId), entry);
		},
	},
	...WRONG_COPIES.map(([difference, copy]): RefusedCall => ({
		title: `updateKey made on ${copy}`,
		returns: null,
		async prepare({ store }, entry) {
			const [key] = await store.keys();
			return call("updateKey", { ...key!, name: "Renamed" }, { expected: key!.revision + difference, entry });
		},
	})),
	{
		title: "updateKey of an unknown key",
		returns: null,
		prepare({ records }, entry) {
			const key = records.key();
			return call("updateKey", key, { expected: key.revision, entry });
		},
	},
	{
		title: "updateKey that gives a key the digest of another",
		async prepare({ store, records }, entry) {
			const [first] = await store.keys();
			const key = records.key("read");
			const expected = Number(await store.insertKey(key, null));
			return call("updateKey", { ...key, digest: first!.digest }, { expected, entry });
		},
	},
	{
		title: "deleteKey of an unknown key",
		returns: "not_found",
		prepare: ({ records }, entry) => call("deleteKey", records.key().id, entry),
	},
	{
		title: "deleteKey of the last key that administers the workspace",
		returns: "last_admin",
		async prepare({ store }, entry) {
			const [key] = await store.keys();
			return call("deleteKey", key!.id, entry);
		},
	},
];

const OF_WEBHOOKS: readonly RefusedCall[] = [
	{
		title: "insertWebhook with a known id",
		prepare: async (world, entry) => call("insertWebhook", await firstWebhook(world), entry),
	},
	{
		title: "insertWebhook in an unknown project",
		prepare: ({ records }, entry) => call("insertWebhook", records.webhook(records.project().id), entry),
	},
	{
		title: "insertWebhook in a deleted project",
		async prepare(world, entry) {
			const { projectId } = await webhookOfDeletedProject(world);
			return call("insertWebhook", world.records.webhook(projectId), entry);
		},
	},
	...WRONG_COPIES.map(([difference, copy]): RefusedCall => ({
		title: `updateWebhook made on ${copy}`,
		returns: null,
		async prepare(world, entry) {
			const record = await firstWebhook(world);
			const options = { expected: record.revision + difference, entry, resetHealth: true };
			return call("updateWebhook", { ...record, name: "Renamed" }, options);
		},
	})),
	{
		title: "updateWebhook of an unknown webhook",
		returns: null,
		prepare({ records, projectId }, entry) {
			const record = records.webhook(projectId);
			return call("updateWebhook", record, { expected: record.revision, entry });
		},
	},
	{
		title: "updateWebhook of a webhook that belongs to another project",
		returns: null,
		async prepare(world, entry) {
			const other = world.records.project();
			await world.store.insertProject(other, null);
			const record = await firstWebhook(world);
			return call("updateWebhook", { ...record, projectId: other.id }, { expected: record.revision, entry });
		},
	},
	{
		title: "updateWebhook that clears the delete date of a webhook",
		returns: null,
		async prepare(world, entry) {
			await world.accept();
			const record = await firstWebhook(world);
			const { revision } = await changeWebhook(world.store, record, { deleteDate: world.records.now });
			return call("updateWebhook", record, { expected: revision, entry });
		},
	},
	{
		title: "updateWebhook that clears the delete date of a webhook whose project is deleted",
		returns: null,
		async prepare(world, entry) {
			const before = await webhookOfDeletedProject(world);
			const deleted = (await allWebhooks(world.store)).find(({ id }) => id === before.id);
			return call("updateWebhook", before, { expected: deleted?.revision ?? NO_REVISION, entry });
		},
	},
];

const OF_EVENT_TYPES: readonly RefusedCall[] = [
	{
		title: "putEventType of a type that should be new, but exists",
		returns: "changed",
		async prepare(world, entry) {
			return call("putEventType", await addType(world, "a"), { expected: null, limit: NOT_FULL, entry });
		},
	},
	...WRONG_COPIES.map(([difference, copy]): RefusedCall => ({
		title: `putEventType made on ${copy}`,
		returns: "changed",
		async prepare(world, entry) {
			const type = await addType(world, "a");
			const options = { expected: type.revision + difference, limit: NOT_FULL, entry };
			return call("putEventType", { ...type, description: "New" }, options);
		},
	})),
	{
		title: "putEventType of a type that should exist, but is unknown",
		returns: "changed",
		prepare: ({ records, projectId }, entry) =>
			call("putEventType", records.eventType(projectId, "a"), { expected: NO_REVISION, limit: NOT_FULL, entry }),
	},
	{
		title: "putEventType of one type more than the project may have",
		returns: "full",
		async prepare(world, entry) {
			await addType(world, "a");
			const type = world.records.eventType(world.projectId, "b");
			return call("putEventType", type, { expected: null, limit: 1, entry });
		},
	},
	{
		title: "putEventType in an unknown project",
		prepare: ({ records }, entry) =>
			call("putEventType", records.eventType(records.project().id, "a"), { expected: null, limit: 1, entry }),
	},
	{
		title: "putEventType in a deleted project",
		async prepare(world, entry) {
			const { projectId } = await webhookOfDeletedProject(world);
			const type = world.records.eventType(projectId, "a");
			return call("putEventType", type, { expected: null, limit: NOT_FULL, entry });
		},
	},
	{
		title: "deleteEventType of an unknown type",
		returns: null,
		prepare: ({ projectId }, entry) => call("deleteEventType", projectId, "a", entry),
	},
];

const OF_THE_LOG: readonly RefusedCall[] = [
	{
		title: "insertReplays while as many replays as allowed are running",
		returns: "customer",
		async prepare({ begin, makeReplay }, entry) {
			for (let n = 0; n < 2; n++) await begin();
			return call("insertReplays", [{ replay: makeReplay(), ...ANY_NUMBER, limit: 2, entry }]);
		},
	},
	{
		title: "insertReplays with a known id",
		prepare: async ({ begin }, entry) => call("insertReplays", [{ replay: await begin(), ...ANY_NUMBER, entry }]),
	},
	{
		title: "insertReplays in a deleted project",
		async prepare(world, entry) {
			const { id: webhookId, projectId } = await webhookOfDeletedProject(world);
			return call("insertReplays", [{ replay: world.makeReplay({}, { projectId, webhookId }), ...ANY_NUMBER, entry }]);
		},
	},
	{
		title: "cancelReplay of an unknown replay",
		returns: false,
		prepare: ({ makeReplay, records }, entry) => call("cancelReplay", makeReplay().id, records.now, entry),
	},
	{
		title: "cancelReplay of a replay that is not running",
		returns: false,
		async prepare({ begin, step, records }, entry) {
			const replay = await begin();
			await step(replay);
			return call("cancelReplay", replay.id, records.now, entry);
		},
	},
	{
		title: "erasePayload of an unknown event",
		returns: null,
		prepare: (world, entry) => erase(world, world.scope, world.records.ids.make("evt", world.records.now), entry),
	},
	{
		title: "erasePayload of an event of another project",
		returns: null,
		async prepare(world, entry) {
			return erase(world, projectScope(world.records.project().id), await world.miss(), entry);
		},
	},
	{
		title: "commit of a change by hand to an unknown delivery",
		returns: expect.objectContaining({ updates: [null] }),
		prepare: (world, entry) => change(world, "cancel", [world.records.ids.make("dlv", world.records.now)], entry),
	},
	{
		title: "commit of a change by hand to a delivery that is final",
		returns: expect.objectContaining({
			updates: [{ state: expect.objectContaining({ status: "Succeeded" }), changed: false }],
		}),
		async prepare(world, entry) {
			const [deliveryId = ""] = await world.accept();
			await world.update(world.records.outcome(deliveryId, 1));
			return change(world, "cancel", [deliveryId], entry);
		},
	},
	{
		title: "commit of a retry by hand of a delivery whose payload was erased",
		returns: expect.objectContaining({
			updates: [{ state: expect.objectContaining({ status: "Cancelled" }), changed: false }],
		}),
		async prepare(world, entry) {
			const { store, scope, records, accept } = world;
			const [deliveryId = ""] = await accept();
			const delivery = await store.delivery(scope, deliveryId);
			await store.erasePayload(scope, delivery?.eventId ?? "", {
				reason: "erased",
				at: records.now,
				limit: 1_000,
				entry: null,
			});
			return call("commit", { events: [], updates: [records.retry(deliveryId, entry)] });
		},
	},
	{
		title: "commit of a retry by hand of a delivery that has had all its retries",
		returns: expect.objectContaining({
			updates: [{ state: expect.objectContaining({ status: "Failed" }), changed: false }],
		}),
		async prepare({ records, accept, update }, entry) {
			const [deliveryId = ""] = await accept();
			await update(...records.retriedByHand(deliveryId, MAX_RETRIES_BY_HAND));
			return call("commit", { events: [], updates: [records.retry(deliveryId, entry)] });
		},
	},
];

const OF_PORTAL_SESSIONS: readonly RefusedCall[] = [
	{
		title: "insertPortalSession with a known id",
		async prepare({ store, records, projectId }, entry) {
			const [known, replaced] = [portalSession(records, projectId), portalSession(records, projectId)];
			for (const session of [known, replaced]) {
				await store.insertPortalSession(session, { replaces: [], entry: null });
			}
			return call("insertPortalSession", known, { replaces: [replaced.id], entry });
		},
	},
	{
		title: "insertPortalSession in an unknown project",
		prepare: ({ records }, entry) =>
			call("insertPortalSession", portalSession(records, records.project().id), { replaces: [], entry }),
	},
	{
		title: "insertPortalSession in a deleted project",
		async prepare(world, entry) {
			const { projectId } = await webhookOfDeletedProject(world);
			return call("insertPortalSession", portalSession(world.records, projectId), { replaces: [], entry });
		},
	},
	{
		title: "deletePortalSessions of another project",
		returns: 0,
		async prepare({ store, records, projectId }, entry) {
			const other = records.project();
			await store.insertProject(other, null);
			const session = portalSession(records, projectId);
			await store.insertPortalSession(session, { replaces: [], entry: null });
			return call("deletePortalSessions", other.id, [session.id, "portal_1", ""], entry);
		},
	},
];

export const REFUSED_CALLS: readonly RefusedCall[] = [
	...OF_PROJECTS,
	...OF_KEYS,
	...OF_WEBHOOKS,
	...OF_EVENT_TYPES,
	...OF_PORTAL_SESSIONS,
	...OF_THE_LOG,
];
