// Test data for the contract of changes: calls of the store as data, and all that they can change.
import type { AuditEntry } from "../../../../core/access/audit.ts";
import type { Scope } from "../../../../core/access/principal.ts";
import type { EventType } from "../../../../core/event-type.ts";
import { ERASED_REASON } from "../../../../core/policies/retention.ts";
import type { WebhookRecord } from "../../../store/directory.ts";
import type { Store } from "../../../store/store.ts";
import { addWebhook, ANY_DELIVERY, ANY_ENTRY, ANY_EVENT, attemptsOf, NEWEST, type World } from "./records.ts";
import type { ReplayWorld } from "./replays.ts";
import { allWebhooks, changesSince } from "./webhooks.ts";

/** A call of the store as data, so that another process can make it. */
export interface StoreCall {
	readonly name: keyof Store;
	readonly parameters: readonly unknown[];
}

/** Makes the records that a call needs. Returns the call, which writes `entry` if it changes something. */
export type Prepare = (world: ReplayWorld, entry: AuditEntry | null) => StoreCall | Promise<StoreCall>;

export function call<Name extends keyof Store>(name: Name, ...parameters: Parameters<Store[Name]>): StoreCall {
	return { name, parameters };
}

export function makeCall(store: Store, { name, parameters }: StoreCall): Promise<unknown> {
	const method = store[name] as (...parameters: readonly unknown[]) => Promise<unknown>;
	return method(...parameters);
}

/** A limit that no project reaches in these tests. */
export const NOT_FULL = 1_000;

/** The first webhook of the world. */
export async function firstWebhook({ store }: World): Promise<WebhookRecord> {
	const [record] = await allWebhooks(store);
	if (record === undefined) throw new Error("the world has no webhook");
	return record;
}

/** Adds an event type. Returns it as it is stored. */
export async function addType(
	{ store, records, projectId }: World,
	name: string,
	changes: Partial<EventType> = {},
): Promise<EventType> {
	const type = records.eventType(projectId, name, changes);
	const revision = await store.putEventType(type, { expected: null, limit: NOT_FULL, entry: null });
	if (typeof revision === "string") throw new Error(`the type ${name} was not added: ${revision}`);
	return { ...type, revision };
}

/**
 * Adds a project with a webhook that has a Pending delivery, and deletes the project. Returns the record that the
 * webhook had before.
 */
export async function webhookOfDeletedProject({ store, records, accept, addProject }: World): Promise<WebhookRecord> {
	const project = await addProject();
	const record = await addWebhook(store, records.webhook(project.id));
	await accept({ projectId: project.id, webhookIds: [record.id] });
	await store.deleteProject(project.id, records.now, null);
	return record;
}

/** The call that erases a payload. */
export function erase({ records }: World, scope: Scope, eventId: string, entry: AuditEntry | null): StoreCall {
	return call("erasePayload", scope, eventId, { reason: ERASED_REASON, at: records.now, limit: 1_000, entry });
}

/** The commit that changes deliveries by hand. All its updates have the same entry. */
export function change(
	{ records }: World,
	type: "cancel" | "hold",
	deliveryIds: readonly string[],
	entry: AuditEntry | null,
): StoreCall {
	const updates = deliveryIds.map((id) => records.change(id, { type, reason: "by hand" }, entry));
	return call("commit", { events: [], updates });
}

/** All that management calls can change, as the store returns it. */
export async function contents({ store, projectId, scope, webhookId }: World) {
	const { rows: events } = await store.events(scope, ANY_EVENT, NEWEST);
	const { rows: deliveries } = await store.deliveries(scope, ANY_DELIVERY, NEWEST);
	// All at once, since a store in another thread or process takes a while for each call.
	const [
		versions,
		changes,
		projects,
		keys,
		webhooks,
		health,
		eventTypes,
		replays,
		bodies,
		attempts,
		counts,
		entries,
		sessions,
	] = await Promise.all([
		store.directoryVersions(),
		changesSince(store, projectId, 0),
		store.projects(),
		store.keys(),
		allWebhooks(store),
		store.webhookHealth([webhookId]),
		store.eventTypes(scope, null, NEWEST),
		store.replays(scope, null, NEWEST),
		Promise.all(events.map(({ id }) => store.eventBody(scope, id))),
		Promise.all(deliveries.map(({ id }) => attemptsOf({ store, scope }, id))),
		store.statusCounts(scope, null),
		store.auditEntries(ANY_ENTRY, NEWEST),
		store.allPortalSessions(null, 1_000),
	]);
	return {
		versions,
		changes,
		projects,
		keys,
		webhooks,
		health,
		eventTypes: eventTypes.rows,
		replays: replays.rows,
		sessions,
		bodies,
		deliveries,
		attempts,
		counts,
		entries: entries.rows,
	};
}
