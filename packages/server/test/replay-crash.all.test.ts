// The promise of a replay, "each matching event once", with a server that is killed in the middle of one.
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { readStoredData } from "@fanfare/testkit/stored-data";
import { expect, it } from "vitest";

const EVENTS = 4_000;
const KILLS = 4;
/** The requests from a start to the kill. Together they are fewer than the events, so each kill comes in the middle of the replay. */
const KILL_AFTER_REQUESTS = 600;
const MAX_IN_FLIGHT = 16;

it("a replay continues after each SIGKILL: one delivery for each event, and only attempts in flight are repeated", async () => {
	await using receiver = await startReceiver();
	await using server = await startServerProcess({ env: { FANFARE_MAX_IN_FLIGHT: String(MAX_IN_FLIGHT) } });
	const sent = await sendAll(server);
	const webhook = await server.createWebhook(receiver.url);
	const request = { since: 0, status: ["Missed"] } as const;
	expect(await server.project.batch.webhooks.replay(webhook.id, { ...request, dryRun: true })).toMatchObject({
		count: EVENTS,
		complete: true,
	});
	const { id } = await server.project.batch.webhooks.replay(webhook.id, request);
	for (let kill = 0; kill < KILLS; kill++) {
		await receiver.waitFor(receiver.requests.length + KILL_AFTER_REQUESTS);
		server.kill("SIGKILL");
		await server.exited;
		const { integrity, deliveryCount } = readStoredData(server.dataDir);
		expect(integrity).toBe("ok");
		expect(deliveryCount, "each kill comes in the middle").toBeLessThan(EVENTS);
		await server.restart();
	}
	const replay = await server.project.replays.wait(id, { everyMs: 50 });
	expect(replay).toMatchObject({ status: "Finished", scannedCount: EVENTS, deliveryCount: EVENTS, progress: 1 });

	await eventually("all deliveries to end", async () => {
		const waiting = await server.project.deliveries.list({ status: "Pending", limit: 1 });
		return waiting.data.length === 0;
	});
	const deliveries = await Array.fromAsync(server.project.deliveries.list({ webhookId: webhook.id }));
	expect(deliveries.map(({ eventId }) => eventId).toSorted()).toEqual(sent);
	expect(new Set(deliveries.map(({ status }) => status))).toEqual(new Set(["Succeeded"]));
	const arrived = receiver.requests.map(({ headers }) => String(headers["webhook-id"]));
	expect(new Set(arrived)).toEqual(new Set(sent));
	expect(arrived.length - EVENTS, "repeats").toBeLessThanOrEqual(KILLS * MAX_IN_FLIGHT);
});

/** Sends events before there is a webhook, and returns their ids in order. */
async function sendAll(server: ServerProcess): Promise<string[]> {
	const events = Array.from({ length: EVENTS }, (_, n) => ({ type: "old", data: n }));
	const results = await server.project.events.sendBatch(events);
	return results.map(({ event }) => event?.id ?? "").toSorted();
}
