// A store with a bit of everything that no server of an earlier version has left: customers, sessions, relays, and work under way.
import { systemChance } from "../../../adapters/system/system-chance.ts";
import { EVERY_CUSTOMER } from "../../../core/access/customer.ts";
import { keyDigest } from "../../../core/access/key.ts";
import { generatePortalToken } from "../../../core/access/portal-session.ts";
import { customerScope, type CustomerScope } from "../../../core/access/principal.ts";
import { newHeldDelivery } from "../../../core/delivery.ts";
import { ERASED_REASON } from "../../../core/policies/retention.ts";
import type { Replay } from "../../../core/replay.ts";
import { addType, webhookOfDeletedProject } from "../../../ports/contract/store/records/calls.ts";
import { portalSession } from "../../../ports/contract/store/records/portal-sessions.ts";
import { addWebhook, changeWebhook, type Records } from "../../../ports/contract/store/records/records.ts";
import { openReplayWorld } from "../../../ports/contract/store/records/replays.ts";
import type { Store } from "../../../ports/store/store.ts";

const LEASE_MS = 120_000;
/** The limit of each step. */
const LIMIT = 3;
const ROLL_UP = { keepMinutesFrom: 0, keepHoursFrom: 0, limit: 60 };

/** What is under way in the store. */
export interface UnderWay {
	readonly records: Records;
	readonly replay: Replay;
	readonly erasedEventId: string;
	/** One whose webhooks are being erased, and one whose payloads are. */
	readonly deleting: readonly CustomerScope[];
}

/** Fills a new store. It is at the time `records.now` then. */
export async function fillWithEverything(store: Store): Promise<UnderWay> {
	const world = await openReplayWorld(() => store, 4);
	const { records, projectId, webhookIds, accept, update, deliver, miss } = world;
	await addType(world, "order.paid");
	await store.putEventType(records.eventType(projectId, "order.secret", { visibility: "internal" }), ANY_TYPE);
	await webhookOfDeletedProject(world);
	await store.insertKey(records.key("read", projectId), records.entry({ projectId, action: "key.create" }));
	const revoked = { ...records.key("write", projectId), name: "Revoked" };
	await store.insertKey(revoked, null);
	await store.deleteKey(revoked.id, records.entry({ projectId, action: "key.delete", objectId: revoked.id }));
	await addSessions(store, records);
	await addRelays(store, records, projectId);
	const deleting = await addCustomers(store, world);
	// Deliveries in every state, one of them with many attempts, and two that are leased.
	for (const [n, code] of [200, 410, 200, 204].entries()) await deliver(code, `type.n${n}`);
	await miss("nobody.wants");
	const [often = ""] = await accept({ key: "order-1", tags: ["order:1", "vip"], traceparent: TRACE });
	await update(...records.retriedByHand(often, 60));
	const [retried = "", failing = "", cancelled = ""] = await accept({ webhookIds: webhookIds.toReversed() });
	await update(records.failure(retried, 1, 503), records.outcome(failing, 1));
	await update({
		deliveryId: cancelled,
		change: { type: "cancel", reason: "by hand" },
		attempt: null,
		at: records.now,
	});
	await accept({ webhookIds, state: newHeldDelivery("the webhook is paused") });
	await accept({ customers: ["acme", "umbrella"], key: "order-2", targets: "webhooks" });
	await accept({ customers: EVERY_CUSTOMER });
	records.now += 90_000;
	for (let step = 0; step < 3; step++) await store.rollUpStats(ROLL_UP);
	await store.forgetIdempotencyKeys(records.now - 1, 1);
	await accept({ key: "order-1", webhookIds });
	await store.claimDue({
		webhookId: webhookIds[1] ?? "",
		now: records.now,
		limit: 1,
		maxBytes: 1_000,
		leaseUntil: records.now + LEASE_MS,
	});
	// The journal has entries of a round that has begun, and later ones.
	await store.rollUpStats({ ...ROLL_UP, limit: 1 });
	records.now += 1_000;
	await accept({ webhookIds });
	const replay = await world.begin({ outcomes: ["Succeeded", "Missed"] });
	await world.step(replay, { scanLimit: 3, deliveryLimit: 2 });
	// What comes now is after its range.
	records.now += 1;
	return { records, replay, deleting, erasedEventId: await beginErasure(world) };
}

/** Makes the next steps of what is under way, the same in each store that is in the same state. */
export async function goOn(store: Store, { records, replay, erasedEventId, deleting }: UnderWay): Promise<unknown[]> {
	const at = records.now + LEASE_MS;
	const found: unknown[] = [];
	for (let n = 0; n < 20; n++) {
		const deliveryIds = deliveryIdsFor(records, n);
		found.push(await store.stepReplay({ replayId: replay.id, at, scanLimit: LIMIT, deliveryIds }));
		found.push(await store.continueErasure({ eventId: erasedEventId, limit: LIMIT, reason: ERASED_REASON, at }));
	}
	for (const { eventId } of await store.erasures(10)) {
		for (let n = 0; n < 20; n++) await store.continueErasure({ eventId, limit: LIMIT, reason: ERASED_REASON, at });
	}
	for (const scope of deleting) {
		for (let n = 0; n < 40; n++) await store.stepCustomerDeletion(scope, { limit: LIMIT, reason: ERASED_REASON, at });
	}
	while ((await store.rollUpStats(ROLL_UP)) > 0);
	return found;
}

const madeIds = new WeakMap<Records, string[][]>();

/** The same ids for the same step, also in the next store. */
function deliveryIdsFor(records: Records, step: number): readonly string[] {
	const steps = madeIds.get(records) ?? [];
	madeIds.set(records, steps);
	return (steps[step] ??= Array.from({ length: 2 }, () => records.ids.make("dlv", records.now)));
}

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const ANY_TYPE = { expected: null, limit: 100, entry: null };

async function addSessions(store: Store, records: Records): Promise<void> {
	const [key] = await store.keys();
	const dates = { createDate: records.now, expireDate: records.now + 3_600_000 };
	const digest = () => new Uint8Array(keyDigest(generatePortalToken(systemChance)));
	const session = { id: records.ids.make("session", records.now), keyId: key!.id, secretDigest: digest(), ...dates };
	await store.insertSession({ ...session, digest: digest() }, { replaces: [], linkId: null, entry: records.entry() });
	const link = { ...session, id: records.ids.make("link", records.now), digest: digest(), sessionId: session.id };
	await store.insertSignInLink({ ...link, sessionExpireDate: null }, { replaces: [], entry: null });
	await store.noteKeyUses([{ keyId: key!.id, at: records.now }]);
}

async function addRelays(store: Store, records: Records, projectId: string): Promise<void> {
	for (const customerId of [null, "acme"]) {
		const webhookId = records.webhook(projectId).id;
		const relay = { webhookId, projectId, customerId, device: "laptop", mirrorOf: null, epoch: 0 };
		await store.putRelay({ ...relay, seenDate: records.now });
		await store.holdRelay(webhookId, records.now + 1);
		await store.insertPortalSession(portalSession(records, projectId), { replaces: [], entry: null });
	}
}

/** One is known by its name, one is deleted webhook by webhook, one has only payloads left. */
async function addCustomers(store: Store, world: Awaited<ReturnType<typeof openReplayWorld>>) {
	const { records, projectId, accept, update } = world;
	const at = records.now;
	const scopeOf = (id: string) => customerScope(projectId, id);
	await store.updateCustomer(scopeOf("umbrella"), { name: "Umbrella", metadata: { plan: "pro" } }, { at, entry: null });
	const deleting = [scopeOf("acme"), scopeOf("globex")];
	for (const { customerId } of deleting) {
		const webhook = await addWebhook(store, records.webhook(projectId, { customerId, key: `of ${customerId}` }));
		for (let n = 0; n < 6; n++) {
			const customers = n % 2 === 0 ? customerId : [customerId];
			const deliveries = await accept({
				customers,
				webhookIds: [webhook.id, world.webhookId],
				body: Buffer.from(`${n}`),
			});
			await update(...deliveries.map((id) => records.outcome(id, 1)));
		}
		await store.beginCustomerDeletion(scopeOf(customerId), { at, draft: null, entry: null });
		await changeWebhook(store, webhook, { deleteDate: at });
	}
	const step = { limit: 1, reason: ERASED_REASON, at };
	await store.stepCustomerDeletion(deleting[0]!, step);
	// Until some payloads are erased.
	for (let n = 0; n < 12; n++) await store.stepCustomerDeletion(deleting[1]!, step);
	return deleting;
}

/** An event whose deliveries are more than one step erases. */
async function beginErasure({
	store,
	records,
	scope,
	webhookIds,
	accept,
	update,
}: Awaited<ReturnType<typeof openReplayWorld>>) {
	const deliveries = await accept({ webhookIds, key: "to-erase" });
	await update(...deliveries.slice(0, 3).map((id) => records.outcome(id, 1)));
	const eventId = (await store.delivery(scope, deliveries[0] ?? ""))?.eventId ?? "";
	await store.erasePayload(scope, eventId, {
		reason: ERASED_REASON,
		at: records.now,
		limit: 1,
		entry: records.entry(),
	});
	return eventId;
}
