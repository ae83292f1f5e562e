// Whether a connection could not be opened since all local ports are in use, or since the machine has no address to call from.
import { createSocket } from "node:dgram";

import { addressOf, causesOf, codeOf, type LacksPort } from "../send-failure.ts";

const NO_SOURCE = /^(EADDRNOTAVAIL|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EAFNOSUPPORT)$/;

/**
 * Finds out which errors of an attempt to connect say that all local ports are in use. The code for that, `EADDRNOTAVAIL`, can also say
 * that the machine has no address from which this one could be called, such as with IPv6 on another network only. Never rejects.
 */
export async function findLackOfPorts(failure: unknown): Promise<LacksPort> {
	const causes = causesOf(failure).filter((cause) => codeOf(cause) === "EADDRNOTAVAIL");
	const lack = await Promise.all(causes.map(hasSource));
	const found = new Set(causes.filter((_, index) => lack[index]));
	return (cause) => found.has(cause);
}

/**
 * Whether the machine has an address from which the one that the error names can be called. A socket for datagrams needs it, too, when it is
 * connected, which sends nothing, and has ports of its own. True if the system does not say, or allows no such sockets.
 */
function hasSource(cause: unknown): Promise<boolean> {
	const address = addressOf(cause);
	if (address === null) return Promise.resolve(false);
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const socket = createSocket(address.ip.includes(":") ? "udp6" : "udp4");
	const end = (hasOne: boolean) => {
		resolve(hasOne);
		socket.close();
	};
	socket.once("connect", () => end(true)).once("error", (refusal) => end(!NO_SOURCE.test(codeOf(refusal))));
	socket.connect(address.port, address.ip);
	return promise;
}
