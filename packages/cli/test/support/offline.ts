// What tests of `backup` and `restore` have in common: the commands, what is in a database, and ends in the middle.
import { DatabaseSync } from "node:sqlite";

import { runInProcess, type Result } from "./in-process.ts";

export const backup = (file: string, dataDir: string, env: Readonly<Record<string, string>> = {}): Promise<Result> =>
	runInProcess(["backup", file, "--data-dir", dataDir], { env });
export const restore = (file: string, dataDir: string, ...more: readonly string[]): Promise<Result> =>
	runInProcess(["restore", file, "--data-dir", dataDir, ...more]);

/** The ids of all events in a database file, as the API shows them. */
export function eventIds(path: string): Set<string> {
	using db = new DatabaseSync(path, { readOnly: true });
	const rows = db.prepare("SELECT lower(hex(id)) AS hex FROM events").all();
	const uuid = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
	return new Set(rows.map((row) => `evt_${uuid(String(row["hex"]))}`));
}

/** A module to preload into a command, which ends when it would give a finished file its name. */
export const DIES_AT_RENAME = `data:text/javascript,${encodeURIComponent(`
	import fs from "node:fs";
	import { syncBuiltinESMExports } from "node:module";
	fs.renameSync = () => process.kill(process.pid, "SIGKILL");
	syncBuiltinESMExports();
`)}`;

/**
 * A module to preload into `fanfare backup` or `fanfare restore`: the process that copies or checks the database never gets this task, so
 * the command waits for it until it is ended.
 */
export const waitsAt = (task: "copy" | "check") =>
	`data:text/javascript,${encodeURIComponent(`
	import childProcess from "node:child_process";
	import { syncBuiltinESMExports } from "node:module";
	const { fork } = childProcess;
	childProcess.fork = (...args) => {
		const child = fork(...args);
		const send = child.send.bind(child);
		child.send = (message, ...more) => message.kind === "${task}" || send(message, ...more);
		return child;
	};
	syncBuiltinESMExports();
`)}`;
