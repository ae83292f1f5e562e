// The contract of deleting a customer in steps: what goes, what stays, and that nothing of others is touched.
import { expect, it } from "vitest";

import { EVERY_CUSTOMER, type EventCustomers } from "../../../core/access/customer.ts";
import { customerScope } from "../../../core/access/principal.ts";
import { newHeldDelivery } from "../../../core/delivery.ts";
import { ERASED_REASON } from "../../../core/policies/retention.ts";
import type { CustomerDeletionStep } from "../../store/customers.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import {
	addWebhook,
	ANY_DELIVERY,
	ANY_ENTRY,
	ANY_EVENT,
	attemptsOf,
	changeWebhook,
	NEWEST,
	type CurrentStore,
	type Reopen,
} from "./records/records.ts";
import { openReplayWorld } from "./records/replays.ts";
import { KEEP_ALL } from "./records/stats.ts";

const LIMIT = 5;
const RESPONSE = { headers: { server: "x", "set-cookie": "secret" }, body: "an answer", bodyTruncated: false };
const EMPTY = { headers: {}, body: "", bodyTruncated: true };

/** The customers `acme` and `globex` with two webhooks each, one of the product itself, and events of all kinds. */
async function openWorld(current: CurrentStore) {
	const world = await openReplayWorld(current, 1);
	const { store, records, projectId, scope, webhookId: own, update } = world;
	let keys = 0;
	const of = async (customerId: string) =>
		addWebhook(store, records.webhook(projectId, { customerId, name: customerId, key: `${customerId} ${keys++}` }));
	const acme = [await of("acme"), await of("acme")];
	const globex = [await of("globex"), await of("globex")];
	await store.updateCustomer(customerScope(projectId, "acme"), { name: "Acme" }, { at: records.now, entry: null });
	const send = async (customers: EventCustomers, webhooks: readonly WebhookRecord[], count = 1) => {
		const ids: { eventId: string; deliveryIds: string[] }[] = [];
		for (let n = 0; n < count; n++) {
			const webhookIds = [own, ...webhooks.map(({ id }) => id)];
			const event = records.event(projectId, { customers, webhookIds, body: Buffer.from(`payload ${n}`) });
			const deliveries = event.deliveries.map((delivery, index) =>
				index === 1 && n % 3 === 2 ? { ...delivery, state: newHeldDelivery("paused") } : delivery,
			);
			await store.commit({ events: [{ ...event, deliveries }], updates: [] });
			ids.push({ eventId: event.event.id, deliveryIds: deliveries.map(({ id }) => id) });
		}
		const attempted = ids.filter((_, n) => n % 3 !== 2).flatMap(({ deliveryIds }) => deliveryIds);
		await update(...attempted.map((id) => answered(id)));
		return ids;
	};
	const answered = (id: string, number = 1) => {
		const outcome = records.outcome(id, number);
		return { ...outcome, attempt: records.attempt(number, { response: RESPONSE }) };
	};
	const sent = {
		alone: await send("acme", acme, 9),
		listed: await send(["acme"], acme, 2),
		both: await send(["acme", "globex"], [...acme, ...globex], 3),
		everybody: await send(EVERY_CUSTOMER, [...acme, ...globex], 3),
		globex: await send("globex", globex, 3),
		nobody: await send(null, [], 3),
	};
	const replay = await world.begin({}, { webhookId: acme[0]?.id ?? "", customerId: "acme" });
	const options = { limit: LIMIT, reason: ERASED_REASON, at: records.now };
	const customer = customerScope(projectId, "acme");
	const entry = records.entry({ action: "customer.delete", objectId: "acme", projectId });
	const { id: _id, at: _at, projectId: _project, objectId: _object, ...draft } = entry;
	const begin = () => store.beginCustomerDeletion(customer, { at: records.now, draft, entry });
	/** The payload and the responses of events, and the status of each delivery. */
	const read = async (events: readonly { readonly eventId: string }[]) =>
		Promise.all(
			events.map(async ({ eventId }) => {
				const { rows } = await store.deliveries(scope, { ...ANY_DELIVERY, eventId }, NEWEST);
				const deliveries = await Promise.all(
					rows.map(async ({ id, webhookId, status, customerId }) => ({
						webhookId,
						status,
						customerId,
						responses: (await attemptsOf({ store, scope }, id)).map(({ response }) => response),
					})),
				);
				return { hasBody: (await store.eventBody(scope, eventId)) !== null, deliveries };
			}),
		);
	const beginReplay = world.begin;
	const made = { own, of, acme, globex, sent, replay };
	return { ...world, ...made, options, customer, entry, draft, beginReplay, begin, read, answered };
}

type World = Awaited<ReturnType<typeof openWorld>>;

/** Makes the steps of a deletion as the engine does, until nothing is left, each after `before`. Returns the last step, and all before. */
async function run(
	current: CurrentStore,
	{ customer, options, acme, records }: World,
	{ entry = null, before = async () => {} }: RunOptions = {},
) {
	const steps: CustomerDeletionStep[] = [];
	for (;;) {
		await before(steps);
		const store = current();
		const step = await store.stepCustomerDeletion(customer, options);
		steps.push(step);
		if (step.kind === "webhook") {
			const record = acme.find(({ id }) => id === step.webhookId);
			if (record === undefined) throw new Error(`${step.webhookId} is not one of the customer's webhooks`);
			await changeWebhook(store, record, { deleteDate: records.now });
		} else if (step.kind === "waiting") {
			await store.sweepWebhook(step.webhookId, records.now, 1_000);
		} else if (step.kind === "done") {
			expect(await store.endCustomerDeletion(customer, entry)).toEqual(expect.any(Number));
		} else if (step.kind === "over") {
			return steps;
		}
	}
}

interface RunOptions {
	readonly entry?: World["entry"] | null;
	/** Gets the steps so far. */
	readonly before?: (steps: readonly CustomerDeletionStep[]) => Promise<void>;
}

export function describeCustomerDeletion(current: CurrentStore, reopen: Reopen | null): void {
	it("begins with an audit entry and a new version, once, and is shown with the customer", async () => {
		const world = await openWorld(current);
		const { store, records, projectId, customer, draft, entry, begin } = world;
		const versionOf = async () => (await store.directoryVersions()).projects[0]?.version ?? 0;
		const before = await versionOf();
		const begun = await begin();
		const deletion = { startDate: records.now, webhooksLeft: 2, webhookCount: 0, deliveryCount: 0, eventCount: 0 };
		expect(begun).toMatchObject({ version: before + 1, customer: { customerId: "acme", name: "Acme", deletion } });
		expect(await versionOf()).toBe(before + 1);
		expect(await store.customer(customer)).toEqual(begun?.customer);
		expect(await store.deletingCustomers(null)).toEqual([{ projectId, customerId: "acme", draft }]);
		expect(await store.deletingCustomers(records.project().id)).toEqual([]);
		const other = { at: records.now + 1, draft: null, entry: records.entry({ action: "again" }) };
		const again = await store.beginCustomerDeletion(customer, other);
		expect(again).toEqual({ customer: begun?.customer, version: null });
		const filter = { ...ANY_ENTRY, projectId, objectId: "acme" };
		expect((await store.auditEntries(filter, NEWEST)).rows).toEqual([entry]);
		expect((await store.customer(customerScope(projectId, "globex")))?.deletion).toBeNull();
		// It is over for others when the project is deleted.
		await store.deleteProject(projectId, records.now, null);
		for (const owner of [null, projectId]) expect(await store.deletingCustomers(owner)).toEqual([]);
		expect(await store.endCustomerDeletion(customer, null)).toBeNull();
		await expect(begin()).rejects.toMatchObject({ code: "store_conflict" });
	});

	it("is not begun for a customer that nobody knows, but for one that only events name", async () => {
		const { store, records, projectId, options, own } = await openWorld(current);
		const begin = (customerId: string) =>
			store.beginCustomerDeletion(customerScope(projectId, customerId), {
				at: records.now,
				draft: null,
				entry: records.entry({ objectId: customerId }),
			});
		const version = (await store.directoryVersions()).projects[0]?.version;
		expect(await begin("nobody")).toBeNull();
		expect((await store.directoryVersions()).projects[0]?.version).toBe(version);
		const event = records.event(projectId, { customers: "eventful", webhookIds: [own] });
		await store.commit({ events: [event], updates: [] });
		expect(await begin("eventful")).toMatchObject({ customer: { webhookCount: 0 }, version: expect.any(Number) });
		const customer = customerScope(projectId, "eventful");
		const cancelled: string[] = [];
		let step = await store.stepCustomerDeletion(customer, options);
		for (; step.kind === "erased"; step = await store.stepCustomerDeletion(customer, options)) {
			cancelled.push(...step.cancelled);
		}
		expect(cancelled).toEqual(event.deliveries.map(({ id }) => id));
		expect(step).toEqual({ kind: "done", webhookCount: 0, deliveryCount: 0, eventCount: 1 });
		await store.endCustomerDeletion(customer, null);
		expect(await begin("eventful")).toBeNull();
		const unknown = customerScope(records.project().id, "acme");
		const beginning = store.beginCustomerDeletion(unknown, { at: 1, draft: null, entry: null });
		await expect(beginning).rejects.toMatchObject({ code: "store_conflict" });
	});

	it("erases payloads and responses in small steps, and leaves those of others as they are", async () => {
		const world = await openWorld(current);
		const { store, projectId, scope, sent, own, acme, globex, read } = world;
		const others = [sent.both, sent.everybody, sent.globex, sent.nobody];
		const before = await Promise.all(others.map(read));
		await world.begin();
		const steps = await run(current, world);
		expect(steps.filter(({ kind }) => kind === "webhook")).toHaveLength(2);
		expect(steps.filter(({ kind }) => kind === "erased").length).toBeGreaterThan(10);
		const done = steps.find((step) => step.kind === "done");
		expect(done).toEqual({ kind: "done", webhookCount: 2, deliveryCount: 34, eventCount: 11 });

		const acmeIds = acme.map(({ id }) => id);
		for (const { hasBody, deliveries } of await read([...sent.alone, ...sent.listed])) {
			expect(hasBody).toBe(false);
			for (const { status, webhookId, customerId, responses } of deliveries) {
				expect(["Succeeded", "Cancelled"]).toContain(status);
				expect(customerId).toBeNull();
				// Of the product's own webhook, the body alone goes: it may repeat the payload.
				const emptied = webhookId === own ? { ...RESPONSE, body: "", bodyTruncated: true } : EMPTY;
				for (const response of responses) expect(response).toEqual(emptied);
			}
		}
		const after = await Promise.all(others.map(read));
		const withoutAcme = before.map((events) =>
			events.map(({ hasBody, deliveries }) => ({
				hasBody,
				deliveries: deliveries.map((delivery) => {
					if (!acmeIds.includes(delivery.webhookId)) return delivery;
					const status = delivery.status === "Succeeded" ? "Succeeded" : "Cancelled";
					return { ...delivery, status, customerId: null, responses: delivery.responses.map(() => EMPTY) };
				}),
			})),
		);
		expect(after).toEqual(withoutAcme);
		expect(await store.webhookRecords(globex.map(({ id }) => id))).toEqual(globex);
		expect((await store.customer(customerScope(projectId, "globex")))?.webhookCount).toBe(2);
		const ofDeleted = { ...ANY_DELIVERY, webhookId: acmeIds[0] ?? "" };
		expect((await store.deliveries(scope, ofDeleted, NEWEST)).rows).not.toEqual([]);
	});

	it("leaves nothing of the customer: no name, no relay, no webhook's texts and secrets, nothing in its scope", async () => {
		const world = await openWorld(current);
		const { store, records, projectId, scope, customer, acme, globex, own, replay } = world;
		const relay = { projectId, device: "ada@laptop", mirrorOf: null, epoch: 0, seenDate: 1_000 };
		await store.putRelay({ ...relay, webhookId: acme[0]?.id ?? "", customerId: "acme" });
		await store.putRelay({ ...relay, webhookId: globex[0]?.id ?? "", customerId: "globex" });
		await store.putRelay({ ...relay, webhookId: own, customerId: null });
		await world.begin();
		const insert = (customerId: string) => store.insertWebhook(records.webhook(projectId, { customerId }), null);
		const version = (await store.directoryVersions()).projects[0]?.version;
		expect(await insert("acme")).toBe("customer_being_deleted");
		expect((await store.directoryVersions()).projects[0]?.version).toBe(version);
		expect(await insert("globex")).toEqual(expect.any(Number));
		const entry = records.entry({ action: "customer.deleted", objectId: "acme", projectId });
		await run(current, world, { entry });
		expect(await store.customer(customer)).toBeNull();
		expect((await store.customers(scope, null, NEWEST)).rows.map(({ id }) => id)).toEqual(["globex"]);
		expect(await store.deletingCustomers(null)).toEqual([]);
		expect((await store.relays(scope, 10)).map(({ customerId }) => customerId)).toEqual([null, "globex"]);
		expect((await store.deliveries(customer, ANY_DELIVERY, NEWEST)).rows).toEqual([]);
		expect((await store.events(customer, ANY_EVENT, NEWEST)).rows).toEqual([]);
		expect((await store.replays(customer, null, NEWEST)).rows).toEqual([]);
		expect(await store.replay(customer, replay.id)).toBeNull();
		expect(await store.statusCounts(customer, null)).toMatchObject({ Succeeded: 0, Cancelled: 0 });
		const texts = { key: null, customerId: null, name: "", description: null, endpoint: "", metadata: {} };
		const rest = { headerNames: [], sealedHeaders: null, secretHint: "", secrets: [], eventTypes: null };
		for (const record of await store.webhookRecords(acme.map(({ id }) => id))) {
			expect(record).toMatchObject({ ...texts, ...rest });
		}
		const filter = { ...ANY_ENTRY, projectId, objectId: "acme", action: "customer.deleted" };
		expect((await store.auditEntries(filter, NEWEST)).rows).toEqual([entry]);
		expect(await store.endCustomerDeletion(customer, entry)).toBeNull();
		// The id is that of a new customer then.
		expect(await insert("acme")).toEqual(expect.any(Number));
		expect(await store.customer(customer)).toMatchObject({ name: null, webhookCount: 1, deletion: null });
		expect((await store.deliveries(customer, ANY_DELIVERY, NEWEST)).rows).toEqual([]);
	});

	it("stores no response of an attempt that ends later", async () => {
		const world = await openWorld(current);
		const { store, scope, sent, update, answered } = world;
		const late = [sent.everybody[2]?.deliveryIds[2] ?? "", sent.both[0]?.deliveryIds[1] ?? ""];
		await world.begin();
		await run(current, world, {
			async before(steps) {
				if (steps.at(-1)?.kind !== "erased" || steps.filter(({ kind }) => kind === "erased").length !== 3) return;
				await update(...late.map((id) => answered(id, 7)));
			},
		});
		await update(...late.map((id) => answered(id, 8)));
		for (const id of late) {
			const attempts = await attemptsOf({ store, scope }, id);
			expect(attempts.length).toBeGreaterThanOrEqual(2);
			for (const { response } of attempts) expect(response).toEqual(EMPTY);
		}
	});

	it("goes on with the next webhook after the one in hand was removed because of its age", async () => {
		const world = await openWorld(current);
		const { store, records, projectId, own, options, update, answered } = world;
		const customer = customerScope(projectId, "initech");
		const webhooks = [await world.of("initech"), await world.of("initech")];
		const [first = "", second = ""] = webhooks.map(({ id }) => id).toSorted();
		// What belongs to the second one has lower numbers than the last delivery of the first one, and stays.
		const kept = records.event(projectId, { customers: EVERY_CUSTOMER, webhookIds: [own, second] });
		const [waiting, kept1] = kept.deliveries.map(({ id }) => id);
		await store.commit({ events: [kept], updates: [] });
		const gone = records.event(projectId, { customers: EVERY_CUSTOMER, webhookIds: [first] });
		await store.commit({ events: [gone], updates: [] });
		await update(...[kept1 ?? "", gone.deliveries[0]?.id ?? ""].map((id) => answered(id)));
		await store.beginCustomerDeletion(customer, { at: records.now, draft: null, entry: null });
		for (const record of webhooks) await changeWebhook(store, record, { deleteDate: records.now });
		await store.stepCustomerDeletion(customer, { ...options, limit: 1 });
		expect((await world.purge("purgeEvents", records.now + 1, 1_000)).events).toBeGreaterThan(0);
		// A webhook is removed when its stats are rolled up, which is once a later minute has begun.
		records.now += 120_000;
		await world.accept({ webhookIds: [] });
		while ((await store.rollUpStats({ ...KEEP_ALL, limit: 10_000 })) > 0);
		await store.purgeDeletedWebhooks(null, 100, Infinity);
		expect((await store.webhookRecords([first, second])).map(({ id }) => id)).toEqual([second]);
		await run(current, { ...world, customer });
		expect((await attemptsOf(world, kept1 ?? "")).map(({ response }) => response)).toEqual([EMPTY]);
		expect(await world.state(waiting ?? "")).toMatchObject({ status: "Pending" });
	});

	it("goes on with the next event after the one in hand was removed because of its age", async () => {
		const world = await openWorld(current);
		const { store, records, projectId, scope, own, options, update, answered } = world;
		const beginReplay = () => world.beginReplay({ eventTypes: ["first"] });
		const [first, next] = ["first", "next"].map((type) =>
			records.event(projectId, { type, customers: "eventful", webhookIds: [own] }),
		);
		if (first === undefined || next === undefined) throw new Error("there are two events");
		await store.commit({ events: [first, next], updates: [] });
		await update(answered(first.deliveries[0]?.id ?? ""));
		// The first one has two deliveries of later replays, which have higher numbers than those of the next one.
		for (const _ of [1, 2]) {
			await world.step(await beginReplay());
			const replayed = (await world.replayed()).map(({ id }) => id);
			expect(replayed).toHaveLength(1);
			await update(...replayed.map((id) => answered(id)));
		}
		const customer = customerScope(projectId, "eventful");
		await store.beginCustomerDeletion(customer, { at: records.now, draft: null, entry: null });
		// Of the first one: the payload and its delivery, then the first of a replay.
		for (const _ of [1, 2]) await store.stepCustomerDeletion(customer, { ...options, limit: 1 });
		await world.purge("purgeEvents", records.now + 1, 1_000);
		expect((await store.events(scope, { ...ANY_EVENT, types: ["first"] }, NEWEST)).rows).toEqual([]);
		await run(current, { ...world, customer });
		expect(await store.eventBody(scope, next.event.id)).toBeNull();
		const cancelled = { status: "Cancelled", reason: ERASED_REASON };
		expect(await world.state(next.deliveries[0]?.id ?? "")).toMatchObject(cancelled);
	});

	it.skipIf(reopen === null)("goes on where it was, whenever the store is opened again", async () => {
		const world = await openWorld(current);
		const { sent, projectId, customer, draft, scope } = world;
		await world.begin();
		const steps = await run(current, world, {
			async before(done) {
				if (done.length % 3 === 0) await reopen?.();
				if (done.at(-1)?.kind === "done") return;
				expect(await current().deletingCustomers(projectId)).toEqual([{ projectId, customerId: "acme", draft }]);
			},
		});
		expect(steps.at(-2)).toMatchObject({ kind: "done", webhookCount: 2, deliveryCount: 34, eventCount: 11 });
		expect(await current().customer(customer)).toBeNull();
		for (const { eventId } of [...sent.alone, ...sent.listed]) {
			expect(await current().eventBody(scope, eventId)).toBeNull();
		}
	});
}
