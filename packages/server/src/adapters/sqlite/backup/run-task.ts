// Runs a task of copy-process.ts in a process of its own, which an abort kills at once: the system then ends its read transaction.
import { fork } from "node:child_process";

import { StoreError } from "../../../ports/store/errors.ts";
import { fromPlainError, type PlainError } from "../thread/thread-messages.ts";
import type { DatabaseContents } from "./database-copy.ts";

export type CopyTask =
	| { readonly kind: "copy"; readonly source: string; readonly target: string }
	| { readonly kind: "check"; readonly path: string };

export type CopyReply = { readonly contents: DatabaseContents | null } | { readonly error: PlainError };

/** Copies a database that may be in use: see `copyDatabase`. Rejects with the reason of `signal` when that aborts. */
export async function copyInProcess(source: string, target: string, signal: AbortSignal): Promise<void> {
	await run({ kind: "copy", source, target }, signal);
}

/** Checks a database that nobody uses: see `checkDatabase`. Rejects with the reason of `signal` when that aborts. */
export async function checkInProcess(path: string, signal: AbortSignal): Promise<DatabaseContents> {
	const contents = await run({ kind: "check", path }, signal);
	if (contents === null) throw new TypeError("the check of a database has no result");
	return contents;
}

async function run(task: CopyTask, signal: AbortSignal): Promise<DatabaseContents | null> {
	signal.throwIfAborted();
	const child = fork(processFile(), [], { execArgv: [], env: {}, stdio: ["ignore", "ignore", "ignore", "ipc"] });
	const kill = () => void child.kill("SIGKILL");
	signal.addEventListener("abort", kill);
	try {
		let reply: CopyReply | null = null;
		child.on("message", (message) => (reply = message as CopyReply));
		const ended = new Promise<string>((resolve, reject) => {
			child.on("error", reject);
			child.on("close", (code, by) => resolve(by ?? `exit code ${String(code)}`));
		});
		child.send(task, () => {});
		const how = await ended;
		signal.throwIfAborted();
		return contentsOf(reply, how);
	} finally {
		signal.removeEventListener("abort", kill);
	}
}

function contentsOf(reply: CopyReply | null, how: string): DatabaseContents | null {
	if (reply === null) throw new StoreError("store_unavailable", `the process that copies has ended early (${how})`);
	if ("error" in reply) throw fromPlainError(reply.error);
	return reply.contents;
}

/** The file of the process, which is beside this one as TypeScript or as built JavaScript. */
function processFile(): URL {
	return new URL(import.meta.url.endsWith(".ts") ? "./copy-process.ts" : "./copy-process.js", import.meta.url);
}
