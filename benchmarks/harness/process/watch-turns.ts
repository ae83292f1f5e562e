// Loaded into the server's process before the server, if a scenario asks for it: measures how much CPU time the main thread
// uses in one turn of its event loop, and answers a message of the benchmark with the most since the last answer.
import { isMainThread } from "node:worker_threads";

import { LONGEST_TURN } from "./call-messages.ts";

let longestUs = 0;

function cpuUs(): number {
	const { user, system } = process.threadCpuUsage();
	return user + system;
}

/** Called once in each turn. It starts no turn, so an idle server stays idle. */
function watchTurn(beforeUs: number): void {
	setImmediate(() => {
		const nowUs = cpuUs();
		longestUs = Math.max(longestUs, nowUs - beforeUs);
		watchTurn(nowUs);
	}).unref();
}

if (isMainThread) {
	watchTurn(cpuUs());
	process.on("message", (message) => {
		if (message !== LONGEST_TURN) return;
		process.send?.(longestUs);
		longestUs = 0;
	});
	// A listener would keep a server alive that has stopped.
	process.channel?.unref();
}
