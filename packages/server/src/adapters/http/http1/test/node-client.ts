// Has Node's own HTTP client read the same bytes, as an independent opinion.
import { request } from "node:http";
import { Duplex } from "node:stream";

/** How Node's client understands some bytes; null if it refuses them. */
export interface NodesOpinion {
	readonly status: number;
	/** Names in lower case and values, in their order. */
	readonly headers: readonly (readonly [name: string, value: string])[];
	readonly body: Buffer;
}

/** Gives bytes and the end of the connection to Node's client, which has sent a POST. */
export function readByNode(bytes: Buffer): Promise<NodesOpinion | null> {
	const { promise, resolve } = Promise.withResolvers<NodesOpinion | null>();
	const socket = new Duplex({
		read() {},
		write(_chunk, _encoding, done) {
			done();
		},
	});
	const client = request({ method: "POST", host: "127.0.0.1", createConnection: () => socket });
	client.on("error", () => resolve(null));
	client.on("upgrade", () => resolve(null));
	let hasResponse = false;
	client.on("close", () => {
		if (!hasResponse) resolve(null);
	});
	client.on("response", (response) => {
		hasResponse = true;
		const parts: Buffer[] = [];
		response.on("data", (part: Buffer) => void parts.push(part));
		response.on("error", () => resolve(null));
		response.on("end", () => {
			const { rawHeaders, statusCode = 0 } = response;
			const headers = rawHeaders.flatMap((name, n) =>
				n % 2 === 0 ? [[name.toLowerCase(), rawHeaders[n + 1] ?? ""] as const] : [],
			);
			resolve(response.complete ? { status: statusCode, headers, body: Buffer.concat(parts) } : null);
		});
	});
	client.end(() => {
		socket.push(bytes);
		socket.push(null);
	});
	return promise.finally(() => socket.destroy());
}
