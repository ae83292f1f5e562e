// A server with a thread that accepts requests: for clients, for its log and for its metrics it is as without.
import { readdirSync, readFileSync } from "node:fs";
import type { Worker } from "node:worker_threads";

import { startServer } from "@fanfare/server";
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

const REASON = /the thread that accepts requests has ended unexpectedly \(exit code 1\): start the server again/;
const isAcceptor = (worker: Worker) => worker.threadName === "fanfare-accept";

interface Line {
	readonly path: string;
	readonly status: number;
	readonly clientAddress: string | null;
}

/** The lines of requests in the log. */
function requestLines({ stdout }: ServerProcess): Line[] {
	const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
	return lines.map((line) => JSON.parse(line) as Line).filter(({ path }) => path !== undefined);
}

describe("fanfare serve with a thread that accepts requests", () => {
	const env = { FANFARE_ACCEPTOR_THREADS: "1" };

	it("takes sends and all other calls, delivers, streams, and writes who has called into the log", async () => {
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ env });
		await server.createWebhook(receiver.url);
		const { id } = await server.project.events.send({ type: "a.b", data: 1 });
		const sent = await server.project.events.sendBatch([{ type: "a.b", data: "x".repeat(100_000) }]);
		expect(sent).toHaveLength(1);
		await server.waitForDelivery(id, ({ status }) => status === "Succeeded");
		await receiver.waitFor(2);

		using connection = new RawConnection(server.port);
		const forged = { "secret-key": server.key, "fanfare-accepted-from": "x 203.0.113.7" };
		await connection.request("GET", "/projects", forged);
		expect((await connection.answer()).status).toBe(200);
		await connection.write("GET / HTTP/1.1\r\nhost: a\r\n b: c\r\n\r\n");
		expect(await connection.answer()).toMatchObject({ status: 400, body: expect.stringContaining("invalid_http") });
		await eventually("both to be in the log", () => requestLines(server).some(({ path }) => path === "-"));
		const lines = requestLines(server);
		expect(new Set(lines.map(({ clientAddress }) => clientAddress))).toEqual(new Set(["127.0.0.1"]));
		expect(lines.filter(({ path, status }) => path.includes("/events") && status === 202)).toHaveLength(2);

		const { limits } = await server.client.getStatus();
		expect(limits.find(({ name }) => name === "maxConnections")?.used).toBeGreaterThan(0);
		expect(await server.stop()).toEqual({ code: 0, signal: null });
	});

	it("closes connections that are too many, and counts them", async () => {
		await using server = await startServerProcess({ env: { ...env, FANFARE_MAX_CONNECTIONS: "16" } });
		const open = Array.from({ length: 16 }, () => new RawConnection(server.port));
		const [first] = open;
		for (const connection of open) {
			await connection.request("GET", "/healthz", {});
			await connection.answer();
		}
		const tooMany = new RawConnection(server.port);
		await tooMany.closed;
		await first!.request("GET", "/metrics", { "secret-key": server.key });
		const { body } = await first!.answer();
		expect(body).toMatch(/^fanfare_connections_refused_total 1$/m);
		for (const connection of open) connection[Symbol.dispose]();
	});

	it("closes a connection on which too many requests wait, and says so in the log", async () => {
		await using server = await startServerProcess({ env });
		using connection = new RawConnection(server.port);
		const path = `/projects/${server.project.id}/deliveries/stream`;
		const heads = [
			requestHead("GET", path, { "secret-key": server.key }),
			requestHead("GET", "/healthz", {}).repeat(300),
		];
		await connection.write(heads.join(""));
		await connection.closed;
		await eventually("a line", () => requestLines(server).some(({ status }) => status === 503));
		const dropped = requestLines(server).find(({ status }) => status === 503);
		expect(dropped).toMatchObject({ path: "-", clientAddress: "127.0.0.1", code: "overloaded" });
	});

	it("refuses a port that is in use, also by another server with such a thread", async () => {
		await using server = await startServerProcess({ env });
		using dir = new TemporaryDir();
		const settings = { dataDir: dir.join("data"), logLevel: "silent", acceptorThreads: 1 } as const;
		await expect(startServer({ ...settings, port: server.port })).rejects.toThrow(
			`port ${server.port} on 127.0.0.1 is in use: stop the program that uses it`,
		);
		await expect(startServer({ ...settings, port: 0, host: "192.0.2.1" })).rejects.toThrow(
			"192.0.2.1 is not an address of this machine",
		);
		const next = await startServer({ ...settings, port: 0 });
		expect((await fetch(`${next.url}/healthz`)).status).toBe(200);
		await next.stop();
		await expect(fetch(`${next.url}/healthz`)).rejects.toThrow("fetch failed");
	});

	it.skipIf(process.platform !== "linux")("names it for the system's tools", async () => {
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
		expect(names.filter((name) => name.startsWith("fanfare-accept"))).toHaveLength(1);
	});
});

it("a server rejects `closed` and stops by itself when the thread ends", async () => {
	using dir = new TemporaryDir();
	const settings = { port: 0, dataDir: dir.join("data"), logLevel: "silent", acceptorThreads: 1 } as const;
	const workers: Worker[] = [];
	const note = (worker: Worker) => void workers.push(worker);
	process.on("worker", note);
	const server = await startServer(settings);
	process.off("worker", note);
	void workers.find(isAcceptor)!.terminate();
	await expect(server.closed).rejects.toThrow(REASON);
	await server.stop();

	const next = await startServer(settings);
	expect(next.firstStart).toBeNull();
	await next.stop();
	await next.closed;
});
