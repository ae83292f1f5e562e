// An address that leads to one of several targets: the load balancer, and the stable address of the database.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Passes each connection on to the target that `choose` names at that moment. Without one, the connection is reset. */
export class Address {
	readonly #server: Server;
	readonly #choose: () => number | null;
	readonly #sockets = new Set<Socket>();

	private constructor(choose: () => number | null) {
		this.#choose = choose;
		this.#server = createServer((client) => this.#join(client));
	}

	/** @param choose the port of the target on this machine; null if there is none now */
	static async open(choose: () => number | null): Promise<Address> {
		const address = new Address(choose);
		await once(address.#server.listen(0, "127.0.0.1"), "listening");
		return address;
	}

	get port(): number {
		return (this.#server.address() as AddressInfo).port;
	}

	/** Ends the connections there are: their clients open new ones. */
	cut(): void {
		for (const socket of this.#sockets) socket.destroy();
	}

	close(): void {
		this.#server.close();
		this.cut();
	}

	#join(client: Socket): void {
		const port = this.#choose();
		this.#track(client);
		if (port === null) {
			client.resetAndDestroy();
			return;
		}
		const target = connect(port, "127.0.0.1");
		this.#track(target);
		client.pipe(target).pipe(client);
		client.once("close", () => target.destroy());
		target.once("close", () => client.destroy());
	}

	#track(socket: Socket): void {
		this.#sockets.add(socket);
		socket.setNoDelay(true);
		socket.on("error", () => {});
		socket.once("close", () => this.#sockets.delete(socket));
	}
}

/** Asks the targets every now and then whether they are ready, and gives those that are in turn. */
export class ReadyTargets {
	readonly #ports: readonly number[];
	readonly #timer: NodeJS.Timeout;
	#ready: readonly number[] = [];
	#turn = 0;

	constructor(ports: readonly number[], everyMs = 250) {
		this.#ports = ports;
		this.#timer = setInterval(() => void this.#look(), everyMs);
	}

	next(): number | null {
		this.#turn++;
		return this.#ready[this.#turn % this.#ready.length] ?? null;
	}

	/** Resolves when one of them is ready. */
	async one(): Promise<void> {
		while (this.#ready.length === 0) await this.#look();
	}

	close(): void {
		clearInterval(this.#timer);
	}

	async #look(): Promise<void> {
		const answers = await Promise.all(this.#ports.map(isReady));
		this.#ready = this.#ports.filter((_, index) => answers[index]);
	}
}

async function isReady(port: number): Promise<boolean> {
	try {
		const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(1_000) });
		await response.arrayBuffer();
		return response.ok;
	} catch {
		return false;
	}
}
