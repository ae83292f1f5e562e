// No claim passes over a delivery: whatever happens in whatever order, each open delivery is leased, was returned, or lies above the cursor of
// its webhook, and so the claims that follow find all of them.
import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { expect, it } from "vitest";

import { newDelivery } from "../../../core/delivery.ts";
import { addWebhook, changeWebhook, fillStore } from "../../../ports/contract/store/records/records.ts";
import { allWebhooks } from "../../../ports/contract/store/records/webhooks.ts";
import type { DeliveryUpdate } from "../../../ports/store/accept.ts";
import { openSqliteStore, type StoreInside } from "../sqlite-store.ts";
import { StoreInvariants } from "../test/store-invariants.ts";

const WEBHOOKS = 3;
const LEASE_MS = 1_000;
const BODY_BYTES = 7;

const webhook = fc.integer({ min: 0, max: WEBHOOKS - 1 });
const place = fc.nat({ max: 1_000 });
/** Deliveries to some webhooks, each leased at once or not. */
const accept = fc.record({
	do: fc.constant("accept" as const),
	leased: fc.array(fc.tuple(webhook, fc.boolean()), { maxLength: 6 }),
});
const claims = fc.record({
	do: fc.constant("claim" as const),
	webhook,
	limit: fc.integer({ min: 1, max: 4 }),
	bodies: fc.nat(4),
});
const step = fc.oneof(
	{ arbitrary: accept, weight: 3 },
	{ arbitrary: claims, weight: 4 },
	fc.record({
		do: fc.constantFrom(...(["success", "failure", "release", "cancel", "renew", "erase"] as const)),
		place,
	}),
	fc.record({ do: fc.constantFrom("pause" as const, "resume" as const, "sweep" as const), webhook }),
	fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, LEASE_MS / 2, 2 * LEASE_MS) }),
	fc.record({ do: fc.constant("take over" as const) }),
);
/** Steps, and whether the COMMIT of each fails. */
const history = fc.array(fc.tuple(step, fc.boolean()), { maxLength: 50 });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Histories = Awaited<ReturnType<typeof openHistories>>;

/** A store, with what the histories on it need. */
async function openHistories(listAfterMs: number) {
	const inside: StoreInside[] = [];
	const commits = { fails: false };
	const store = await openSqliteStore({
		path: ":memory:",
		listAfterMs,
		beforeCommit: () => {
			if (!commits.fails) return;
			commits.fails = false;
			throw new Error("the COMMIT fails");
		},
		onOpened: (opened) => inside.push(opened),
	});
	const [{ db }] = inside as [StoreInside];
	const countOpen = db.prepare("SELECT count(*) AS count FROM open");
	const invariants = new StoreInvariants(inside[0]!);
	return { world: await fillStore(store), commits, invariants, countOpen: () => countOpen.get()?.["count"] };
}

/** Plays a history with new webhooks. In the end, everything that still waits is claimed and delivered. */
async function play(
	steps: readonly (readonly [Step, boolean])[],
	{ world, commits, ...checks }: Histories,
): Promise<void> {
	const { store, records, projectId, scope, update } = world;
	const webhookIds: string[] = [];
	for (let n = 0; n < WEBHOOKS; n++) webhookIds.push((await addWebhook(store, records.webhook(projectId))).id);
	const deliveryIds: string[] = [];
	const eventIds: string[] = [];
	const webhookAt = (index: number) => webhookIds[index] ?? "";
	const deliveryAt = (index: number) => deliveryIds[index % Math.max(1, deliveryIds.length)] ?? null;
	const claim = (index: number, limit: number, maxBytes: number) =>
		world.claim({ webhookId: webhookAt(index), limit, maxBytes, leaseUntil: records.now + LEASE_MS });
	const setStatus = async (index: number, status: "Paused" | "Enabled") => {
		const record = (await allWebhooks(store)).find(({ id }) => id === webhookAt(index));
		if (record !== undefined) await changeWebhook(store, record, { status });
	};

	const calls: { readonly [Name in Step["do"]]: (made: Step & { readonly do: Name }) => Promise<unknown> } = {
		accept({ leased }) {
			const event = records.event(projectId, { webhookIds: leased.map(([index]) => webhookAt(index)) });
			const deliveries = event.deliveries.map((delivery, index) => ({
				...delivery,
				state: newDelivery(records.now, leased[index]?.[1] === true ? records.now + LEASE_MS : null),
			}));
			deliveryIds.push(...deliveries.map(({ id }) => id));
			eventIds.push(event.event.id);
			return store.commit({ events: [{ ...event, deliveries }], updates: [] });
		},
		claim: ({ webhook: index, limit, bodies }) => claim(index, limit, bodies * BODY_BYTES),
		success: ({ place: at }) => changed(at, (id) => records.outcome(id, 1)),
		failure: ({ place: at }) => changed(at, (id) => records.failure(id, 1)),
		release: ({ place: at }) => changed(at, (id) => records.change(id, { type: "release" })),
		cancel: ({ place: at }) => changed(at, (id) => records.cancel(id)),
		async renew({ place: at }) {
			const id = deliveryAt(at);
			if (id !== null) await store.renewLeases([id], records.now + 2 * LEASE_MS);
		},
		async erase({ place: at }) {
			const eventId = eventIds[at % Math.max(1, eventIds.length)];
			const options = { reason: "erased", at: records.now, limit: 1, entry: null };
			if (eventId !== undefined) await store.erasePayload(scope, eventId, options);
		},
		pause: ({ webhook: index }) => setStatus(index, "Paused"),
		resume: ({ webhook: index }) => setStatus(index, "Enabled"),
		sweep: ({ webhook: index }) => store.sweepWebhook(webhookAt(index), records.now, 2),
		wait({ ms }) {
			records.now += ms;
			return Promise.resolve();
		},
		"take over": () => store.takeOver(null),
	};
	const changed = async (at: number, updateOf: (id: string) => DeliveryUpdate) => {
		const id = deliveryAt(at);
		if (id !== null) await update(updateOf(id));
	};

	for (const [made, failsAtCommit] of steps) {
		const call = calls[made.do] as (made: Step) => Promise<unknown>;
		commits.fails = failsAtCommit;
		await call(made).catch(() => {});
		commits.fails = false;
		expect(checks.invariants.broken(), `after ${made.do}`).toEqual([]);
	}
	// Whatever still waits is found, once no lease lasts any more.
	for (let index = 0; index < WEBHOOKS; index++) {
		await setStatus(index, "Enabled");
		while (!(await store.sweepWebhook(webhookAt(index), records.now, 100)).done);
	}
	records.now += 60_000;
	for (let index = 0; index < WEBHOOKS; index++) {
		// A claim may only have cancelled those whose payload was erased.
		for (let dueAt: number | null = records.now; dueAt !== null && dueAt <= records.now;) {
			const { deliveries, nextDueAt } = await claim(index, 3, Infinity);
			await update(...deliveries.map(({ id, attemptCount }) => records.outcome(id, attemptCount + 1)));
			dueAt = nextDueAt;
		}
	}
	expect(checks.invariants.broken()).toEqual([]);
	expect(checks.countOpen()).toBe(0);
}

it.each([0, 1, Infinity])("holds in any order of calls, with rows listed after %d ms", async (listAfterMs) => {
	const histories = await openHistories(listAfterMs);
	await fc.assert(
		fc.asyncProperty(history, (steps) => play(steps, histories)),
		// The histories share the store, so that one that failed is not made shorter.
		{ numRuns: runs(20), endOnFailure: true },
	);
	await histories.world.store.close();
});
