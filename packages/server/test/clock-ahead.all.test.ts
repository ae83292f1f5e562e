// A clock that was ahead, is put right, and the server is started again: what is sent then has the right date everywhere.
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { ControlledWorld, PRELOAD } from "@fanfare/testkit/world/controlled-world";
import { describe, expect, it } from "vitest";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const COUNT = 4;

/** Sends events and waits until all of them are delivered. Returns their ids, in the order in which they were sent. */
async function sendAll(server: ServerProcess, receiver: Receiver): Promise<string[]> {
	const before = receiver.requests.length;
	const ids: string[] = [];
	for (let n = 0; n < COUNT; n++) ids.push((await server.project.events.send({ type: "order.paid", data: n })).id);
	await receiver.waitFor(before + COUNT);
	for (const id of ids) await server.waitForDelivery(id, ({ status }) => status === "Succeeded");
	return ids;
}

describe.each([
	["stopped", "SIGTERM"],
	["killed", "SIGKILL"],
] as const)("after a process whose clock was six hours ahead was %s, and the clock is right again", (_, signal) => {
	it("events show in lists by time, in stats and in replays at once", async () => {
		await using receiver = await startReceiver();
		const world = new ControlledWorld();
		world.offsetMs = 6 * HOUR;
		const options = { preload: [PRELOAD], onMessage: world.onMessage, env: world.env };
		await using server = await startServerProcess(options);
		const webhook = await server.createWebhook(receiver.url);
		const early = await sendAll(server, receiver);
		server.kill(signal);
		world.offsetMs = 0;
		await server.restart(world.env);

		const since = Date.now();
		const sent = await sendAll(server, receiver);
		const { project } = server;
		// Its end is later than the end of this test on any machine, and earlier than the dates that are ahead.
		const range = { after: since, before: Date.now() + HOUR };
		const newestFirst = sent.toReversed();

		// Lists by time, on one page and page by page in both directions. The former events are at the dates that they got.
		const { events, deliveries } = project;
		const listed = (await events.list(range)).data;
		expect(listed.map(({ id }) => id)).toEqual(newestFirst);
		for (const { createDate } of listed) expect(createDate).toBeGreaterThanOrEqual(since);
		expect((await deliveries.list(range)).data.map(({ eventId }) => eventId)).toEqual(newestFirst);
		const byTwo = await events.list({ ...range, limit: 2 });
		const second = await events.list({ ...range, limit: 2, page: byTwo.nextPage! });
		expect([byTwo.data, second.data].map((page) => page.map(({ id }) => id))).toEqual([
			newestFirst.slice(0, 2),
			newestFirst.slice(2),
		]);
		const back = await events.list({ ...range, limit: 2, page: second.prevPage! });
		expect(back.data.map(({ id }) => id)).toEqual(newestFirst.slice(0, 2));
		const ahead = { after: range.before };
		expect((await events.list(ahead)).data.map(({ id }) => id)).toEqual(early.toReversed());
		expect((await deliveries.list(ahead)).data.map(({ eventId }) => eventId)).toEqual(early.toReversed());
		// Without a range, the order is that of the sends.
		expect((await events.list()).data.map(({ id }) => id)).toEqual([...early, ...sent].toReversed());

		// Stats: until now, that is in the minutes that have passed.
		const from = since - (since % MINUTE);
		for (const stats of [
			await project.stats({ width: "minute", from }),
			await project.batch.webhooks.stats(webhook.id, { width: "minute", from }),
		]) {
			expect(stats.totals).toMatchObject({ accepted: COUNT, succeeded: COUNT });
		}

		// A replay of the last minutes sends exactly these events again.
		const last = { since, status: ["Succeeded"] } as const;
		const { count } = await project.batch.webhooks.replay(webhook.id, { ...last, dryRun: true });
		expect(count).toBe(COUNT);
		const before = receiver.requests.length;
		const replay = await project.batch.webhooks.replay(webhook.id, last);
		await receiver.waitFor(before + COUNT);
		await eventually("the replay to end", async () => (await project.replays.get(replay.id)).status !== "Running");
		expect(await project.replays.get(replay.id)).toMatchObject({ status: "Finished", deliveryCount: COUNT });
		const again = receiver.requests.slice(before).map(({ headers }) => String(headers["webhook-id"]));
		expect(again.toSorted()).toEqual(sent.toSorted());

		// The audit log, too.
		const audited = (await server.client.audit.list(range)).data.map(({ action }) => action);
		expect(audited).toEqual(["replay.create"]);
	});
});
