// How much memory a server has in use, without garbage: how much garbage there is depends on the machine's speed.
import type { ServerProcess } from "@fanfare/testkit/server-process";

type Question = "now" | "watch" | "most";

const EVERY_MS = 20;
/** Loaded into the server. It collects all garbage whenever it looks. */
const PRELOAD = `data:text/javascript,${encodeURIComponent(`
	import { setFlagsFromString } from "node:v8";
	import { runInNewContext } from "node:vm";
	import { isMainThread } from "node:worker_threads";
	if (isMainThread) {
		setFlagsFromString("--expose-gc");
		const gc = runInNewContext("gc");
		const now = () => {
			gc();
			const { heapUsed, arrayBuffers } = process.memoryUsage();
			return heapUsed + arrayBuffers;
		};
		let [most, timer] = [0, null];
		const look = () => (most = Math.max(most, now()));
		process.on("message", (question) => {
			clearInterval(timer);
			if (question === "watch") {
				most = 0;
				timer = setInterval(look, ${EVERY_MS});
			}
			process.send(question === "now" ? now() : look());
		});
		process.channel.unref();
	}
`)}`;

/**
 * Asks a server that was started with `options`.
 *
 * @example
 * const memory = new LiveMemory();
 * await using server = await startServerProcess(memory.options);
 * const before = await memory.ask(server, "now");
 */
export class LiveMemory {
	readonly options = { preload: [PRELOAD], onMessage: (bytes: unknown) => this.#answer(bytes as number) };
	#answer: (bytes: number) => void = () => {};

	/** Bytes in use now; "watch" begins to look again and again, and "most" ends that with the most that was seen. */
	ask(server: ServerProcess, question: Question): Promise<number> {
		const { promise, resolve } = Promise.withResolvers<number>();
		this.#answer = resolve;
		server.send(question);
		return promise;
	}
}
