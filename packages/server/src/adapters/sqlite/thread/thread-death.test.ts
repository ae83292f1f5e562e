// A store's thread that ends by itself: all calls reject, and the opener is told. The thread is a real one.
import { once } from "node:events";
import type { Worker } from "node:worker_threads";

import { describe, expect, it } from "vitest";

import { StoreError, StoreInDoubtError } from "../../../ports/store/errors.ts";
import { systemClock } from "../../system/system-clock.ts";
import { newPath, openThreads } from "../test/open-threads.ts";
import { READER_PROGRAM } from "../test/reader-program.ts";
import { openThreadedSqliteStore } from "./threaded-store.ts";

const UNAVAILABLE = { name: "StoreError", code: "store_unavailable" };

const DEATHS = {
	"ends without an error": {
		kill: (worker: Worker) => worker.terminate(),
		message: /thread has ended unexpectedly \(exit code 1\): start the server again/,
	},
	"ends with an error": {
		// No message that the store's thread understands: it throws outside of every call.
		// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
		kill: (worker: Worker) => worker.postMessage(null),
		message: /thread has ended unexpectedly \(Cannot destructure .*\): start the server again/,
	},
} as const;

describe.each(Object.entries(DEATHS))("when the thread of the store %s", (_title, { kill, message }) => {
	it("rejects the pending calls and all later ones, tells the opener, and lets the store be closed and opened again", async () => {
		const { store, died, worker, path } = await openThreads();
		await store.probe(1);
		void kill(worker);
		const pending = await Promise.allSettled([store.probe(2), store.projects(), store.webhookRecords(["webhook_1"])]);
		for (const call of pending) expect(call).toMatchObject({ status: "rejected", reason: UNAVAILABLE });
		// The thread may have written this one.
		expect(pending[0]).toMatchObject({ reason: expect.any(StoreInDoubtError) });
		expect(pending[2]).not.toMatchObject({ reason: expect.any(StoreInDoubtError) });
		const reason = await died;
		expect(reason).toBeInstanceOf(StoreError);
		expect(reason.message).toMatch(message);
		await expect(store.probe(3)).rejects.toBe(reason);
		await expect(store.commit({ events: [], updates: [] })).rejects.toBe(reason);
		for (let n = 0; n < 2; n++) await store.close();
		const again = await openThreads({ path });
		await again.store.probe(4);
	});
});

it("does not report a store that was closed as dead", async () => {
	const { store, died, worker } = await openThreads();
	const ended = once(worker, "exit");
	let isDead = false;
	void died.then(() => (isDead = true));
	await store.close();
	await ended;
	expect(isDead).toBe(false);
	await expect(store.probe(1)).rejects.toMatchObject({ ...UNAVAILABLE, message: "the store is closed" });
});

it("rejects the opening when the thread ends before the store is open", async () => {
	process.once("worker", (worker: Worker) => void worker.terminate());
	const message = expect.stringContaining("thread has ended unexpectedly") as string;
	const opening = openThreadedSqliteStore({ path: newPath(), clock: systemClock, readerProgram: READER_PROGRAM });
	await expect(opening).rejects.toMatchObject({ ...UNAVAILABLE, message });
});
