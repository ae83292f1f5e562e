// Several whole engines on one database: every delivery is made once, whoever accepts the event, and none is lost.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { Change } from "../../../engine/calls.ts";
import { changeIn, eventually } from "../../../engine/test/test-engine.ts";
import { ANY_DELIVERY } from "../../../ports/contract/store/records/records.ts";
import type { LoggedDelivery } from "../../../ports/store/log.ts";
import { TestProcess } from "../test/test-process.ts";
import { TestDatabase } from "../test/test-store.ts";

const issue = postgresIssue();
const WAIT = { interval: 20 };
const WEBHOOKS = 12;
/** How many deliveries wait at most before the next event is sent, so that a slow machine is not given more than it can do. */
const MOST_WAITING = 3_000;

describe.skipIf(issue !== null)(`engines on PostgreSQL${issue === null ? "" : ` (${issue})`}`, () => {
	let database: TestDatabase;
	let receiver: Receiver;
	let processes: TestProcess[] = [];
	beforeAll(async () => {
		database = await TestDatabase.create(["max_connections = 200"]);
	});
	afterAll(() => database[Symbol.asyncDispose]());
	beforeEach(async () => {
		await database.openEmpty();
		receiver = await startReceiver();
	});
	afterEach(async () => {
		await Promise.all(processes.splice(0).map((each) => each[Symbol.asyncDispose]()));
		await receiver[Symbol.asyncDispose]();
	});

	/** Starts processes at once, and waits until each has its share. */
	const start = async (count: number): Promise<TestProcess[]> => {
		const started = await Promise.all(Array.from({ length: count }, () => TestProcess.start(database.url)));
		processes = [...processes, ...started];
		await isShared(processes);
		return started;
	};
	const isShared = async (live: readonly TestProcess[]) => {
		const shares = () => live.map(({ member }) => member.tenure.shards()?.length ?? 0);
		const isFair = () => Math.min(...shares()) >= Math.floor(256 / live.length);
		await expect.poll(isFair, WAIT).toBe(true);
	};
	const createWebhooks = async (by: TestProcess): Promise<string[]> => {
		const ids: string[] = [];
		for (let index = 0; index < WEBHOOKS; index++) ids.push((await by.createWebhook(receiver.url)).id);
		return ids;
	};
	/** Events that processes send, one after the other, while `sending.isOn`. */
	const load = () => {
		const accepted = new Set<string>();
		const sending = { isOn: true };
		const hasRoom = () => accepted.size * WEBHOOKS - receiver.requests.length < MOST_WAITING;
		const send = async (by: TestProcess) => {
			while (sending.isOn) {
				accepted.add(await by.send());
				if (!hasRoom()) await expect.poll(() => hasRoom() || !sending.isOn, WAIT).toBe(true);
			}
		};
		return { accepted, sending, send };
	};
	/** Of these events: how often the one was received that was received the least; and of all, how many requests were repeated. */
	const counted = (accepted: ReadonlySet<string>) => {
		const counts = new Map<string, number>();
		for (const { headers } of receiver.requests) {
			const id = String(headers["webhook-id"]);
			counts.set(id, (counts.get(id) ?? 0) + 1);
		}
		const least = Math.min(...[...accepted].map((id) => counts.get(id) ?? 0));
		const twice = [...counts.values()].reduce((sum, count) => sum + Math.max(0, count - WEBHOOKS), 0);
		return { least, twice };
	};
	const isDrained = ({ store }: TestProcess) =>
		eventually("no delivery waits", async () => {
			const { Pending, Held } = await store.countOpen();
			return Pending + Held === 0;
		});

	it("deliver each event once to each webhook, whoever accepts it and whoever made the webhook", async () => {
		const [a, b, c] = (await start(3)) as [TestProcess, TestProcess, TestProcess];
		const webhookIds = await createWebhooks(a);
		for (let round = 0; round < 10; round++) await Promise.all([a, b, c].map((each) => each.send()));
		await isDrained(a);
		expect(receiver.requests).toHaveLength(30 * WEBHOOKS);
		for (const each of [a, b, c]) {
			const held = webhookIds.filter((id) => each.member.tenure.holds(id));
			expect(each.attempted).toEqual(new Set(held));
			expect(each.observer.problems).toEqual([]);
			expect(each.member.problems).toEqual([]);
		}
		const events = new Set(receiver.requests.map(({ headers }) => headers["webhook-id"]));
		expect(events.size).toBe(30);
	});

	it("know each change in all processes when its call is answered", async () => {
		const [a, b, c] = (await start(3)) as [TestProcess, TestProcess, TestProcess];
		const statusOf = async (eventId: string) => {
			const page = await a.store.deliveries(
				changeIn(a.projectId).scope,
				{ ...ANY_DELIVERY, eventId },
				{ limit: 10, cursor: null },
			);
			return page.rows.map(({ status }) => status);
		};
		const { id } = await a.createWebhook(receiver.url);
		for (let round = 0; round < 3; round++) {
			await b.engine.webhooks.pause(changeIn(b.projectId), id);
			expect(await statusOf(await c.send())).toEqual(["Held"]);
			await c.engine.webhooks.resume(changeIn(c.projectId), id);
			await isDrained(a);
		}
		expect(receiver.requests).toHaveLength(3);
		await c.engine.webhooks.delete(changeIn(c.projectId), id);
		expect(await statusOf(await b.send())).toEqual([]);
	});

	it("attempt nothing that was cancelled or erased in another process, also if they have it in memory", async () => {
		const { promise, resolve: answerFirst } = Promise.withResolvers<object>();
		receiver.script((_request, index) => (index === 0 ? promise : {}));
		const limits = { maxInFlightPerWebhook: 1 };
		processes = [await TestProcess.start(database.url, limits), await TestProcess.start(database.url, limits)];
		await isShared(processes);
		const { id } = await processes[0]!.createWebhook(receiver.url);
		const [owner, other] = processes.toSorted((one) => (one.member.tenure.holds(id) ? -1 : 1)) as [
			TestProcess,
			TestProcess,
		];
		const first = await owner.send();
		await receiver.waitFor(1);
		const [cancelled, inBulk, erased, last] = [
			await owner.send(),
			await owner.send(),
			await owner.send(),
			await owner.send(),
		];
		expect(owner.engine.gauges().readyDeliveries).toBe(4);
		const change = changeIn(owner.projectId);
		const deliveryOf = async (eventId: string) => {
			const filter = { ...ANY_DELIVERY, eventId };
			return (await other.store.deliveries(change.scope, filter, { limit: 1, cursor: null })).rows[0]!;
		};
		await other.engine.deliveries.cancel(change, (await deliveryOf(cancelled)).id);
		await other.engine.deliveries.cancelMany(change, { ...ANY_DELIVERY, eventId: inBulk, statuses: ["Pending"] });
		await other.engine.events.erasePayload(change, erased);
		answerFirst({});
		await isDrained(owner);
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([first, last]);
	});

	const calls = {
		cancels: async ({ engine }: TestProcess, change: Change, delivery: LoggedDelivery) => {
			await engine.deliveries.cancel(change, delivery.id);
		},
		"cancels many": async ({ engine }: TestProcess, change: Change, { eventId }: LoggedDelivery) => {
			await engine.deliveries.cancelMany(change, { ...ANY_DELIVERY, eventId, statuses: ["Pending"] });
		},
		erases: async ({ engine }: TestProcess, change: Change, { eventId }: LoggedDelivery) => {
			await engine.events.erasePayload(change, eventId);
		},
	};
	it.each([
		["cancels", "goes on in time"],
		["cancels", "has lost its tenure"],
		["cancels many", "has lost its tenure"],
		["erases", "goes on in time"],
		["erases", "has lost its tenure"],
	] as const)("answer a call that %s when an owner that stood still %s", async (call, end) => {
		const { promise, resolve: answerFirst } = Promise.withResolvers<object>();
		receiver.script((_request, index) => (index === 0 ? promise : {}));
		const limits = { maxInFlightPerWebhook: 1 };
		processes = [await TestProcess.start(database.url, limits), await TestProcess.start(database.url, limits)];
		await isShared(processes);
		const { id } = await processes[0]!.createWebhook(receiver.url);
		const [owner, other] = processes.toSorted((one) => (one.member.tenure.holds(id) ? -1 : 1)) as [
			TestProcess,
			TestProcess,
		];
		await owner.send();
		await receiver.waitFor(1);
		const [ended, last] = [await owner.send(), await owner.send()];
		const change = changeIn(owner.projectId);
		const filter = { ...ANY_DELIVERY, eventId: ended };
		const { rows } = await other.store.deliveries(change.scope, filter, { limit: 1, cursor: null });
		owner.freeze();
		const answered = calls[call](other, change, rows[0]!);
		if (end === "goes on in time") {
			const unread = "SELECT count(*) AS count FROM owner_notes WHERE NOT is_done";
			const isWritten = async () => Number((await database.server.query(unread, database.url))[0]?.["count"]) > 0;
			await expect.poll(isWritten, WAIT).toBe(true);
			owner.resume();
			await answered;
		} else {
			await answered;
			const member = owner.member.memberId();
			owner.resume();
			expect(member).toBeNull();
		}
		answerFirst({});
		await isDrained(other);
		const attempted = receiver.requests.map(({ headers }) => headers["webhook-id"]);
		expect(attempted).toContain(last);
		expect(attempted).not.toContain(ended);
	});

	it("lose nothing when a process is killed, and repeat only what it had under way", async () => {
		const [a, b, c] = (await start(3)) as [TestProcess, TestProcess, TestProcess];
		await createWebhooks(a);
		const { accepted, sending, send } = load();
		const senders = [send(a), send(b)];
		// Its last send has no answer.
		send(c).catch(() => {});
		await expect.poll(() => c.observer.attempts.length, WAIT).toBeGreaterThan(50);
		c.kill();
		const underWay = c.engine.gauges().inFlightAttempts;
		const before = receiver.requests.length;
		await isShared([a, b]);
		await expect.poll(() => receiver.requests.length, WAIT).toBeGreaterThan(before + 50);
		sending.isOn = false;
		await Promise.all(senders);
		await isDrained(a);
		const { least, twice } = counted(accepted);
		expect(least).toBeGreaterThanOrEqual(WEBHOOKS);
		expect(twice).toBeLessThanOrEqual(underWay);
	});

	it("lose nothing when a process stands still for longer than its tenure, and goes on afterwards", async () => {
		const [a, b, c] = (await start(3)) as [TestProcess, TestProcess, TestProcess];
		await createWebhooks(a);
		const { accepted, sending, send } = load();
		const senders = [a, b, c].map((each) => send(each));
		await expect.poll(() => c.observer.attempts.length, WAIT).toBeGreaterThan(50);
		c.freeze();
		const underWay = c.engine.gauges().inFlightAttempts;
		await isShared([a, b]);
		const before = c.observer.attempts.length;
		c.resume();
		await isShared([a, b, c]);
		await expect.poll(() => c.observer.attempts.length, WAIT).toBeGreaterThan(before + 50);
		sending.isOn = false;
		await Promise.all(senders);
		await isDrained(a);
		const { least, twice } = counted(accepted);
		expect(least).toBeGreaterThanOrEqual(WEBHOOKS);
		expect(twice).toBeLessThanOrEqual(underWay);
		expect(c.member.notes).toEqual(["this process has lost its tenure"]);
	});

	it("lose and repeat nothing while processes join and leave", async () => {
		const [a, b] = (await start(2)) as [TestProcess, TestProcess];
		await createWebhooks(a);
		const sending = { isOn: true };
		let accepted = 0;
		const sender = (async () => {
			for (; sending.isOn; accepted++) await a.send();
		})();
		await start(1);
		await b.stop();
		processes = processes.filter((each) => each !== b);
		await isShared(processes);
		sending.isOn = false;
		await sender;
		await isDrained(a);
		expect(receiver.requests).toHaveLength(accepted * WEBHOOKS);
		await b[Symbol.asyncDispose]();
	});
});
