// Calls that projects make take turns for the connections: whom they wait for, and who never waits for them.
import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import type pg from "pg";
import { afterEach, beforeEach, expect, it } from "vitest";

import { customerScope, projectScope, type Scope } from "../../../core/access/principal.ts";
import {
	addWebhook,
	ANY_DELIVERY,
	fillStore,
	NEWEST,
	type World,
} from "../../../ports/contract/store/records/records.ts";
import { systemClock } from "../../system/system-clock.ts";
import { openPostgres, type OpenedPostgres } from "../postgres-store.ts";
import { describeOnPostgres } from "../test/on-postgres.ts";

/** Opens a store whose calls wait for locks and for their turn as long as a test takes on a busy machine, not five seconds. */
function openPatient(url: string): Promise<OpenedPostgres> {
	const timeouts = { connectTimeoutMs: DEADLINE_MS, statementTimeoutMs: DEADLINE_MS };
	return openPostgres({ url, clock: systemClock, lockTimeoutMs: DEADLINE_MS, ...timeouts });
}

describeOnPostgres("a project that wants very much at once", (test) => {
	let world: World;
	/** Somebody who holds a lock. */
	let blocker: pg.Client;
	beforeEach(async () => {
		await test.openEmpty();
		const { store } = await openPatient(test.url);
		world = await fillStore(store);
		blocker = await test.connect();
	});
	afterEach(async () => {
		await blocker.end();
		await world.store.close();
	});
	const waiting = () => test.lockWaits();

	it("leaves connections to the lists of others, and one to what the engine reads, however long its lists take", async () => {
		const { store, records, scope } = world;
		const list = (of: Scope) => store.deliveries(of, ANY_DELIVERY, NEWEST);
		await blocker.query("BEGIN; LOCK TABLE deliveries");
		const lists = Array.from({ length: 10 }, () => list(scope));
		await expect.poll(waiting).toBe(2);
		const others = Array.from({ length: 5 }, () => projectScope(records.project().id));
		const [first = scope] = others;
		expect((await store.eventTypes(first, null, NEWEST)).rows).toEqual([]);
		lists.push(...others.map(list));
		await expect.poll(waiting).toBe(3);
		expect(await store.dueWebhooks(null)).toEqual([]);
		expect(await waiting()).toBe(3);
		await blocker.query("COMMIT");
		expect(await Promise.all(lists)).toHaveLength(15);
	});

	it("does not delay the first send of an event type in another project, however many projects list", async () => {
		const { store, records, projectId, scope } = world;
		const other = records.project();
		await store.insertProject(other, null);
		const type = records.eventType(other.id, "a.b");
		await store.putEventType(type, { expected: null, limit: 1_000, entry: null });
		await blocker.query("BEGIN; LOCK TABLE deliveries");
		const scopes = Array.from({ length: 20 }, () => projectScope(records.project().id));
		const lists = [scope, ...scopes].map((each) => store.deliveries(each, ANY_DELIVERY, NEWEST));
		await expect.poll(waiting).toBe(3);
		// Also in a project that waits for its own list.
		for (const id of [other.id, projectId]) {
			const [found] = await store.eventTypesByName(id, ["a.b"]);
			expect(found?.projectId).toBe(id === other.id ? id : undefined);
		}
		expect(await waiting()).toBe(3);
		await blocker.query("COMMIT");
		expect(await Promise.all(lists)).toHaveLength(21);
	});

	it("leaves places and turns to the project and its other customers, however many lists a customer asks for", async () => {
		const { store, scope, projectId } = world;
		const list = (of: Scope) => store.deliveries(of, ANY_DELIVERY, NEWEST);
		// A customer's list begins with the customer's webhooks.
		await blocker.query("BEGIN; LOCK TABLE webhooks, deliveries");
		const greedy = customerScope(projectId, "greedy");
		let refused = 0;
		const lists = Array.from({ length: 300 }, () => list(greedy).catch(() => void refused++));
		await expect.poll(() => refused).toBe(300 - 2 - 192);
		const ended: string[] = [];
		const others = [scope, customerScope(projectId, "other")].map((of) => list(of).then(() => ended.push(of.kind)));
		lists.push(list(greedy).catch(() => void refused++));
		const last = lists[193]?.then(() => ended.push("greedy"));
		await blocker.query("COMMIT");
		await Promise.all([...others, last, ...lists]);
		expect(ended.at(-1)).toBe("greedy");
		expect(refused).toBe(107);
	});

	it("leaves connections to changes of others and to claims, however long its changes take", async () => {
		const { store, records, accept, projectId, webhookId } = world;
		await accept();
		const other = records.project();
		await store.insertProject(other, null);
		await blocker.query("BEGIN");
		await blocker.query("UPDATE projects SET name = name WHERE id = $1", [projectId.replace("proj_", "")]);
		const changes = Array.from({ length: 10 }, () => store.insertWebhook(records.webhook(projectId), null));
		await expect.poll(waiting).toBe(1);
		await addWebhook(store, records.webhook(other.id));
		const { now } = records;
		const claim = { webhookId, now, limit: 10, maxBytes: 1_000, leaseUntil: now + 1_000 };
		expect((await store.claimDue(claim)).deliveries).toHaveLength(1);
		expect(await waiting()).toBe(1);
		await blocker.query("COMMIT");
		expect(await Promise.all(changes)).toHaveLength(10);
	});
});
