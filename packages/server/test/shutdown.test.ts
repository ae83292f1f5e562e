// How a server stops: it accepts nothing new, finishes the attempts in flight, and never loses an event.
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Reply } from "@fanfare/testkit/receiver";
import { SendingLoad } from "@fanfare/testkit/sending-load";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { expect, it } from "vitest";

it("after SIGTERM under load, new sends are refused, and every acknowledged event arrives exactly once", async () => {
	await using receiver = await startReceiver();
	await using server = await startServerProcess({ env: { FANFARE_MAX_IN_FLIGHT: "8" } });
	await server.createWebhook(receiver.url, { timeoutMs: 30_000 });
	const answer = Promise.withResolvers<Reply>();
	receiver.script((_request, index) => (index < 100 ? { delayMs: index % 40 } : answer.promise));
	const options = { senders: 8, pauseMs: 4, random: Math.random, persistent: false };
	await using load = new SendingLoad(server, options);
	// Some events must wait for the restart: now the receiver is slower than the senders on every machine.
	await eventually("events to wait", () => load.acknowledged.size >= 150);

	server.kill("SIGTERM");
	await server.waitForStderr(/Stopping/);
	const refused = await server.call("POST", `/projects/${server.projectId}/events`, { type: "a.b", data: 1 });
	expect(refused).toMatchObject({ status: 503, json: { code: "shutting_down" } });
	expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
	answer.resolve({});
	expect(await server.exited).toEqual({ code: 0, signal: null });
	await load.stop();
	expect(receiver.requests.length).toBeLessThan(load.acknowledged.size);

	await server.restart();
	const arrived = () => new Set(receiver.requests.map(({ headers }) => String(headers["webhook-id"])));
	await eventually("all acknowledged events to arrive", () =>
		arrived().isSupersetOf(new Set(load.acknowledged.keys())),
	);
	await eventually("all deliveries to end", async () => {
		const { data } = await server.project.deliveries.list({ status: "Pending", limit: 1 });
		return data.length === 0;
	});
	// Those whose acknowledgement was lost with the stop arrive, too.
	expect(receiver.requests, "repeats").toHaveLength(arrived().size);
	for (const { attemptCount } of await Array.fromAsync(server.project.deliveries.list())) expect(attemptCount).toBe(1);
});

it("waits for an attempt that hangs until the grace period has ended, and the attempt uses up no retry", async () => {
	await using receiver = await startReceiver();
	await using server = await startServerProcess({ env: { FANFARE_SHUTDOWN_GRACE_MS: "300" } });
	await server.createWebhook(receiver.url, { retries: { maxRetries: 0 }, timeoutMs: 30_000 });
	receiver.script(() => ({ kind: "hang" }));
	const { id } = await server.project.events.send({ type: "a.b", data: 1 });
	await receiver.waitFor(1);
	const signalledAt = performance.now();
	expect(await server.stop()).toEqual({ code: 0, signal: null });
	expect(performance.now() - signalledAt).toBeGreaterThan(300);
	receiver.script(() => ({ status: 200 }));
	await server.restart();
	const delivery = await server.waitForDelivery(id, ({ status }) => status !== "Pending");
	expect(delivery).toMatchObject({ status: "Succeeded", attemptCount: 1 });
});
