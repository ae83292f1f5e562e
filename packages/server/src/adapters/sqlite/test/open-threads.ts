// The store in its threads, for tests of them. The threads and the files are real.
import { once } from "node:events";
import type { Worker } from "node:worker_threads";

import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { onTestFinished } from "vitest";

import type { Clock } from "../../../core/clock.ts";
import { systemClock } from "../../system/system-clock.ts";
import { openThreadedSqliteStore } from "../thread/threaded-store.ts";
import { READER_PROGRAM } from "./reader-program.ts";

/** Opens a store, in a new directory if no path is given, and gets hold of its thread, too. It is closed at the end of the test. */
export async function openThreads({ path = newPath(), clock = systemClock }: { path?: string; clock?: Clock } = {}) {
	// Node emits this for each thread that the process starts.
	const started = once(process, "worker") as Promise<[Worker]>;
	const opened = await openThreadedSqliteStore({ path, clock, readerProgram: READER_PROGRAM });
	const [worker] = await started;
	onTestFinished(() => opened.store.close());
	return { ...opened, worker, path, wal: `${path}-wal` };
}

/** The path of a store in a new directory, which is removed at the end of the test. */
export function newPath(): string {
	const dir = new TemporaryDir(fastParent());
	onTestFinished(() => dir[Symbol.dispose]());
	return dir.join("fanfare.db");
}
