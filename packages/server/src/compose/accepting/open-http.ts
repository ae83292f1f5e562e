// Opens the HTTP server: in the main thread, or with a thread that accepts requests, as the settings and the cores of the machine say.
import { systemChance } from "../../adapters/system/system-chance.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";
import type { LeanPath } from "../../api/request/lean/lean-path.ts";
import type { UnreadableRequests } from "../../api/request/unreadable.ts";
import type { Config } from "../../config.ts";
import { HttpServer } from "../../http-server.ts";

/** The thread's program, beside this file: TypeScript in the sources, JavaScript in the built package. */
const PROGRAM = new URL(
	import.meta.url.endsWith(".ts") ? "./acceptor-thread.ts" : "./acceptor-thread.js",
	import.meta.url,
);
/** From so many cores on there is a thread. */
const CORES_FOR_ONE = 5;

/** An HTTP server, wherever it reads requests. */
export interface OpenedHttp extends Pick<HttpServer, "close" | "connections" | "port" | "url"> {
	serve(
		fetch: Parameters<HttpServer["serve"]>[0],
		overrideGlobalObjects: boolean,
		lean?: Pick<LeanPath, "answer" | "respond"> | null,
	): void;
	/** Resolves with the reason if its thread ends by itself. Stays pending without a thread. */
	readonly died?: Promise<Error>;
}

/**
 * How many threads accept requests: 0 if the main thread does, or 1. If it is not set, it follows from the cores: with up to four, the main
 * thread, that of the store and that of attempts use them already, and messages between threads would only cost. A process that takes no sends needs none.
 */
export function acceptorThreadsOf(
	{ acceptorThreads, role }: Pick<Config, "acceptorThreads" | "role">,
	cores: number,
): number {
	if (acceptorThreads !== null) return acceptorThreads;
	return role === "worker" || cores < CORES_FOR_ONE ? 0 : 1;
}

/** Listens. Rejects with an error that explains why that is not possible. Without a thread, nothing is loaded that only it needs. */
export async function openHttp(
	listening: Parameters<typeof HttpServer.listen>[0],
	threads: number,
	unreadable: UnreadableRequests,
): Promise<OpenedHttp> {
	if (threads === 0) return HttpServer.listen(listening, unreadable, systemClock);
	const { Acceptor } = await import("../../acceptor/acceptor.ts");
	return Acceptor.listen({ ...listening, program: PROGRAM }, unreadable, systemClock, systemChance);
}
