// A server whose store's thread ends by itself: it says so and ends, and the next start continues from the disk.
import { once } from "node:events";
import type { Worker } from "node:worker_threads";

import { readConfig, startServer } from "@fanfare/server";
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { SendingLoad } from "@fanfare/testkit/sending-load";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

const REASON = /the store's thread has ended unexpectedly \(exit code 1\): start the server again/;

/** Ends the store's thread at a message, in the middle of whatever it does. */
const KILLER = `data:text/javascript,${encodeURIComponent(`
	import { isMainThread } from "node:worker_threads";
	if (isMainThread) {
		process.once("worker", (worker) => process.on("message", () => worker.terminate()));
		process.channel?.unref();
	}
`)}`;

describe("fanfare serve, when the thread of its store ends", () => {
	it("logs one line, ends with exit code 1, and loses nothing that was acknowledged", async () => {
		await using receiver = await startReceiver();
		const options = { preload: [KILLER], onMessage: () => {}, env: { FANFARE_MAX_IN_FLIGHT: "8" } };
		await using server = await startServerProcess(options);
		await server.createWebhook(receiver.url);
		receiver.script((_request, index) => ({ delayMs: index % 40 }));
		await using load = new SendingLoad(server, { senders: 8, pauseMs: 4, random: Math.random });
		await receiver.waitFor(100);

		server.send("end the store's thread");
		expect(await server.exited).toEqual({ code: 1, signal: null });
		expect(server.stderr).toMatch(new RegExp(`^fanfare: ${REASON.source}`, "m"));
		const fatal = server.stdout.split("\n").filter((line) => line.includes('"level":60'));
		expect(fatal).toHaveLength(1);
		expect(JSON.parse(fatal[0]!)).toMatchObject({
			msg: "the server can't go on and stops",
			err: { code: "store_unavailable", message: expect.stringMatching(REASON) as string },
		});

		await server.restart();
		await load.stop();
		await eventually("all acknowledged events to arrive", () => arrived(receiver).size >= load.acknowledged.size);
		expect(arrived(receiver)).toEqual(new Set(load.acknowledged.keys()));
	});
});

describe("a server in another program, when the thread of its store ends", () => {
	it("rejects `closed` and all calls, stops by itself, and leaves the directory to the next server", async () => {
		using dir = new TemporaryDir();
		const config = readConfig({ FANFARE_PORT: "0", FANFARE_DATA_DIR: dir.join("data"), FANFARE_LOG_LEVEL: "silent" });
		const started = once(process, "worker") as Promise<[Worker]>;
		const server = await startServer(config);
		const [thread] = await started;
		void thread.terminate();
		await expect(server.closed).rejects.toThrow(REASON);
		await expect(server.engine.readiness()).resolves.toMatchObject({
			ready: false,
			checks: { store: { message: expect.stringMatching(REASON) as string } },
		});
		await server.stop();
		await expect(fetch(`${server.url}/readyz`)).rejects.toThrow("fetch failed");

		const next = await startServer(config);
		expect(next.firstStart).toBeNull();
		await next.stop();
		await next.closed;
	});
});

function arrived(receiver: Receiver): Set<string> {
	return new Set(receiver.requests.map(({ headers }) => String(headers["webhook-id"])));
}
