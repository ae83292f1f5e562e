// A process that copies or checks a database file: one task, and then it ends. SQLite does either in one call, which can be ended
// only together with its process.
import { toStoreError } from "../errors.ts";
import { toPlainError } from "../thread/thread-messages.ts";
import { checkDatabase, copyDatabase } from "./database-copy.ts";
import type { CopyReply, CopyTask } from "./run-task.ts";

// A terminal sends its signals to this process, too. The one that has started it decides.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});

process.once("message", (task: CopyTask) => {
	let reply: CopyReply;
	try {
		if (task.kind === "copy") {
			copyDatabase(task.source, task.target);
			reply = { contents: null };
		} else reply = { contents: checkDatabase(task.path) };
	} catch (error) {
		reply = { error: toPlainError(toStoreError(error)) };
	}
	process.send?.(reply, () => process.disconnect?.());
});
