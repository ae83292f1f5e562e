// Live streams in several processes: what happens in one reaches those who watch at another, and nobody misses something unknowingly.
import { postgresIssue } from "@fanfare/testkit/programs/postgres";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { customerScope, projectScope, type Scope } from "../../../core/access/principal.ts";
import type { LiveItem, LiveSignal } from "../../../core/live.ts";
import type { LiveSubscription } from "../../../engine/live-calls.ts";
import { changeIn, eventInput } from "../../../engine/test/test-engine.ts";
import { TestProcess } from "../test/test-process.ts";
import { TestDatabase } from "../test/test-store.ts";

const issue = postgresIssue();
const WAIT = { interval: 20 };
const ALL = { kinds: null, customerId: null, webhookId: null, eventTypes: null };

describe.skipIf(issue !== null)(`live streams of several processes${issue === null ? "" : ` (${issue})`}`, () => {
	let database: TestDatabase;
	let receiver: Receiver;
	let a: TestProcess;
	let b: TestProcess;
	beforeAll(async () => {
		database = await TestDatabase.create();
	});
	afterAll(() => database[Symbol.asyncDispose]());
	beforeEach(async () => {
		await database.openEmpty();
		receiver = await startReceiver();
		[a, b] = await Promise.all([TestProcess.start(database.url), TestProcess.start(database.url)]);
	});
	afterEach(async () => {
		await Promise.all([a, b, receiver].map((each) => each[Symbol.asyncDispose]()));
	});

	const open = async ({ engine }: TestProcess, scope: Scope, lastEventId: string | null = null) => {
		await engine.live.prepare(scope);
		const rest = { kind: "api", principal: null, filter: ALL, abandon: () => {} } as const;
		return new Watcher(engine.live.subscribe({ ...rest, scope, lastEventId }));
	};
	const whole = () => projectScope(a.projectId);
	const sendTo = async ({ engine }: TestProcess, customers: string | null) => {
		const { event } = await engine.intake.send(whole(), eventInput({ customers }));
		return event.id;
	};
	const isShared = () => expect.poll(() => b.member.tenure.shards()?.length, WAIT).toBe(128);
	const countRows = async () =>
		Number((await database.server.query("SELECT count(*) AS count FROM live_facts", database.url))[0]?.["count"]);

	it("show what happens at any process, once each", async () => {
		await isShared();
		for (let n = 0; n < 6; n++) await a.createWebhook(receiver.url);
		const watchers = [await open(a, whole()), await open(b, whole())];
		const events: string[] = [];
		for (let n = 0; n < 10; n++) events.push(await (n % 2 === 0 ? a : b).send());
		for (const watcher of watchers) {
			await expect.poll(() => watcher.of("attempt.finished").length, WAIT).toBe(60);
			await expect.poll(() => watcher.of("delivery.updated").length, WAIT).toBe(60);
			const accepted = watcher.of("event.accepted").flatMap((item) => ("eventId" in item ? [item.eventId] : []));
			expect(accepted).toHaveLength(events.length);
			expect(new Set(accepted)).toEqual(new Set(events));
			expect(watcher.signals.map(({ type }) => type)).not.toContain("gap");
		}
		const { id } = await a.createWebhook(receiver.url);
		await expect.poll(() => watchers[1]!.of("webhook.created"), WAIT).toMatchObject([{ webhookId: id }]);
	});

	it("show each thing once, also if the connections to the database are lost", async () => {
		await isShared();
		const watcher = await open(b, whole());
		const accepted = () => watcher.of("event.accepted").map((item) => ("eventId" in item ? item.eventId : null));
		const first = await a.send();
		await expect.poll(accepted, WAIT).toEqual([first]);
		// The row is read again by the look that follows, and still there when everything is read from the start.
		await a.send();
		await expect.poll(() => accepted().length, WAIT).toBe(2);
		const lose = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fanfare'";
		await database.server.query(lose, database.url);
		let third: string | null = null;
		await expect.poll(async () => (third ??= await a.send().catch(() => null)), WAIT).not.toBeNull();
		await expect.poll(accepted, WAIT).toContain(third);
		expect(accepted().filter((eventId) => eventId === first)).toHaveLength(1);
	});

	it("show a customer their own alone", async () => {
		const watcher = await open(b, customerScope(a.projectId, "acme"));
		const settings = { key: null, name: "n", endpoint: receiver.url, description: null, eventTypes: null };
		const rest = { timeoutMs: 15_000, rateLimit: null, disableAfterMs: 0, metadata: {}, headers: {} };
		const retries = { maxRetries: 3, maxBackoffMs: 1_000 };
		for (const customerId of ["acme", "globex"]) {
			const input = { ...settings, ...rest, retries, customerId };
			await a.engine.webhooks.create(changeIn(a.projectId), input, null);
		}
		await sendTo(a, "globex");
		const eventId = await sendTo(a, "acme");
		await expect.poll(() => watcher.of("delivery.updated"), WAIT).toMatchObject([{ eventId }]);
		await expect.poll(() => watcher.of("event.accepted"), WAIT).toMatchObject([{ eventId }]);
		expect(watcher.of("webhook.created")).toHaveLength(1);
	});

	it("cost no row while nobody watches at another process", async () => {
		const watcher = await open(a, whole());
		const eventId = await a.send();
		await expect.poll(() => watcher.of("event.accepted"), WAIT).toMatchObject([{ eventId }]);
		// Of customers, nothing happens.
		await b.engine.live.prepare(customerScope(a.projectId, "acme"));
		await a.send();
		await expect.poll(() => watcher.items, WAIT).toHaveLength(2);
		const other = await open(b, whole());
		await a.send();
		await expect.poll(() => other.items, WAIT).toHaveLength(1);
		expect(await countRows()).toBe(1);
	});

	it("tell a client with the position of another process that it may have missed something", async () => {
		const first = await open(a, whole());
		await a.send();
		await expect.poll(() => first.items, WAIT).toHaveLength(1);
		const next = await open(b, whole(), first.items[0]!.id);
		await expect.poll(() => next.signals[0], WAIT).toMatchObject({ type: "gap" });
	});

	it("tell that something may be missing when a process is killed, and not when it ends", async () => {
		const c = await TestProcess.start(database.url);
		const watcher = await open(b, whole());
		await c[Symbol.asyncDispose]();
		const eventId = await a.send();
		await expect.poll(() => watcher.of("event.accepted"), WAIT).toMatchObject([{ eventId }]);
		a.kill();
		const live = async () => (await b.member.members()).filter(({ state }) => state === "live");
		await expect.poll(live, WAIT).toHaveLength(1);
		// That it is told takes longer than the farewell of the one before could have.
		expect(watcher.gaps).toEqual([]);
		await expect.poll(() => watcher.gaps, WAIT).toHaveLength(1);
		const later = await open(b, whole(), watcher.items[0]!.id);
		await expect.poll(() => later.gaps, WAIT).toHaveLength(1);
		const newer = await b.send();
		await expect.poll(() => watcher.items.at(-1), WAIT).toMatchObject({ eventId: newer });
		const fresh = await open(b, whole(), watcher.items.at(-1)!.id);
		await expect.poll(() => fresh.signals[0], WAIT).toMatchObject({ type: "heartbeat" });
	});

	it("tell it when the watching process has stood still, and go on then", async () => {
		const watcher = await open(b, whole());
		b.freeze();
		await expect.poll(() => b.member.isMember(), WAIT).toBe(false);
		await a.send();
		b.resume();
		await expect.poll(() => watcher.gaps, WAIT).toHaveLength(1);
		const eventId = await a.send();
		await expect.poll(() => watcher.items.at(-1), WAIT).toMatchObject({ eventId });
	});
});

/** Reads a stream as it comes. */
class Watcher {
	readonly signals: LiveSignal[] = [];

	constructor(subscription: LiveSubscription) {
		void this.#read(subscription);
	}

	async #read(subscription: LiveSubscription): Promise<void> {
		for (let read = await subscription.next(); read !== null; read = await subscription.next()) {
			this.signals.push(...read);
		}
	}

	get items(): LiveItem[] {
		return this.signals.flatMap((signal) => (signal.type === "item" ? [signal.item] : []));
	}

	get gaps(): LiveSignal[] {
		return this.signals.filter(({ type }) => type === "gap");
	}

	of(kind: LiveItem["kind"]): LiveItem[] {
		return this.items.filter((item) => item.kind === kind);
	}
}
