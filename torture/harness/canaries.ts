// Listeners on addresses that the server must never connect to: each connection is a breach.
import { createServer, type AddressInfo, type Server } from "node:net";

export class Canaries implements AsyncDisposable {
	/** Connections so far. */
	reached = 0;
	/** `host:port` of each, ready for a URL; the first is IPv4. */
	readonly hosts: string[] = [];
	readonly #servers: Server[] = [];

	/** On 127.0.0.2, and on ::1 where the machine has it; one port number for both if that is free. */
	static async listen(): Promise<Canaries> {
		const canaries = new Canaries();
		await canaries.watch(0);
		return canaries;
	}

	/** Listens on this port as well, where it is free: the same as a receiver's, which names can be turned away from. */
	async watch(port: number): Promise<void> {
		const taken = await this.#listen("127.0.0.2", port).catch(() => port);
		await this.#listen("::1", taken).catch(() => null);
	}

	get port(): number {
		const [server] = this.#servers;
		if (server === undefined) throw new Error("the canaries do not listen");
		return (server.address() as AddressInfo).port;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
	}

	#listen(host: string, port: number): Promise<number> {
		const server = createServer((socket) => {
			this.reached++;
			socket.destroy();
		});
		return new Promise((resolve, reject) => {
			server.once("error", reject);
			server.listen(port, host, () => {
				this.#servers.push(server);
				const { port } = server.address() as AddressInfo;
				this.hosts.push(host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);
				resolve(port);
			});
		});
	}
}
