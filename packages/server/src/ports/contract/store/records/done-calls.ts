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

/** A call that raises a version, and returns it. */
function raising(raises: "project" | "workspace", title: string, prepare: Prepare, isVariant = false): DoneCall {
	return { title, isVariant, raises, prepare };
}

/** A call that raises no version. */
function returning(returns: unknown, title: string, prepare: Prepare, isVariant = false): DoneCall {
	return { title, isVariant, raises: "nothing", returns, prepare };
}

const VARIANT = true;
const NO_ENTRY = { replaces: [], entry: null };

export const DONE_CALLS: readonly DoneCall[] = [
	raising("workspace", "insertProject", ({ records }, entry) => call("insertProject", records.project(), entry)),
	raising("project", "updateProject", async ({ store }, entry) => {
		const [project] = await store.projects();
		const next = { ...project!, name: "Renamed", retentionDays: 7 };
		return call("updateProject", next, { expected: project!.revision, entry });
	}),
	raising("workspace", "deleteProject", async (world, entry) => {
		const { store, records } = world;
		const { id: projectId } = await world.addProject();
		await store.insertWebhook(records.webhook(projectId), null);
		await store.insertKey(records.key("read", projectId), null);
		await addType({ ...world, projectId }, "a");
		return call("deleteProject", projectId, records.now, entry);
	}),
	raising("project", "insertKey for a project", ({ records, projectId }, entry) =>
		call("insertKey", records.key("read", projectId), entry),
	),
	raising(
		"workspace",
		"insertKey for the workspace",
		({ records }, entry) => call("insertKey", records.key("read"), entry),
		VARIANT,
	),
	raising("project", "updateKey of a project", async ({ store, records, projectId }, entry) => {
		const key = records.key("admin", projectId);
		const expected = Number(await store.insertKey(key, null));
		return call("updateKey", { ...key, name: "Renamed" }, { expected, entry });
	}),
	raising(
		"workspace",
		"updateKey of the workspace",
		async ({ store }, entry) => {
			const [key] = await store.keys();
			return call("updateKey", { ...key!, name: "Renamed" }, { expected: key!.revision, entry });
		},
		VARIANT,
	),
	...(["project", "workspace"] as const).map((of) =>
		raising(
			of,
			`deleteKey of ${of === "project" ? "a project" : "the workspace"}`,
			async ({ store, records, projectId }, entry) => {
				const key = records.key("admin", of === "project" ? projectId : null);
				await store.insertKey(key, null);
				return call("deleteKey", key.id, entry);
			},
			of === "workspace",
		),
	),
	raising("project", "insertWebhook", ({ records, projectId }, entry) =>
		call("insertWebhook", records.webhook(projectId), entry),
	),
	raising("project", "updateWebhook with a new secret and a reset of its health", async (world, entry) => {
		const { store, records, accept, update } = world;
		const [deliveryId = ""] = await accept();
		await update(records.failure(deliveryId, 1));
		const record = await firstWebhook(world);
		const secret = { number: 2, sealed: Uint8Array.of(4), createDate: records.now, expireDate: null };
		const next = { ...record, name: "Renamed", secrets: [secret, ...record.secrets] };
		expect(await store.webhookHealth([record.id])).toMatchObject([{ failingSince: records.now }]);
		return call("updateWebhook", next, { expected: record.revision, entry, resetHealth: true });
	}),
	raising(
		"project",
		"updateWebhook as a deletion",
		async (world, entry) => {
			const record = await firstWebhook(world);
			const next = { ...record, deleteDate: world.records.now };
			return call("updateWebhook", next, { expected: record.revision, entry });
		},
		VARIANT,
	),
	raising("project", "putEventType of a new type", ({ records, projectId }, entry) =>
		call("putEventType", records.eventType(projectId, "a"), { expected: null, limit: 1, entry }),
	),
	raising("project", "putEventType of a known type", async (world, entry) => {
		const type = await addType(world, "a");
		return call("putEventType", { ...type, description: "New" }, { expected: type.revision, limit: 1, entry });
	}),
	raising("project", "deleteEventType", async (world, entry) => {
		await addType(world, "a");
		return call("deleteEventType", world.projectId, "a", entry);
	}),
	returning(1, "insertPortalSession that replaces another one", async ({ store, records, projectId }, entry) => {
		const before = portalSession(records, projectId);
		await store.insertPortalSession(before, NO_ENTRY);
		const replaces = [before.id, records.ids.make("portal", records.now)];
		return call("insertPortalSession", portalSession(records, projectId), { replaces, entry });
	}),
	returning(1, "deletePortalSessions", async ({ store, records, projectId }, entry) => {
		const session = portalSession(records, projectId);
		await store.insertPortalSession(session, NO_ENTRY);
		return call("deletePortalSessions", projectId, [session.id, records.ids.make("portal", records.now)], entry);
	}),
	returning(null, "insertReplays", async ({ begin, makeReplay, step }, entry) => {
		await step(await begin());
		return call("insertReplays", [{ replay: makeReplay(), limit: 1, projectLimit: 1, entry }]);
	}),
	returning(true, "cancelReplay", async ({ begin, records }, entry) =>
		call("cancelReplay", (await begin()).id, records.now, entry),
	),
	returning(
		expect.objectContaining({ cancelledCount: 2, done: true }),
		"erasePayload of an event with two waiting deliveries",
		async (world, entry) => {
			const { records, store, scope, webhookIds, accept, update } = world;
			const [first = ""] = await accept({ webhookIds });
			await update(records.failure(first, 1));
			const delivery = await store.delivery(scope, first);
			return erase(world, scope, delivery?.eventId ?? "", entry);
		},
	),
	returning(
		{ cancelled: [], cancelledCount: 0, done: true, changed: true },
		"erasePayload of an event without deliveries",
		async (world, entry) => erase(world, world.scope, await world.miss(), entry),
		VARIANT,
	),
	returning(expect.anything(), "commit of a change by hand to two deliveries", async (world, entry) =>
		change(world, "cancel", await world.accept({ webhookIds: world.webhookIds }), entry),
	),
	returning(
		expect.objectContaining({ updates: [expect.anything(), null, expect.anything()] }),
		"commit of a change by hand to one delivery, while others are unknown or do not change",
		async (world, entry) => {
			const { records, webhookIds, accept, update } = world;
			const [final = "", waiting = ""] = await accept({ webhookIds });
			await update(records.outcome(final, 1));
			return change(world, "hold", [final, records.ids.make("dlv", records.now), waiting], entry);
		},
		VARIANT,
	),
];
