// Live streams of several processes, of which one is killed, ends or stands still: who watches is told that something may be missing.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { afterEach, beforeEach, expect, it } from "vitest";

import { projectScope } from "../../../core/access/principal.ts";
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

	it("tell that something may be missing when a process is killed, and not when it ends", async () => {
		const c = await TestProcess.start(database.url);
		const watcher = await Watcher.open(b, whole());
		await c[Symbol.asyncDispose]();
		const eventId = await a.send();
		await expect.poll(() => watcher.of("event.accepted"), WAIT).toMatchObject([{ eventId }]);
		a.kill();
		const live = async () => (await b.member.members()).filter(({ state }) => state === "live");
		await expect.poll(live, WAIT).toHaveLength(1);
		// That it is told takes longer than the farewell of the one before could have.
		expect(watcher.gaps).toEqual([]);
		await expect.poll(() => watcher.gaps, WAIT).toHaveLength(1);
		const later = await Watcher.open(b, whole(), watcher.items[0]!.id);
		await expect.poll(() => later.gaps, WAIT).toHaveLength(1);
		const newer = await b.send();
		await expect.poll(() => watcher.items.at(-1), WAIT).toMatchObject({ eventId: newer });
		const fresh = await Watcher.open(b, whole(), watcher.items.at(-1)!.id);
		await expect.poll(() => fresh.signals[0], WAIT).toMatchObject({ type: "heartbeat" });
	});

	it("tell it when the watching process has stood still, and go on then", async () => {
		const watcher = await Watcher.open(b, whole());
		b.freeze();
		await expect.poll(() => b.member.isMember(), WAIT).toBe(false);
		await a.send();
		b.resume();
		await expect.poll(() => watcher.gaps, WAIT).toHaveLength(1);
		const eventId = await a.send();
		await expect.poll(() => watcher.items.at(-1), WAIT).toMatchObject({ eventId });
	});
});
