// Test data for the contract of changes: every management call of the store, made so that it changes something.
import { expect } from "vitest";

import { addType, call, change, erase, firstWebhook, type Prepare } from "./calls.ts";
import { portalSession } from "./portal-sessions.ts";

export interface DoneCall {
	readonly title: string;
	/** Whether another case in the list makes the same statements, or nearly so. */
	readonly isVariant?: boolean;
	/** Whose version the call raises. */
	readonly raises: "project" | "workspace" | "nothing";
	/** What the call returns. If omitted, the raised version. */
	readonly returns?: unknown;
	readonly prepare: Prepare;
}

export const DONE_CALLS: readonly DoneCall[] = [
	{
		title: "insertProject",
		raises: "workspace",
		prepare: ({ records }, entry) => call("insertProject", records.project(), entry),
	},
	{
		title: "updateProject",
		raises: "project",
		async prepare({ store }, entry) {
			const [project] = await store.projects();
			const next = { ...project!, name: "Renamed", retentionDays: 7 };
			return call("updateProject", next, { expected: project!.revision, entry });
		},
	},
	{
		title: "deleteProject",
		raises: "workspace",
		async prepare(world, entry) {
			const { store, records } = world;
			const project = records.project();
			const { id: projectId } = project;
			await store.insertProject(project, null);
			await store.insertWebhook(records.webhook(projectId), null);
			await store.insertKey(records.key("read", projectId), null);
			await addType({ ...world, projectId }, "a");
			return call("deleteProject", projectId, records.now, entry);
		},
	},
	{
		title: "insertKey for a project",
		raises: "project",
		prepare: ({ records, projectId }, entry) => call("insertKey", records.key("read", projectId), entry),
	},
	{
		title: "insertKey for the workspace",
		isVariant: true,
		raises: "workspace",
		prepare: ({ records }, entry) => call("insertKey", records.key("read"), entry),
	},
	{
		title: "updateKey of a project",
		raises: "project",
		async prepare({ store, records, projectId }, entry) {
			const key = records.key("admin", projectId);
			const expected = Number(await store.insertKey(key, null));
			return call("updateKey", { ...key, name: "Renamed" }, { expected, entry });
		},
	},
	{
		title: "updateKey of the workspace",
		isVariant: true,
		raises: "workspace",
		async prepare({ store }, entry) {
			const [key] = await store.keys();
			return call("updateKey", { ...key!, name: "Renamed" }, { expected: key!.revision, entry });
		},
	},
	{
		title: "deleteKey of a project",
		raises: "project",
		async prepare({ store, records, projectId }, entry) {
			const key = records.key("admin", projectId);
			await store.insertKey(key, null);
			return call("deleteKey", key.id, entry);
		},
	},
	{
		title: "deleteKey of the workspace",
		isVariant: true,
		raises: "workspace",
		async prepare({ store, records }, entry) {
			const key = records.key("admin");
			await store.insertKey(key, null);
			return call("deleteKey", key.id, entry);
		},
	},
	{
		title: "insertWebhook",
		raises: "project",
		prepare: ({ records, projectId }, entry) => call("insertWebhook", records.webhook(projectId), entry),
	},
	{
		title: "updateWebhook with a new secret and a reset of its health",
		raises: "project",
		async prepare(world, entry) {
			const { store, records, accept, update } = world;
			const [deliveryId = ""] = await accept();
			await update(records.failure(deliveryId, 1));
			const record = await firstWebhook(world);
			const secret = { number: 2, sealed: Uint8Array.of(4), createDate: records.now, expireDate: null };
			const next = { ...record, name: "Renamed", secrets: [secret, ...record.secrets] };
			expect(await store.webhookHealth([record.id])).toMatchObject([{ failingSince: records.now }]);
			return call("updateWebhook", next, { expected: record.revision, entry, resetHealth: true });
		},
	},
	{
		title: "updateWebhook as a deletion",
		isVariant: true,
		raises: "project",
		async prepare(world, entry) {
			const record = await firstWebhook(world);
			const next = { ...record, deleteDate: world.records.now };
			return call("updateWebhook", next, { expected: record.revision, entry });
		},
	},
	{
		title: "putEventType of a new type",
		raises: "project",
		prepare: ({ records, projectId }, entry) =>
			call("putEventType", records.eventType(projectId, "a"), { expected: null, limit: 1, entry }),
	},
	{
		title: "putEventType of a known type",
		raises: "project",
		async prepare(world, entry) {
			const type = await addType(world, "a");
			return call("putEventType", { ...type, description: "New" }, { expected: type.revision, limit: 1, entry });
		},
	},
	{
		title: "deleteEventType",
		raises: "project",
		async prepare(world, entry) {
			await addType(world, "a");
			return call("deleteEventType", world.projectId, "a", entry);
		},
	},
	{
		title: "insertPortalSession that replaces another one",
		raises: "nothing",
		returns: 1,
		async prepare({ store, records, projectId }, entry) {
			const before = portalSession(records, projectId);
			await store.insertPortalSession(before, { replaces: [], entry: null });
			const replaces = [before.id, records.ids.make("portal", records.now)];
			return call("insertPortalSession", portalSession(records, projectId), { replaces, entry });
		},
	},
	{
		title: "deletePortalSessions",
		raises: "nothing",
		returns: 1,
		async prepare({ store, records, projectId }, entry) {
			const session = portalSession(records, projectId);
			await store.insertPortalSession(session, { replaces: [], entry: null });
			return call("deletePortalSessions", projectId, [session.id, records.ids.make("portal", records.now)], entry);
		},
	},
	{
		title: "insertReplays",
		raises: "nothing",
		returns: null,
		async prepare({ begin, makeReplay, step }, entry) {
			await step(await begin());
			return call("insertReplays", [{ replay: makeReplay(), limit: 1, projectLimit: 1, entry }]);
		},
	},
	{
		title: "cancelReplay",
		raises: "nothing",
		returns: true,
		async prepare({ begin, records }, entry) {
			const { id } = await begin();
			return call("cancelReplay", id, records.now, entry);
		},
	},
	{
		title: "erasePayload of an event with two waiting deliveries",
		raises: "nothing",
		returns: expect.objectContaining({ cancelledCount: 2, done: true }),
		async prepare(world, entry) {
			const { records, store, scope, webhookIds, accept, update } = world;
			const [first = ""] = await accept({ webhookIds });
			await update(records.failure(first, 1));
			const delivery = await store.delivery(scope, first);
			return erase(world, scope, delivery?.eventId ?? "", entry);
		},
	},
	{
		title: "erasePayload of an event without deliveries",
		isVariant: true,
		raises: "nothing",
		returns: { cancelled: [], cancelledCount: 0, done: true, changed: true },
		prepare: async (world, entry) => erase(world, world.scope, await world.miss(), entry),
	},
	{
		title: "commit of a change by hand to two deliveries",
		raises: "nothing",
		returns: expect.anything(),
		async prepare(world, entry) {
			return change(world, "cancel", await world.accept({ webhookIds: world.webhookIds }), entry);
		},
	},
	{
		title: "commit of a change by hand to one delivery, while others are unknown or do not change",
		isVariant: true,
		raises: "nothing",
		returns: expect.objectContaining({ updates: [expect.anything(), null, expect.anything()] }),
		async prepare(world, entry) {
			const { records, webhookIds, accept, update } = world;
			const [final = "", waiting = ""] = await accept({ webhookIds });
			await update(records.outcome(final, 1));
			return change(world, "hold", [final, records.ids.make("dlv", records.now), waiting], entry);
		},
	},
];
