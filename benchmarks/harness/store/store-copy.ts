// Prepared data directories, copied for each run.
import { closeSync, constants, cpSync, fsyncSync, mkdtempSync, openSync } from "node:fs";
import { join } from "node:path";

import type { MadeProject, WebhookPlan } from "../server/webhook-plan.ts";

/** What the server makes itself. */
export interface BasePlan {
	readonly webhooks: number;
	readonly wants: WebhookPlan["wants"];
	/** Whether the receiver notes when each event comes, and not only how many; then the events must be of the load generator. */
	readonly numbered?: boolean;
}

/** What is put into it. */
export interface StorePlan extends BasePlan {
	readonly deliveries: number;
	/** How many of them come of one event. */
	readonly perEvent: number;
	/**
	 * `due`: all wait, and it is time. `later`: all wait, for an hour. `log`: all have ended but some, with their attempts, over the
	 * last 25 days, in a mixture as logs have it.
	 */
	readonly state: "due" | "later" | "log";
}

/** A stopped server's data directory. */
export interface PreparedStore extends MadeProject {
	readonly dataDir: string;
	readonly key: string;
}

/** The server's database within its data directory. */
export function databaseOf(dataDir: string): string {
	return join(dataDir, "fanfare.db");
}

/** A copy for one run. On the disk before the run begins, so that its syncs don't wait for the copy's. */
export function copyStore({ dataDir }: PreparedStore, parentDir: string): string {
	const copy = mkdtempSync(join(parentDir, "data-"));
	cpSync(dataDir, copy, { recursive: true, mode: constants.COPYFILE_FICLONE, preserveTimestamps: true });
	syncFile(databaseOf(copy));
	return copy;
}

export function syncFile(path: string): void {
	const file = openSync(path, "r+");
	fsyncSync(file);
	closeSync(file);
}
