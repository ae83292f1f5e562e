// Prepared data directories, which are copied for each run.
import { closeSync, constants, cpSync, fsyncSync, mkdtempSync, openSync } from "node:fs";
import { join } from "node:path";

import type { MadeProject, WebhookPlan } from "../server/webhook-plan.ts";

/** The part of a store that the server creates. */
export interface BasePlan {
	readonly webhooks: number;
	readonly wants: WebhookPlan["wants"];
	/** Whether the webhooks point at the receiver's URL for benchmark events, not at the one that only counts. Defaults to false. */
	readonly numbered?: boolean;
	/** Whether some webhooks belong to a customer, and events have customers and tags. Defaults to false. */
	readonly labelled?: boolean;
	/** The rate limit of each webhook, in attempts per second. Optional. */
	readonly ratePerS?: number | undefined;
}

/** A store: its base, and the rows that are copied into it. */
export interface StorePlan extends BasePlan {
	readonly deliveries: number;
	/** The number of deliveries of each event. */
	readonly perEvent: number;
	/**
	 * "due": all deliveries wait and are due. "later": all wait and are due in an hour. "log": nearly all have ended, over the last
	 * 25 days, with their attempts, in a mixture as real logs have it.
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

/** Copies a store for one run. The copy is synced before the run, so that the run's own syncs don't wait for it. */
export function copyStore({ dataDir }: Pick<PreparedStore, "dataDir">, parentDir: string): string {
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
