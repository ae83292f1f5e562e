// The contract of the log slice: what is kept beside events and attempts, and deliveries in the order of their changes.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
import type { PageRequest } from "../../../core/page.ts";
import type { WebhookRecord } from "../../store/directory.ts";
import type { ChangeFilter } from "../../store/log.ts";
import { ANY_CHANGE } from "./records/logged.ts";
import {
	changeWebhook,
	fillStore,
	GONE,
	NEWEST,
	setWebhook,
	type CurrentStore,
	type Reopen,
	type World,
} from "./records/records.ts";
import { DAY_MS } from "./records/two-days.ts";
import { allWebhooks } from "./records/webhooks.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** `reopen` is null if the data of the store ends with it. */
export function describeDetails(current: CurrentStore, reopen: Reopen | null): void {
	describeEvents(current);
	describeAttemptDetails(current);
	describe("endpoints", () => {
		describeEndpoints(current);
	});
	describe("changed deliveries", () => {
		describeChangedDeliveries(current, reopen);
	});
}

function describeEvents(current: CurrentStore): void {
	it("keeps the idempotency key, whom the sender named and the trace as long as the event", async () => {
		const { store, records, projectId, scope, purge, addProject } = await fillStore(current());
		const all = [
			{ key: "ünique", targets: "webhooks", traceparent: TRACEPARENT },
			{ targets: "nobody" },
			{ key: "two" },
			{},
		] as const;
		const ids: string[] = [];
		for (const options of all) {
			const event = records.event(projectId, options);
			await store.commit({ events: [event], updates: [] });
			ids.push(event.event.id);
		}
		await store.forgetIdempotencyKeys(records.now + DAY_MS, 100);
		expect(await Promise.all(ids.map((id) => store.eventDetails(scope, id)))).toEqual([
			{ idempotencyKey: "ünique", targets: "webhooks", traceparent: TRACEPARENT },
			{ idempotencyKey: null, targets: "nobody", traceparent: null },
			{ idempotencyKey: "two", targets: "everyone", traceparent: null },
			{ idempotencyKey: null, targets: "everyone", traceparent: null },
		]);
		const other = await addProject();
		expect(await store.eventDetails(projectScope(other.id), ids[0] ?? "")).toBeNull();
		await purge("purgeEvents", records.now + DAY_MS);
		expect(await store.eventDetails(scope, ids[0] ?? "")).toBeNull();
	});
}

function describeAttemptDetails(current: CurrentStore): void {
	it("keeps what is known of an attempt's connection, whatever parts of it are missing", async () => {
		const { store, scope, accept, update, records } = await fillStore(current());
		const maybe = (value: fc.Arbitrary<number>) => fc.option(value);
		const ms = fc.nat(30_000);
		const connection = fc.record({
			remoteAddress: fc.option(fc.constantFrom("203.0.113.7", "2001:db8::1")),
			certificateExpireDate: fc.option(fc.nat(4_000_000_000).map((seconds) => seconds * 1_000)),
			opening: fc.option(fc.record({ lookupMs: maybe(ms), connectMs: maybe(ms), tlsMs: maybe(ms) })),
		});
		const changes = fc.record({
			failure: fc.constantFrom(
				{ error: null, cause: "status_5xx" as const },
				{ error: "timeout", cause: "tls_timeout" as const },
				{ error: "tls", cause: "certificate_expired" as const },
			),
			webhookRevision: maybe(fc.nat(1_000)),
			firstByteMs: maybe(ms),
			connection: fc.option(connection),
			response: fc.option(fc.constant({ headers: {}, body: "", bodyTruncated: false })),
		});
		await fc.assert(
			fc.asyncProperty(changes, async ({ failure, ...others }) => {
				const details = { ...others, ...failure };
				const [id = ""] = await accept();
				const outcome = records.failure(id, 1);
				await update(
					{ ...outcome, attempt: records.attempt(1, { ...details, responseCode: 500 }) },
					records.failure(id, 2),
				);
				const { rows } = await store.attempts(scope, id, NEWEST);
				expect(rows.at(-1)).toMatchObject(details);
			}),
			{ numRuns: runs(20) },
		);
	});
}

function describeEndpoints(current: CurrentStore): void {
	/** Changes the first webhook. Returns its record. */
	async function change({ store, webhookId, records }: World, changes: Partial<WebhookRecord>): Promise<WebhookRecord> {
		records.now += 10;
		await setWebhook(store, webhookId, { updateDate: records.now, ...changes });
		const [record] = await store.webhookRecords([webhookId]);
		if (record === undefined) throw new Error("the webhook is missing");
		return record;
	}

	/** Commits an attempt of a new delivery that names a revision. Returns the id of the delivery. */
	async function attempted({ accept, update, records }: World, webhookRevision: number): Promise<string> {
		const [id = ""] = await accept();
		await update({ ...records.outcome(id, 1), attempt: records.attempt(1, { webhookRevision }) });
		return id;
	}

	async function endpointOf({ store, scope }: World, deliveryId: string): Promise<string | null | undefined> {
		return (await store.attempts(scope, deliveryId, NEWEST)).rows[0]?.endpoint;
	}

	it("shows with each attempt the endpoint that the webhook had then, if it is one of the 100 newest", async () => {
		const world = await fillStore(current());
		const [first] = await allWebhooks(world.store);
		const paused = await change(world, { status: "Paused" });
		const moved = await change(world, { endpoint: "https://two.example/", status: "Enabled" });
		const renamed = await change(world, { name: "other" });
		const back = await change(world, { endpoint: first?.endpoint ?? "" });
		const revisions = [first?.revision ?? 0, paused.revision, moved.revision, renamed.revision, back.revision];
		const ids = await Promise.all(revisions.map((revision) => attempted(world, revision)));
		const [one, two] = ["https://example.com/hook", "https://two.example/"];
		expect(await Promise.all(ids.map((id) => endpointOf(world, id)))).toEqual([one, one, two, two, one]);
		const before = await attempted(world, (first?.revision ?? 0) - 1);
		expect(await endpointOf(world, before)).toBeNull();

		let record = back;
		const many = [record.revision];
		for (let n = 1; n <= 120; n++) {
			record = await changeWebhook(world.store, record, { endpoint: `https://e.example/${n}` });
			many.push(record.revision);
		}
		const shown = [20, 21, 120].map(async (n) => endpointOf(world, await attempted(world, many[n] ?? 0)));
		expect(await Promise.all(shown)).toEqual([null, "https://e.example/21", "https://e.example/120"]);
	});

	it("forgets an endpoint when every event of the project is newer, and keeps the newest", async () => {
		const world = await fillStore(current());
		const { store, records, projectId } = world;
		const [first] = await allWebhooks(store);
		const old = await attempted(world, first?.revision ?? 0);
		const moved = await change(world, { endpoint: "https://two.example/" });
		records.now += 2 * DAY_MS;
		const recent = await attempted(world, moved.revision);
		expect(await store.purgeDeletedWebhooks(null, 100, Infinity)).toBeNull();
		expect(await endpointOf(world, old)).toBe("https://example.com/hook");
		const step = { projectId, at: records.now, before: records.now - DAY_MS, after: null, limit: 100 };
		await store.purgeEvents(step);
		await store.purgeDeletedWebhooks(null, 100, Infinity);
		expect(await endpointOf(world, recent)).toBe("https://two.example/");
		const stray = await attempted(world, first?.revision ?? 0);
		expect(await endpointOf(world, stray)).toBeNull();
		await store.purgeEvents({ ...step, at: records.now + 1, before: records.now + 1 });
		await store.purgeDeletedWebhooks(null, 100, Infinity);
		expect(await endpointOf(world, await attempted(world, moved.revision))).toBe("https://two.example/");
	});
}

const FAILED: ChangeFilter = { ...ANY_CHANGE, statuses: ["Failed"] };

function describeChangedDeliveries(current: CurrentStore, reopen: Reopen | null): void {
	/** Makes a delivery Failed. */
	async function fail({ update, records }: World, id: string): Promise<void> {
		records.now += 1;
		await update(records.outcome(id, 1, GONE));
	}

	async function list(world: World, filter: Partial<ChangeFilter> = {}): Promise<string[]> {
		const { rows } = await current().changedDeliveries(world.scope, { ...FAILED, ...filter }, NEWEST);
		return rows.map(({ delivery }) => delivery.id);
	}

	it("lists the deliveries of a status, of a webhook and since a date, those that changed last first", async () => {
		const world = await fillStore(current(), 2);
		const { update, records, scope, store, accept, webhookIds, addProject } = world;
		const [a = "", b = "", c = "", d = ""] = await world.acceptMany(4);
		for (const id of [c, a, d]) await fail(world, id);
		expect(await list(world)).toEqual([d, a, c]);
		// Untried deliveries have not changed.
		expect(await list(world, { statuses: ["Pending"] })).toEqual([]);
		await update(records.failure(b, 1));
		await update(records.retry(a));
		expect(await list(world, { statuses: ["Pending"] })).toEqual([a, b]);
		expect(await list(world)).toEqual([d, c]);
		await update(records.outcome(a, 2));
		expect(await list(world, { statuses: ["Pending"] })).toEqual([b]);
		const { rows } = await store.changedDeliveries(scope, FAILED, NEWEST);
		const found = [await store.delivery(scope, d), await store.delivery(scope, c)];
		expect(rows.map(({ delivery }) => delivery)).toEqual(found);

		const later = [...(await accept({ webhookIds })), ...(await accept({ webhookIds }))];
		for (const id of later.toReversed()) await fail(world, id);
		const since = (await store.delivery(scope, later[1] ?? ""))?.updateDate ?? 0;
		expect(await list(world, { updatedAfter: since })).toEqual(later.slice(0, 2));
		expect(await list(world, { updatedAfter: records.now + 1 })).toEqual([]);
		expect(await list(world, { webhookId: webhookIds[1] ?? "" })).toEqual([later[1], later[3]]);
		expect(await list(world, { webhookId: records.ids.make("webhook", records.now) })).toEqual([]);
		const other = await addProject();
		expect((await store.changedDeliveries(projectScope(other.id), FAILED, NEWEST)).rows).toEqual([]);
	});

	it("pages in both directions, and shows a delivery that changes meanwhile at the newer end", async () => {
		const world = await fillStore(current());
		const { store, scope, update, records } = world;
		const ids = await world.acceptMany(9);
		for (const id of ids) await fail(world, id);
		const newest = ids.toReversed();
		const read = async (limit: number, direction: "older" | "newer" | null, id = "") => {
			const cursor = direction === null ? null : { direction, id };
			const { rows, hasNewer, hasOlder } = await store.changedDeliveries(scope, FAILED, { limit, cursor });
			return { edges: [hasNewer, hasOlder], ids: rows.map(({ delivery }) => delivery.id), rows };
		};
		const first = await read(4, null);
		expect(first).toMatchObject({ ids: newest.slice(0, 4), edges: [false, true] });
		const [top = "", last = ""] = [first.rows[0]?.position, first.rows.at(-1)?.position];
		const second = await read(4, "older", last);
		expect(second).toMatchObject({ ids: newest.slice(4, 8), edges: [true, true] });
		const oldest = second.rows.at(-1)?.position ?? "";
		expect(await read(4, "older", oldest)).toMatchObject({ ids: newest.slice(8), edges: [true, false] });
		expect(await read(3, "newer", oldest)).toMatchObject({ ids: newest.slice(4, 7), edges: [true, true] });
		// The row of the cursor itself counts as one on its other side.
		expect(await read(1, "older", top)).toMatchObject({ ids: [newest[1]], edges: [true, true] });
		// The one of the cursor fails again.
		await update(records.retry(newest[3] ?? ""));
		records.now += 1;
		await update(records.failureByHand(newest[3] ?? "", 2));
		expect(await read(4, "older", last)).toMatchObject({ ids: newest.slice(4, 8), edges: [true, true] });
		expect(await read(1_000, "newer", top)).toMatchObject({ ids: [newest[3]], edges: [false, true] });
		expect(await read(2, "older", "nonsense")).toMatchObject({ ids: [newest[3], newest[0]] });
	});

	it("goes on from a row that was deleted meanwhile, in both directions", async () => {
		const world = await fillStore(current());
		const { store, scope, records } = world;
		const [a = "", b = ""] = await world.acceptMany(2);
		records.now += 2 * DAY_MS;
		const before = records.now;
		const [c = "", d = "", e = "", f = ""] = await world.acceptMany(4);
		for (const id of [c, a, d, b, e, f]) await fail(world, id);
		const read = async (request: PageRequest) => {
			const { rows, hasNewer, hasOlder } = await store.changedDeliveries(scope, FAILED, request);
			return { ids: rows.map(({ delivery }) => delivery.id), hasNewer, hasOlder };
		};
		const { rows } = await store.changedDeliveries(scope, FAILED, NEWEST);
		expect(rows.map(({ delivery }) => delivery.id)).toEqual([f, e, b, d, a, c]);
		const [, , atB = "", , atA = ""] = rows.map(({ position }) => position);
		await world.purge("purgeEvents", before);
		expect(await read(NEWEST)).toEqual({ ids: [f, e, d, c], hasNewer: false, hasOlder: false });
		const older = (id: string, limit: number) => read({ limit, cursor: { direction: "older", id } });
		const newer = (id: string, limit: number) => read({ limit, cursor: { direction: "newer", id } });
		expect(await older(atB, 3)).toEqual({ ids: [d, c], hasNewer: true, hasOlder: false });
		expect(await older(atB, 1)).toEqual({ ids: [d], hasNewer: true, hasOlder: true });
		expect(await older(atA, 3)).toEqual({ ids: [c], hasNewer: true, hasOlder: false });
		expect(await newer(atB, 3)).toEqual({ ids: [f, e], hasNewer: false, hasOlder: true });
		expect(await newer(atA, 2)).toEqual({ ids: [e, d], hasNewer: true, hasOlder: true });
	});

	it.skipIf(reopen === null)("keeps the order if the clock is set back, also across a restart", async () => {
		const world = await fillStore(current());
		const [a = "", b = "", c = ""] = await world.acceptMany(3);
		await fail(world, b);
		world.records.now -= DAY_MS;
		await current().commit({ events: [], updates: [world.records.outcome(a, 1, GONE)] });
		await reopen?.();
		world.records.now -= DAY_MS;
		await current().commit({ events: [], updates: [world.records.outcome(c, 1, GONE)] });
		expect(await list(world)).toEqual([c, a, b]);
		expect(await list(world, { updatedAfter: world.records.now + 1 })).toEqual([a, b]);
	});
}
