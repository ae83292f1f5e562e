// A process whose store's thread ends by itself: it says so and ends, and the next start continues from the disk.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";

import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { SendingLoad } from "@fanfare/testkit/sending-load";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);

/** How the thread ends at a message from the test, in the middle of whatever it does. */
const DEATHS = {
	"is terminated": {
		reason: /the store's thread has ended unexpectedly \(exit code 1\): start the server again/,
		preload: `
			import { isMainThread } from "node:worker_threads";
			if (isMainThread) process.once("worker", (worker) => process.on("message", () => worker.terminate()));
		`,
	},
	"runs out of memory": {
		reason: /the store's thread has ended unexpectedly \(.*memory limit.*\): start the server again/,
		preload: `
			import { BroadcastChannel, isMainThread, workerData } from "node:worker_threads";
			const channel = new BroadcastChannel("the end");
			channel.unref();
			if (isMainThread) process.on("message", () => channel.postMessage("now"));
			else if ("path" in workerData) {
				channel.onmessage = () => {
					for (const all = []; ; ) all.push(Array.from({ length: 1_000 }, () => ({ all })));
				};
			}
		`,
	},
} as const;
/** So that the thread has used up its memory soon. */
const SMALL_HEAP = "--max-old-space-size=96";
/** So that the first thread is that of the store. */
const NO_SENDER_THREADS = { FANFARE_SENDER_THREADS: "0" };

describe.each(Object.entries(DEATHS))("fanfare serve, when the thread of its store %s", (_title, death) => {
	it("logs one line, ends with exit code 1, and loses nothing that was acknowledged", async () => {
		await using receiver = await startReceiver();
		await using server = await startServerProcess({
			preload: [`data:text/javascript,${encodeURIComponent(death.preload)}`],
			onMessage: () => {},
			env: { ...NO_SENDER_THREADS, FANFARE_MAX_IN_FLIGHT: "8", NODE_OPTIONS: SMALL_HEAP },
		});
		await server.createWebhook(receiver.url);
		receiver.script((_request, index) => ({ delayMs: index % 40 }));
		await using load = new SendingLoad(server, { senders: 8, pauseMs: 4, random: Math.random });
		await receiver.waitFor(100);

		server.send("end the store's thread");
		expect(await server.exited).toEqual({ code: 1, signal: null });
		expect(server.stderr).toMatch(new RegExp(`^fanfare: ${death.reason.source}`, "m"));
		const fatal = server.stdout.split("\n").filter((line) => line.includes('"level":"fatal"'));
		expect(fatal).toHaveLength(1);
		expect(JSON.parse(fatal[0]!)).toMatchObject({
			msg: "the server can't go on and stops",
			err: { code: "store_unavailable", message: expect.stringMatching(death.reason) as string },
		});

		await server.restart();
		await load.stop();
		await eventually("all acknowledged events to arrive", () => arrived(receiver).size >= load.acknowledged.size);
		expect(arrived(receiver)).toEqual(new Set(load.acknowledged.keys()));
	});
});

it("another program whose server loses its store ends if it does not handle `closed`", async () => {
	using dir = new TemporaryDir();
	const program = `
		import { once } from "node:events";
		import { readConfig, startServer } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)};
		const settings = {
			FANFARE_SENDER_THREADS: "0",
			FANFARE_PORT: "0",
			FANFARE_DATA_DIR: process.argv[2],
			FANFARE_LOG_LEVEL: "silent",
		};
		const thread = once(process, "worker");
		await startServer(readConfig(settings));
		await (await thread)[0].terminate();
	`;
	writeFileSync(dir.join("program.mjs"), program);
	const ended = run(process.execPath, ["--conditions=@fanfare/source", dir.join("program.mjs"), dir.join("data")]);
	await expect(ended).rejects.toMatchObject({
		code: 1,
		stderr: expect.stringMatching(DEATHS["is terminated"].reason) as string,
	});
});

function arrived(receiver: Receiver): Set<string> {
	return new Set(receiver.requests.map(({ headers }) => String(headers["webhook-id"])));
}
