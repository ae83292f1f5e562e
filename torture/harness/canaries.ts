// Listeners on addresses that the server must never connect to: each connection is a breach.
import { createServer, type AddressInfo, type Server } from "node:net";

export class Canaries implements AsyncDisposable {
	/** The number of connections so far. */
	reached = 0;
	/** `host:port` of each listener, as in a URL. The first is IPv4. */
	readonly hosts: string[] = [];
	readonly #servers: Server[] = [];

	/** Listens on 127.0.0.2, and on ::1 if the machine has it; on the same port for both if that is free. */
	static async listen(): Promise<Canaries> {
		const canaries = new Canaries();
		await canaries.watch(0);
		return canaries;
	}

	/** Also listens on this port, if it is free: the port of a receiver, whose name may resolve to a canary's address later. */
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
