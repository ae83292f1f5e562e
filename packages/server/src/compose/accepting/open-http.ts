// Opens the HTTP server: in the main thread, or with a thread that accepts requests, as the settings and the cores of the machine say.
import { systemClock } from "../../adapters/system/system-clock.ts";
import type { LeanPath } from "../../api/request/lean/lean-path.ts";
import type { UnreadableRequests } from "../../api/request/unreadable.ts";
import { HttpServer, type Listener } from "../../http-server.ts";

/** The thread's program, beside this file: TypeScript in the sources, JavaScript in the built package. */
const PROGRAM = new URL(
	import.meta.url.endsWith(".ts") ? "./acceptor-thread.ts" : "./acceptor-thread.js",
	import.meta.url,
);

/** An HTTP server, wherever it reads requests. */
export interface OpenedHttp extends Pick<HttpServer, "close" | "connections" | "port" | "url"> {
	/** See `HttpServer.handle` and `Acceptor.handle`. */
	handle(listener: Listener, lean?: Pick<LeanPath, "answer"> | null): void;
	/** Resolves with the reason if its thread ends by itself. Stays pending without a thread. */
	readonly died?: Promise<Error>;
}

/** Listens. Rejects with an error that explains why that is not possible. Without a thread, nothing is loaded that only it needs. */
export async function openHttp(
	listening: Parameters<typeof HttpServer.listen>[0],
	threads: number,
	unreadable: UnreadableRequests,
): Promise<OpenedHttp> {
	if (threads === 0) return HttpServer.listen(listening, unreadable, systemClock);
	const { Acceptor } = await import("../../acceptor/acceptor.ts");
	return Acceptor.listen({ ...listening, program: PROGRAM }, unreadable, systemClock);
}
