// Watches retention delete the old events of a prepared log.
import { setTimeout as sleep } from "node:timers/promises";

import type { RunContext } from "../../scenario.ts";
import type { BenchServer } from "../server/bench-server.ts";
import { HOUR_MS } from "../store/log-rows.ts";
import type { PreparedStore } from "../store/store-copy.ts";
import { nowMs } from "./clock.ts";

/** Retention begins 5 s after the server's start. */
const FIRST_PASS_MS = 8_000;

/** Limits the project's retention to one day, so that nearly all of its log is to be deleted. */
export async function keepOneDay(server: BenchServer, { projectId }: PreparedStore): Promise<void> {
	await server.client.projects.update(projectId, { retentionDays: 1 });
}

/** Resolves when retention is under way. In a quick run, at once. */
export async function whenRetentionRuns({ quick }: RunContext, server: BenchServer): Promise<void> {
	if (!quick) await sleep(Math.max(0, server.listeningAt + FIRST_PASS_MS - nowMs()));
}

/** The number of deleted events in the server's metrics. */
export async function deletedEvents(server: BenchServer): Promise<number> {
	const text = await (await fetch(`${server.url}/metrics`)).text();
	const line = /^\w*retention_deleted_total\{kind="events"\} (\d+)$/m.exec(text);
	if (line === null) throw new Error("the server's metrics do not say how many events retention has deleted");
	return Number(line[1]);
}

/** Adds a note if retention had nothing left to do before the measurement ended. */
export async function noteIfDone(context: RunContext, server: BenchServer, store: PreparedStore): Promise<void> {
	const before = Date.now() - 48 * HOUR_MS;
	const { data } = await server.client.project(store.projectId).events.list({ before, limit: 1 });
	if (data.length === 0) context.note("all old events were deleted before the measurement ended");
}
