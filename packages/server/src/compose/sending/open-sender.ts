// Opens the sender: in the main thread, or in as many worker threads as the settings and the cores of the machine say.
import type { ChangeableGuard } from "../../adapters/http/changeable-guard.ts";
import { openHttpSender, type HttpSender } from "../../adapters/http/http-sender.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";
import type { Config } from "../../config.ts";
import type { DescriptorShares } from "../descriptors.ts";

/** The thread's program, beside this file: TypeScript in the sources, JavaScript in the built package. */
const PROGRAM = new URL(import.meta.url.endsWith(".ts") ? "./sender-thread.ts" : "./sender-thread.js", import.meta.url);
/** From so many cores on there is one thread, and from so many on there are two. */
const CORES_FOR_ONE = 3;
const CORES_FOR_TWO = 8;

/** A sender, and the state of its threads. */
export interface OpenedSender {
	readonly sender: HttpSender;
	/** Resolves when it takes attempts. Rejects if a thread could not be started. */
	readonly ready: Promise<void>;
	/** Resolves with the reason if one of its threads ends by itself. */
	readonly died: Promise<Error>;
}

/**
 * How many threads make attempts; 0 if the main thread does. If it is not set, it follows from the cores: with two, the main thread and
 * the store's use them already, and messages between threads would only cost. A process that delivers nothing needs none.
 */
export function senderThreadsOf(
	{ senderThreads, role }: Pick<Config, "senderThreads" | "role">,
	cores: number,
): number {
	if (senderThreads !== null) return senderThreads;
	if (role === "api" || cores < CORES_FOR_ONE) return 0;
	return cores < CORES_FOR_TWO ? 1 : 2;
}

/** Opens the sender. Throws a `TypeError` for settings that are not valid. Without threads, nothing is loaded that only they need. */
export async function openSender(
	{ proxy, noProxy }: Pick<Config, "proxy" | "noProxy">,
	threads: number,
	guard: ChangeableGuard,
	{ maxInFlight, maxSockets }: Pick<DescriptorShares, "maxInFlight" | "maxSockets">,
): Promise<OpenedSender> {
	const options = {
		guard,
		clock: systemClock,
		// The engine's limit is the only one, so that no attempt waits for connections that others use to the same host.
		connectionsPerPool: maxInFlight,
		maxSockets,
		...(proxy !== null && { proxy, noProxy }),
	};
	if (threads === 0) {
		return { sender: openHttpSender(options), ready: Promise.resolve(), died: Promise.withResolvers<Error>().promise };
	}
	const { openThreadedSender } = await import("../../adapters/http/thread/threaded-sender.ts");
	const sender = openThreadedSender({ ...options, threads, program: PROGRAM });
	return { sender, ready: sender.ready, died: sender.died };
}
