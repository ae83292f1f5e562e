// The main thread's end of the thread that accepts requests.
import { expect, it, onTestFinished, vi } from "vitest";

import { systemClock } from "../adapters/system/system-clock.ts";
import { UnreadableRequests } from "../api/request/unreadable.ts";
import { HttpServer } from "../http-server.ts";
import { Acceptor } from "./acceptor.ts";

const PROGRAM = new URL("../compose/accepting/acceptor-thread.ts", import.meta.url);

it("leaves it to the thread to end what is too slow: the client would not learn why from the main thread's server", async () => {
	const forGiven = vi.spyOn(HttpServer, "forGiven");
	onTestFinished(() => forGiven.mockRestore());
	const unreadable = new UnreadableRequests({
		requestLog: () => {},
		clientAddress: () => null,
		makeRequestId: () => "req_1",
	});
	const options = { host: "127.0.0.1", port: 0, maxConnections: 100, refused: () => {}, program: PROGRAM };
	const acceptor = await Acceptor.listen(options, unreadable, systemClock);
	onTestFinished(() => acceptor.close());
	expect(forGiven.mock.calls.map(([{ requestTimeoutMs, unreadMs }]) => [requestTimeoutMs, unreadMs])).toEqual([[0, 0]]);
});
