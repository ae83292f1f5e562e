// Loaded into the server's process before the server, if a scenario asks for it: counts the messages between its main
// thread and its worker threads, and answers a message of the benchmark with their number.
import { isMainThread, Worker } from "node:worker_threads";

import { HOW_MANY_MESSAGES } from "./call-messages.ts";

let messages = 0;

/** Counts the calls of a method whose first argument makes them count. */
function countCalls(method: "postMessage" | "emit", counts: (first: unknown) => boolean): void {
	const original = Reflect.get(Worker.prototype, method) as (...parameters: unknown[]) => unknown;
	Reflect.set(Worker.prototype, method, function (this: Worker, ...parameters: unknown[]): unknown {
		if (counts(parameters[0])) messages++;
		return Reflect.apply(original, this, parameters);
	});
}

if (isMainThread) {
	countCalls("postMessage", () => true);
	countCalls("emit", (event) => event === "message");
	process.on("message", (message) => {
		if (message === HOW_MANY_MESSAGES) process.send?.(messages);
	});
	// A listener would keep a server alive that has stopped.
	process.channel?.unref();
}
