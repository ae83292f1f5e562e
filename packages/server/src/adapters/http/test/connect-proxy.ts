// A proxy for tests: it connects to any address, or fails in the ways in which proxies do.
import { createServer, type IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";

/** A real proxy that supports CONNECT and records the requests. */
export async function startProxy(behaviour: number | "connect" | "hang" | "close" | "talk" = "connect") {
	const asked: IncomingMessage[] = [];
	const sockets = new Set<Socket>();
	const server = createServer((_request, response) => response.writeHead(400).end());
	server.on("connection", (socket) => {
		sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
	});
	server.on("connect", (request, client) => {
		asked.push(request);
		if (behaviour === "hang") return;
		if (behaviour === "close") {
			client.destroy();
		} else if (behaviour === "talk") {
			client.resume().on("end", () => client.end());
			client.write("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
		} else if (behaviour === "connect") {
			const [host = "", port] = (request.url ?? "").split(/:(?=\d+$)/);
			const receiver = connect(Number(port), host, () => client.write("HTTP/1.1 200 Connection established\r\n\r\n"));
			sockets.add(receiver.on("error", () => client.destroy()));
			receiver.pipe(client).pipe(receiver);
			client.on("close", () => receiver.destroy());
		} else {
			client.resume().on("end", () => client.end()); // stays open until the other side closes
			client.write(`HTTP/1.1 ${behaviour} s3cret words\r\n\r\n`);
		}
	});
	const { promise, resolve } = Promise.withResolvers<void>();
	server.listen(0, "127.0.0.1", resolve);
	await promise;
	const { port } = server.address() as AddressInfo;
	return {
		asked,
		sockets,
		place: `127.0.0.1:${port}`,
		url: `http://user:p%40s3cret@127.0.0.1:${port}`,
		[Symbol.asyncDispose]() {
			const closed = Promise.withResolvers<void>();
			server.close(() => closed.resolve());
			for (const socket of sockets) socket.destroy();
			return closed.promise;
		},
	};
}
