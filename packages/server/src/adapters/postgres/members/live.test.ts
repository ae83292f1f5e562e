// Live streams in several processes: what happens in one reaches those who watch at another, and nobody misses something unknowingly.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { afterEach, beforeEach, expect, it } from "vitest";

import { customerScope, projectScope } from "../../../core/access/principal.ts";
import { changeIn, eventInput } from "../../../engine/test/test-engine.ts";
import { describeOnPostgres } from "../test/on-postgres.ts";
import { TestProcess } from "../test/test-process.ts";
import { Watcher } from "../test/watcher.ts";

const WAIT = { interval: 20 };

describeOnPostgres("live streams of several processes", (database) => {
	let receiver: Receiver;
	let a: TestProcess;
	let b: TestProcess;
	beforeEach(async () => {
		await database.openEmpty();
		receiver = await startReceiver();
		[a, b] = await Promise.all([TestProcess.start(database.url), TestProcess.start(database.url)]);
	});
	afterEach(async () => {
		await Promise.all([a, b, receiver].map((each) => each[Symbol.asyncDispose]()));
	});

	const whole = () => projectScope(a.projectId);
	const sendTo = async ({ engine }: TestProcess, customers: string | null) => {
		const { event } = await engine.intake.send(whole(), eventInput({ customers }));
		return event.id;
	};
	const isShared = () => expect.poll(() => b.member.tenure.shards()?.length, WAIT).toBe(128);

	it("show what happens at any process, once each", async () => {
		await isShared();
		for (let n = 0; n < 6; n++) await a.createWebhook(receiver.url);
		const watchers = [await Watcher.open(a, whole()), await Watcher.open(b, whole())];
		const events: string[] = [];
		for (let n = 0; n < 10; n++) events.push(await (n % 2 === 0 ? a : b).send());
		for (const watcher of watchers) {
			await expect.poll(() => watcher.of("attempt.finished").length, WAIT).toBe(60);
			await expect.poll(() => watcher.of("delivery.updated").length, WAIT).toBe(60);
			const accepted = () => watcher.of("event.accepted").flatMap((item) => ("eventId" in item ? [item.eventId] : []));
			await expect.poll(() => accepted().length, WAIT).toBe(events.length);
			expect(new Set(accepted())).toEqual(new Set(events));
			expect(watcher.signals.map(({ type }) => type)).not.toContain("gap");
		}
		const { id } = await a.createWebhook(receiver.url);
		await expect.poll(() => watchers[1]!.of("webhook.created"), WAIT).toMatchObject([{ webhookId: id }]);
	});

	it("show each thing once, also if the connections to the database are lost", async () => {
		await isShared();
		const watcher = await Watcher.open(b, whole());
		const accepted = () => watcher.of("event.accepted").map((item) => ("eventId" in item ? item.eventId : null));
		const first = await a.send();
		await expect.poll(accepted, WAIT).toEqual([first]);
		// The row is read again by the look that follows, and still there when everything is read from the start.
		await a.send();
		await expect.poll(() => accepted().length, WAIT).toBe(2);
		await database.loseConnections();
		let third: string | null = null;
		await expect.poll(async () => (third ??= await a.send().catch(() => null)), WAIT).not.toBeNull();
		await expect.poll(accepted, WAIT).toContain(third);
		expect(accepted().filter((eventId) => eventId === first)).toHaveLength(1);
	});

	it("show a customer their own alone", async () => {
		const watcher = await Watcher.open(b, customerScope(a.projectId, "acme"));
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
		const watcher = await Watcher.open(a, whole());
		const eventId = await a.send();
		await expect.poll(() => watcher.of("event.accepted"), WAIT).toMatchObject([{ eventId }]);
		// Of customers, nothing happens.
		await b.engine.live.prepare(customerScope(a.projectId, "acme"));
		await a.send();
		await expect.poll(() => watcher.items, WAIT).toHaveLength(2);
		const other = await Watcher.open(b, whole());
		await a.send();
		await expect.poll(() => other.items, WAIT).toHaveLength(1);
		expect(await database.count("live_facts")).toBe(1);
	});

	it("tell a client with the position of another process that it may have missed something", async () => {
		const first = await Watcher.open(a, whole());
		await a.send();
		await expect.poll(() => first.items, WAIT).toHaveLength(1);
		const next = await Watcher.open(b, whole(), first.items[0]!.id);
		await expect.poll(() => next.signals[0], WAIT).toMatchObject({ type: "gap" });
	});
});
