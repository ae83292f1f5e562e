// Whole engines with NATS beside their database: deliveries are handed to their owners at once, and none is lost or repeated when NATS dies, is cut
// off from one of them, or stands still.
import { natsIssue, startNats, type NatsServer } from "@fanfare/testkit/programs/nats";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { NetworkLink } from "@fanfare/testkit/world/network-link";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";

import { eventually } from "../../engine/test/test-engine.ts";
import type { WireCounts } from "../../ports/wire.ts";
import { describeOnPostgres } from "../postgres/test/on-postgres.ts";
import { TestProcess } from "../postgres/test/test-process.ts";

const WAIT = { interval: 20 };
const WEBHOOKS = 8;

describeOnPostgres("engines with NATS", { otherIssue: natsIssue() }, (database) => {
	let nats: NatsServer;
	let receiver: Receiver;
	const opened: AsyncDisposable[] = [];
	beforeAll(async () => {
		nats = await startNats();
	});
	afterAll(() => nats?.[Symbol.asyncDispose]());
	beforeEach(async () => {
		await database.openEmpty();
		receiver = await startReceiver();
		opened.push(receiver);
	});
	afterEach(async () => {
		for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
	});

	/** Two processes, each with half of the shards and its own link to NATS, and webhooks of both. */
	const startTwo = async (findEveryMs: number | null = 400) => {
		const links = [await NetworkLink.open(nats.url), await NetworkLink.open(nats.url)] as const;
		opened.push(...links);
		const start = async (link: NetworkLink) => {
			const started = await TestProcess.start(database.url, { findEveryMs }, "all", link.url);
			opened.push(started);
			return started;
		};
		const [a, b] = await Promise.all([start(links[0]), start(links[1])]);
		await expect.poll(() => [a, b].map(({ member }) => member.tenure.shards()?.length), WAIT).toEqual([128, 128]);
		const ids: string[] = [];
		while (ids.length < WEBHOOKS) ids.push((await a.createWebhook(receiver.url)).id);
		const owner = (id: string) => [a, b].find(({ member }) => member.tenure.holds(id));
		await eventually("both to hand off", async () =>
			ids.every((id) =>
				[a, b].every(({ member }) => {
					const place = member.tenure.placeOf(id);
					return place !== null && member.wire.reaches(place, 100);
				}),
			),
		);
		return { a, b, links, ids, owner };
	};
	const drained = ({ store }: TestProcess) =>
		eventually("no delivery waits", async () => (await store.countOpen()).Pending === 0);
	/** Each event came to each webhook once. */
	const eachOnce = (events: number) => {
		const counts = Object.values(Object.groupBy(receiver.requests, ({ headers }) => String(headers["webhook-id"])));
		expect(counts.map((requests) => requests?.length)).toEqual(Array.from({ length: events }, () => WEBHOOKS));
	};

	it("deliver at once what another process has accepted", async () => {
		// Nobody looks for deliveries of others.
		const { a, b, ids } = await startTwo(null);
		for (let n = 0; n < 10; n++) await Promise.all([a.send(), b.send()]);
		await drained(a);
		eachOnce(20);
		for (const each of [a, b]) {
			expect(each.attempted).toEqual(new Set(ids.filter((id) => each.member.tenure.holds(id))));
			expect(each.observer.problems).toEqual([]);
		}
		const [handedA, handedB] = [a.member.nats!.counts(), b.member.nats!.counts()];
		const foreign = ids.filter((id) => b.member.tenure.holds(id)).length;
		// A machine that is too busy keeps a process from being heard for a while, or from taking what was handed to it in time. Then the
		// owner is told of the delivery instead, or has missed it and looks for it.
		const hasCome = (webhooks: number, from: WireCounts, to: WireCounts) =>
			from.handedOff <= 10 * webhooks &&
			(from.handedOff > 0 || webhooks === 0) &&
			(to.handedOver === from.handedOff || to.missed > 0);
		expect(hasCome(foreign, handedA, handedB)).toBe(true);
		expect(hasCome(WEBHOOKS - foreign, handedB, handedA)).toBe(true);
	});

	it("find what was under way when NATS died, go on without it, and hand off again when it is back", async () => {
		const { a, b } = await startTwo();
		// Killed before it can pass on the hints of the first ones.
		nats.suspend();
		await Promise.all([a.send(), b.send()]);
		await nats.kill();
		await Promise.all([a.send(), b.send()]);
		await drained(a);
		eachOnce(4);
		await nats.start();
		const before = b.member.nats!.counts().handedOver;
		await expect
			.poll(async () => {
				await a.send();
				return b.member.nats!.counts().handedOver > before;
			}, WAIT)
			.toBe(true);
		await drained(a);
		eachOnce(new Set(receiver.requests.map(({ headers }) => headers["webhook-id"])).size);
	});

	it("deliver everything while one of them is cut off from NATS", async () => {
		const { a, b, links } = await startTwo();
		links[1].silence();
		let events = 0;
		for (; events < 10 || a.member.nats!.counts().isUp === b.member.nats!.counts().isUp; events += 2) {
			await Promise.all([a.send(), b.send()]);
		}
		await drained(a);
		eachOnce(events);
		// What was on its way comes late, and changes nothing.
		links[1].reopen();
		await eventually("both to hear each other", () => b.member.nats!.counts().isUp);
		await Promise.all([a.send(), b.send()]);
		await drained(a);
		eachOnce(events + 2);
	});
});
