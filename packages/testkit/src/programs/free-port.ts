// A port that no other program has at the moment, for a program that must know its port before it starts.
import { createServer } from "node:net";

/** Below the range of outgoing connections, so that no connection takes the port while the server is down. */
const PORTS = { from: 15_000, to: 32_000 };

/** A port that is free now, and will not be given to an outgoing connection. */
export async function freePort(): Promise<number> {
	const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
	const probe = createServer();
	const isFree = await new Promise<boolean>((resolve) => {
		probe.once("error", () => resolve(false));
		probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
	});
	return isFree ? port : freePort();
}
