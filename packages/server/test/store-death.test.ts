// A server in another program whose store's thread ends by itself: it says so and stops, and the next one continues from the disk.
import { once } from "node:events";
import type { Worker } from "node:worker_threads";

import { readConfig, startServer } from "@fanfare/server";
import { eventually } from "@fanfare/testkit/eventually";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it, vi } from "vitest";

import { projectScope } from "../src/core/access/principal.ts";

const TERMINATED = /the store's thread has ended unexpectedly \(exit code 1\): start the server again/;
const EVERY_WEBHOOK = {
	text: null,
	statuses: null,
	health: null,
	customerId: null,
	key: null,
	eventType: null,
	metadata: {},
} as const;
const PAGE = { limit: 10, cursor: null } as const;
/** The server stops at once, which the send may come before. */
const REFUSES_SENDS = /^(shutting_down|store_unavailable)$/;

it("when the thread of its store ends, a server rejects `closed` and all calls, stops by itself, and leaves the directory to the next server", async () => {
	using dir = new TemporaryDir();
	const config = readConfig({
		FANFARE_SENDER_THREADS: "0",
		FANFARE_PORT: "0",
		FANFARE_DATA_DIR: dir.join("data"),
		FANFARE_LOG_LEVEL: "silent",
	});
	const started = once(process, "worker") as Promise<[Worker]>;
	const server = await startServer(config);
	const [thread] = await started;
	const project = server.firstStart!.project;
	const scope = projectScope(project.id);
	await server.send({ type: "order.paid", data: { orderId: 1 } });
	const calls = () => ({
		send: server.send({ type: "order.paid", data: { orderId: 2 } }),
		create: server.engine.projects.create("Another", null),
	});
	const list = () => server.engine.webhooks.list(scope, EVERY_WEBHOOK, PAGE);
	expect((await list()).rows).toEqual([]);

	// The thread executes nothing any more, and this one does not know it yet.
	const posted = vi.spyOn(thread, "postMessage").mockImplementation(() => {});
	const pending = calls();
	const names = () => posted.mock.calls.map(([message]) => (message as { readonly name: string }).name);
	await eventually("both calls to be under way", () => names().includes("insertProject") && names().includes("commit"));
	void thread.terminate();
	await Promise.all([
		expect(server.closed).rejects.toThrow(TERMINATED),
		// Nobody can tell whether the thread has written these.
		expect(pending.send).rejects.toMatchObject({ code: "outcome_unknown" }),
		expect(pending.create).rejects.toThrow(TERMINATED),
	]);
	const later = calls();
	await Promise.all([
		expect(later.send).rejects.toMatchObject({ code: expect.stringMatching(REFUSES_SENDS) as string }),
		expect(later.create).rejects.toThrow(TERMINATED),
		expect(list()).rejects.toThrow(TERMINATED),
	]);
	await expect(server.engine.readiness()).resolves.toMatchObject({
		ready: false,
		checks: { store: { message: expect.stringMatching(TERMINATED) as string } },
	});
	await server.stop();
	await expect(fetch(`${server.url}/readyz`)).rejects.toThrow("fetch failed");

	const next = await startServer(config);
	expect(next.firstStart).toBeNull();
	// It has not, since it was ended before.
	expect(next.engine.projects.list()).toEqual([project]);
	await next.stop();
	await next.closed;
});
