// A server whose attempts are made in threads: it delivers, drains and stops as without, and ends when such a thread ends by itself.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Worker } from "node:worker_threads";

import { startServer } from "@fanfare/server";
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { SendingLoad } from "@fanfare/testkit/sending-load";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

const REASON = /a thread that makes attempts has ended unexpectedly \(exit code 1\): start the server again/;
const isSender = (worker: Worker) => worker.threadName?.startsWith("fanfare-send") === true;
/** Ends a thread that makes attempts at a message from the test. */
const PRELOAD = `data:text/javascript,${encodeURIComponent(`
	import { isMainThread } from "node:worker_threads";
	if (isMainThread) {
		process.on("worker", (worker) => {
			if (worker.threadName.startsWith("fanfare-send")) process.on("message", () => worker.terminate());
		});
	}
`)}`;

function arrived(receiver: Receiver): Set<string> {
	return new Set(receiver.requests.map(({ headers }) => String(headers["webhook-id"])));
}

describe("fanfare serve with two threads that make attempts", () => {
	const env = { FANFARE_SENDER_THREADS: "2" };

	it("delivers to several origins, and waits at a stop for what is in flight", async () => {
		const receivers = await Promise.all([1, 2, 3, 4].map(() => startReceiver()));
		await using server = await startServerProcess({ env });
		for (const { url } of receivers) await server.createWebhook(url);
		for (const receiver of receivers) receiver.script(() => ({ delayMs: 300 }));
		const { id } = await server.project.events.send({ type: "a.b", data: 1 });
		await Promise.all(receivers.map((receiver) => receiver.waitFor(1)));
		expect(await server.stop()).toEqual({ code: 0, signal: null });
		await server.restart();
		const { data } = await server.project.deliveries.list({ eventId: id });
		expect(data.map(({ status, attemptCount }) => [status, attemptCount])).toEqual(
			receivers.map(() => ["Succeeded", 1]),
		);
		for (const receiver of receivers) {
			expect(receiver.requests).toHaveLength(1);
			await receiver.close();
		}
	});

	it("trusts the authorities of the system, if Node is told so", async () => {
		using dir = new TemporaryDir();
		await using receiver = await startReceiver({ tls: true });
		writeFileSync(dir.join("authorities.pem"), receiver.ca ?? "");
		const trust = { NODE_USE_SYSTEM_CA: "1", SSL_CERT_FILE: dir.join("authorities.pem") };
		await using server = await startServerProcess({ env: { ...env, ...trust } });
		await server.createWebhook(`https://localhost:${receiver.port}`);
		const { id } = await server.project.events.send({ type: "a.b", data: 1 });
		await server.waitForDelivery(id, ({ status }) => status === "Succeeded");
	});

	it.skipIf(process.platform !== "linux")("names them for the system's tools", async () => {
		await using server = await startServerProcess({ env });
		const folder = `/proc/${server.pid}/task`;
		const names = readdirSync(folder).map((id) => {
			try {
				return readFileSync(`${folder}/${id}/comm`, "utf8").trim();
			} catch {
				// It has ended since.
				return "";
			}
		});
		expect(names.filter((name) => name.startsWith("fanfare-send"))).toHaveLength(2);
	});
});

it("fanfare serve without such threads has none", async () => {
	using dir = new TemporaryDir();
	const workers: Worker[] = [];
	const note = (worker: Worker) => void workers.push(worker);
	process.on("worker", note);
	const server = await startServer({ port: 0, dataDir: dir.join("data"), logLevel: "silent", senderThreads: 0 });
	process.off("worker", note);
	expect(workers.filter(isSender)).toEqual([]);
	await server.stop();
});

it("fanfare serve logs one line and ends with exit code 1 when such a thread ends, and loses nothing that was acknowledged", async () => {
	await using receiver = await startReceiver();
	await using server = await startServerProcess({
		preload: [PRELOAD],
		onMessage: () => {},
		env: { FANFARE_SENDER_THREADS: "1", FANFARE_MAX_IN_FLIGHT: "8" },
	});
	await server.createWebhook(receiver.url);
	receiver.script((_request, index) => ({ delayMs: index % 40 }));
	await using load = new SendingLoad(server, { senders: 8, pauseMs: 4, random: Math.random });
	await receiver.waitFor(100);

	server.send("end the thread");
	expect(await server.exited).toEqual({ code: 1, signal: null });
	expect(server.stderr).toMatch(new RegExp(`^fanfare: ${REASON.source}`, "m"));
	const fatal = server.stdout.split("\n").filter((line) => line.includes('"level":"fatal"'));
	expect(fatal).toHaveLength(1);
	expect(JSON.parse(fatal[0]!)).toMatchObject({ msg: "the server can't go on and stops" });

	await server.restart();
	await load.stop();
	await eventually("all acknowledged events to arrive", () => arrived(receiver).size >= load.acknowledged.size);
	expect(arrived(receiver)).toEqual(new Set(load.acknowledged.keys()));
	// Attempts that were cut short have used no retry.
	const { data } = await server.project.deliveries.list({ status: "Failed" });
	expect(data).toEqual([]);
});

it("a server in another program rejects `closed` and stops by itself when such a thread ends", async () => {
	using dir = new TemporaryDir();
	const settings = { port: 0, dataDir: dir.join("data"), logLevel: "silent", senderThreads: 1 } as const;
	const workers: Worker[] = [];
	const note = (worker: Worker) => void workers.push(worker);
	process.on("worker", note);
	const server = await startServer(settings);
	process.off("worker", note);
	void workers.find(isSender)!.terminate();
	await expect(server.closed).rejects.toThrow(REASON);
	await server.stop();
	await expect(fetch(`${server.url}/readyz`)).rejects.toThrow("fetch failed");

	const next = await startServer(settings);
	expect(next.firstStart).toBeNull();
	await next.stop();
	await next.closed;
});
