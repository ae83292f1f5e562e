// Other ways in which a server stops: by each signal, twice, during its start, and with attempts that hang.
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;
const STOPPING = /Stopping/;
const FORCED_EXIT_CODES = { SIGTERM: 143, SIGINT: 130 } as const;

describe.each(SIGNALS)("after %s", (signal) => {
	it("a second signal stops at once, and the attempts in flight are repeated after the restart", async () => {
		await using receiver = await startReceiver();
		await using server = await startServerProcess();
		await server.createWebhook(receiver.url);
		receiver.script(() => ({ kind: "hang" }));
		const eventIds = await sendInFlight(server, receiver, 3);

		server.kill(signal);
		await server.waitForStderr(STOPPING);
		server.kill(signal);
		// If it waited for the attempts, it would end with the code 0.
		expect(await server.exited).toEqual({ code: FORCED_EXIT_CODES[signal], signal: null });

		await expectDeliveredAfterRestart(server, receiver, eventIds);
	});

	it("the grace period ends attempts that hang, without using up a retry", async () => {
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ env: { FANFARE_SHUTDOWN_GRACE_MS: "300" } });
		// Without the grace period, the server would wait for the timeout of the attempts, which then fail.
		await server.createWebhook(receiver.url, { retries: { maxRetries: 0 }, timeoutMs: 30_000 });
		receiver.script(() => ({ kind: "hang" }));
		const eventIds = await sendInFlight(server, receiver, 3);

		const signalledAt = performance.now();
		server.kill(signal);
		expect(await server.exited).toEqual({ code: 0, signal: null });
		expect(performance.now() - signalledAt).toBeGreaterThan(300);

		await expectDeliveredAfterRestart(server, receiver, eventIds);
	});
});

it("a signal during the start ends it at once, and the next start succeeds", async () => {
	using dir = new TemporaryDir();
	const dataDir = dir.join("data");
	// The store's thread sends the signal; it starts in the middle of the server's start.
	const early = `data:text/javascript,${encodeURIComponent(`
		import { isMainThread } from "node:worker_threads";
		if (!isMainThread) process.kill(process.pid, "SIGTERM");
	`)}`;
	const env = { FANFARE_PORT: "0", FANFARE_DATA_DIR: dataDir, FANFARE_SENDER_THREADS: "0" };
	const ended = await runFanfare(["serve"], { env, preload: [early] });
	expect(ended).toMatchObject({ code: FORCED_EXIT_CODES.SIGTERM, signal: null, stdout: "" });
	await using server = await startServerProcess({ dataDir });
	expect((await server.call("GET", "/readyz")).status).toBe(200);
});

it("an event that is acknowledged right before the signal arrives after the restart", async () => {
	await using receiver = await startReceiver();
	await using server = await startServerProcess({
		env: { FANFARE_MAX_IN_FLIGHT: "1", FANFARE_SHUTDOWN_GRACE_MS: "100" },
	});
	await server.createWebhook(receiver.url);
	receiver.respond([{ kind: "hang" }]);
	await sendInFlight(server, receiver, 1);
	const { id } = await server.project.events.send({ type: "a.b", data: "last" });
	server.kill("SIGTERM");
	expect(await server.exited).toEqual({ code: 0, signal: null });
	expect(arrived(receiver)).not.toContain(id);
	await server.restart();
	expect(await server.waitForDelivery(id, ({ status }) => status !== "Pending")).toMatchObject({
		status: "Succeeded",
		attemptCount: 1,
	});
});

/** Sends events, and waits until the receiver has got all of them. Returns their ids. */
async function sendInFlight(server: ServerProcess, receiver: Receiver, count: number): Promise<string[]> {
	const sends = Array.from({ length: count }, (_, data) => server.project.events.send({ type: "a.b", data }));
	const events = await Promise.all(sends);
	await receiver.waitFor(count);
	return events.map(({ id }) => id);
}

async function expectDeliveredAfterRestart(
	server: ServerProcess,
	receiver: Receiver,
	eventIds: readonly string[],
): Promise<void> {
	receiver.script(() => ({ status: 200 }));
	await server.restart();
	for (const eventId of eventIds) {
		const delivery = await server.waitForDelivery(eventId, ({ status }) => status !== "Pending");
		expect(delivery).toMatchObject({ status: "Succeeded", attemptCount: 1 });
		expect(delivery.attempts).toHaveLength(1);
	}
	expect(arrived(receiver)).toEqual(new Set(eventIds));
	expect(receiver.requests).toHaveLength(2 * eventIds.length);
}

function arrived(receiver: Receiver): Set<string> {
	return new Set(receiver.requests.map(({ headers }) => String(headers["webhook-id"])));
}
