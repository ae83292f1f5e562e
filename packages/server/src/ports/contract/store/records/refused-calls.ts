// Test data for the contract of changes: management calls of the store that find a reason to change nothing.
import { expect } from "vitest";

import { projectScope } from "../../../../core/access/principal.ts";
import { MAX_RETRIES_BY_HAND, type DeliveryStatus } from "../../../../core/delivery.ts";
import {
	addType,
	call,
	change,
	erase,
	firstWebhook,
	makeCall,
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
const NO_ENTRY = { replaces: [], entry: null };

/** A call that rejects with `store_conflict`. */
function conflict(title: string, prepare: Prepare): RefusedCall {
	return { title, prepare };
}

function returning(returns: unknown, title: string, prepare: Prepare): RefusedCall {
	return { title, returns, prepare };
}

/** A change of a record of which the caller's copy has another revision than the store. */
function wrongCopies(
	name: string,
	returns: unknown,
	prepare: (difference: number, ...parameters: Parameters<Prepare>) => ReturnType<Prepare>,
): RefusedCall[] {
	return WRONG_COPIES.map(([difference, copy]) =>
		returning(returns, `${name} made on ${copy}`, (world, entry) => prepare(difference, world, entry)),
	);
}

const OF_PROJECTS: readonly RefusedCall[] = [
	conflict("insertProject with a known id", async ({ store }, entry) => {
		const [project] = await store.projects();
		return call("insertProject", project!, entry);
	}),
	...wrongCopies("updateProject", null, async (difference, { store }, entry) => {
		const [project] = await store.projects();
		const expected = project!.revision + difference;
		return call("updateProject", { ...project!, name: "Renamed" }, { expected, entry });
	}),
	returning(null, "updateProject of an unknown project", ({ records }, entry) => {
		const project = records.project();
		return call("updateProject", project, { expected: project.revision, entry });
	}),
	returning(null, "updateProject of a deleted project", async ({ store, records, addProject }, entry) => {
		const project = await addProject();
		await store.deleteProject(project.id, records.now, null);
		return call("updateProject", project, { expected: project.revision, entry });
	}),
	returning(null, "deleteProject of an unknown project", ({ records }, entry) =>
		call("deleteProject", records.project().id, records.now, entry),
	),
	returning(null, "deleteProject of a deleted project", async (world, entry) => {
		const { projectId } = await webhookOfDeletedProject(world);
		return call("deleteProject", projectId, world.records.now + 1, entry);
	}),
];

const OF_KEYS: readonly RefusedCall[] = [
	conflict("insertKey of a known key", async ({ store, records, projectId }, entry) => {
		const [key] = await store.keys();
		return call("insertKey", { ...records.key("read", projectId), digest: key!.digest }, entry);
	}),
	conflict("insertKey for an unknown project", ({ records }, entry) =>
		call("insertKey", records.key("read", records.project().id), entry),
	),
	conflict("insertKey for a deleted project", async (world, entry) => {
		const { projectId } = await webhookOfDeletedProject(world);
		return call("insertKey", world.records.key("read", projectId), entry);
	}),
	...wrongCopies("updateKey", null, async (difference, { store }, entry) => {
		const [key] = await store.keys();
		return call("updateKey", { ...key!, name: "Renamed" }, { expected: key!.revision + difference, entry });
	}),
	returning(null, "updateKey of an unknown key", ({ records }, entry) => {
		const key = records.key();
		return call("updateKey", key, { expected: key.revision, entry });
	}),
	conflict("updateKey that gives a key the digest of another", async ({ store, records }, entry) => {
		const [first] = await store.keys();
		const key = records.key("read");
		const expected = Number(await store.insertKey(key, null));
		return call("updateKey", { ...key, digest: first!.digest }, { expected, entry });
	}),
	returning("not_found", "deleteKey of an unknown key", ({ records }, entry) =>
		call("deleteKey", records.key().id, entry),
	),
	returning("last_admin", "deleteKey of the last key that administers the workspace", async ({ store }, entry) => {
		const [key] = await store.keys();
		return call("deleteKey", key!.id, entry);
	}),
];

const OF_WEBHOOKS: readonly RefusedCall[] = [
	conflict("insertWebhook with a known id", async (world, entry) =>
		call("insertWebhook", await firstWebhook(world), entry),
	),
	conflict("insertWebhook in an unknown project", ({ records }, entry) =>
		call("insertWebhook", records.webhook(records.project().id), entry),
	),
	conflict("insertWebhook in a deleted project", async (world, entry) => {
		const { projectId } = await webhookOfDeletedProject(world);
		return call("insertWebhook", world.records.webhook(projectId), entry);
	}),
	...wrongCopies("updateWebhook", null, async (difference, world, entry) => {
		const record = await firstWebhook(world);
		const options = { expected: record.revision + difference, entry, resetHealth: true };
		return call("updateWebhook", { ...record, name: "Renamed" }, options);
	}),
	returning(null, "updateWebhook of an unknown webhook", ({ records, projectId }, entry) => {
		const record = records.webhook(projectId);
		return call("updateWebhook", record, { expected: record.revision, entry });
	}),
	returning(null, "updateWebhook of a webhook that belongs to another project", async (world, entry) => {
		const { id: projectId } = await world.addProject();
		const record = await firstWebhook(world);
		return call("updateWebhook", { ...record, projectId }, { expected: record.revision, entry });
	}),
	returning(null, "updateWebhook that clears the delete date of a webhook", async (world, entry) => {
		await world.accept();
		const record = await firstWebhook(world);
		const { revision } = await changeWebhook(world.store, record, { deleteDate: world.records.now });
		return call("updateWebhook", record, { expected: revision, entry });
	}),
	returning(
		null,
		"updateWebhook that clears the delete date of a webhook whose project is deleted",
		async (world, entry) => {
			const before = await webhookOfDeletedProject(world);
			const deleted = (await allWebhooks(world.store)).find(({ id }) => id === before.id);
			return call("updateWebhook", before, { expected: deleted?.revision ?? NO_REVISION, entry });
		},
	),
];

const OF_EVENT_TYPES: readonly RefusedCall[] = [
	returning("changed", "putEventType of a type that should be new, but exists", async (world, entry) =>
		call("putEventType", await addType(world, "a"), { expected: null, limit: NOT_FULL, entry }),
	),
	...wrongCopies("putEventType", "changed", async (difference, world, entry) => {
		const type = await addType(world, "a");
		const options = { expected: type.revision + difference, limit: NOT_FULL, entry };
		return call("putEventType", { ...type, description: "New" }, options);
	}),
	returning("changed", "putEventType of a type that should exist, but is unknown", ({ records, projectId }, entry) =>
		call("putEventType", records.eventType(projectId, "a"), { expected: NO_REVISION, limit: NOT_FULL, entry }),
	),
	returning("full", "putEventType of one type more than the project may have", async (world, entry) => {
		await addType(world, "a");
		const type = world.records.eventType(world.projectId, "b");
		return call("putEventType", type, { expected: null, limit: 1, entry });
	}),
	conflict("putEventType in an unknown project", ({ records }, entry) =>
		call("putEventType", records.eventType(records.project().id, "a"), { expected: null, limit: 1, entry }),
	),
	conflict("putEventType in a deleted project", async (world, entry) => {
		const { projectId } = await webhookOfDeletedProject(world);
		const type = world.records.eventType(projectId, "a");
		return call("putEventType", type, { expected: null, limit: NOT_FULL, entry });
	}),
	returning(null, "deleteEventType of an unknown type", ({ projectId }, entry) =>
		call("deleteEventType", projectId, "a", entry),
	),
];

/** What a commit with one update returns that finds its delivery in this status, and changes nothing. */
function unchanged(status: DeliveryStatus) {
	return expect.objectContaining({ updates: [{ state: expect.objectContaining({ status }), changed: false }] });
}

const OF_THE_LOG: readonly RefusedCall[] = [
	returning(
		"customer",
		"insertReplays while as many replays as allowed are running",
		async ({ begin, makeReplay }, entry) => {
			for (let n = 0; n < 2; n++) await begin();
			return call("insertReplays", [{ replay: makeReplay(), ...ANY_NUMBER, limit: 2, entry }]);
		},
	),
	conflict("insertReplays with a known id", async ({ begin }, entry) =>
		call("insertReplays", [{ replay: await begin(), ...ANY_NUMBER, entry }]),
	),
	conflict("insertReplays in a deleted project", async (world, entry) => {
		const { id: webhookId, projectId } = await webhookOfDeletedProject(world);
		return call("insertReplays", [{ replay: world.makeReplay({}, { projectId, webhookId }), ...ANY_NUMBER, entry }]);
	}),
	returning(false, "cancelReplay of an unknown replay", ({ makeReplay, records }, entry) =>
		call("cancelReplay", makeReplay().id, records.now, entry),
	),
	returning(false, "cancelReplay of a replay that is not running", async ({ begin, step, records }, entry) => {
		const replay = await begin();
		await step(replay);
		return call("cancelReplay", replay.id, records.now, entry);
	}),
	returning(null, "erasePayload of an unknown event", (world, entry) =>
		erase(world, world.scope, world.records.ids.make("evt", world.records.now), entry),
	),
	returning(null, "erasePayload of an event of another project", async (world, entry) =>
		erase(world, projectScope((await world.addProject()).id), await world.miss(), entry),
	),
	returning(
		expect.objectContaining({ updates: [null] }),
		"commit of a change by hand to an unknown delivery",
		(world, entry) => change(world, "cancel", [world.records.ids.make("dlv", world.records.now)], entry),
	),
	returning(unchanged("Succeeded"), "commit of a change by hand to a delivery that is final", async (world, entry) => {
		const [deliveryId = ""] = await world.accept();
		await world.update(world.records.outcome(deliveryId, 1));
		return change(world, "cancel", [deliveryId], entry);
	}),
	returning(
		unchanged("Cancelled"),
		"commit of a retry by hand of a delivery whose payload was erased",
		async (world, entry) => {
			const { store, scope, records, accept } = world;
			const [deliveryId = ""] = await accept();
			const delivery = await store.delivery(scope, deliveryId);
			await makeCall(store, erase(world, scope, delivery?.eventId ?? "", null));
			return call("commit", { events: [], updates: [records.retry(deliveryId, entry)] });
		},
	),
	returning(
		unchanged("Failed"),
		"commit of a retry by hand of a delivery that has had all its retries",
		async (world, entry) => {
			const { records, accept, update } = world;
			const [deliveryId = ""] = await accept();
			await update(...records.retriedByHand(deliveryId, MAX_RETRIES_BY_HAND));
			return call("commit", { events: [], updates: [records.retry(deliveryId, entry)] });
		},
	),
];

const OF_PORTAL_SESSIONS: readonly RefusedCall[] = [
	conflict("insertPortalSession with a known id", async ({ store, records, projectId }, entry) => {
		const [known, replaced] = [portalSession(records, projectId), portalSession(records, projectId)];
		for (const session of [known, replaced]) await store.insertPortalSession(session, NO_ENTRY);
		return call("insertPortalSession", known, { replaces: [replaced.id], entry });
	}),
	conflict("insertPortalSession in an unknown project", ({ records }, entry) =>
		call("insertPortalSession", portalSession(records, records.project().id), { replaces: [], entry }),
	),
	conflict("insertPortalSession in a deleted project", async (world, entry) => {
		const { projectId } = await webhookOfDeletedProject(world);
		return call("insertPortalSession", portalSession(world.records, projectId), { replaces: [], entry });
	}),
	returning(0, "deletePortalSessions of another project", async ({ store, records, projectId, addProject }, entry) => {
		const other = await addProject();
		const session = portalSession(records, projectId);
		await store.insertPortalSession(session, NO_ENTRY);
		return call("deletePortalSessions", other.id, [session.id, "portal_1", ""], entry);
	}),
];

export const REFUSED_CALLS: readonly RefusedCall[] = [
	...OF_PROJECTS,
	...OF_KEYS,
	...OF_WEBHOOKS,
	...OF_EVENT_TYPES,
	...OF_PORTAL_SESSIONS,
	...OF_THE_LOG,
];
