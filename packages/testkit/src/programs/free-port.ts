// A port that no other program has at the moment, for a program that must know its port before it starts.
import { createServer } from "node:net";

/** Below the range of outgoing connections, so that no connection takes the port while the server is down. */
const PORTS = { from: 15_000, to: 32_000 };
/** More than the processes that run tests at the same time. */
const PARTS = 8;

/** A port that is free now, and will not be given to an outgoing connection. */
export async function freePort(): Promise<number> {
	const { from, to } = portsOfThisProcess();
	const port = from + Math.floor(Math.random() * (to - from));
	const probe = createServer();
	const isFree = await new Promise<boolean>((resolve) => {
		probe.once("error", () => resolve(false));
		probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
	});
	return isFree ? port : freePort();
}

/**
 * Each process of a run of the tests, with the programs that it starts, has a part of the ports. Otherwise it would at times take the port of
 * a server that another one has stopped and is about to start again.
 */
function portsOfThisProcess(): typeof PORTS {
	const worker = process.env["VITEST_POOL_ID"];
	if (worker === undefined) return PORTS;
	const size = Math.floor((PORTS.to - PORTS.from) / PARTS);
	const from = PORTS.from + (Number(worker) % PARTS) * size;
	return { from, to: from + size };
}
