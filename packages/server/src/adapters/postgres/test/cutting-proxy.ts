// A TCP proxy in front of the database that cuts a connection at its next COMMIT: before the database has got it, before the answer is
// back, or such that the transaction stays open, and nobody can ask for it until the test lets them. Or it leaves a new connection without
// an answer to its settings.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export type Cut = "before the commit" | "before the answer" | "and leave it open" | "without its settings";

export class CuttingProxy implements AsyncDisposable {
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	#cut: Cut | null = null;
	#onCut = () => {};
	#isClosed = false;

	private constructor({ port, hostname }: URL) {
		this.#server = createServer((client) => this.#join(client, connect(Number(port), hostname)));
	}

	/** Listens in front of the server of this URL. */
	static async open(url: string): Promise<{ proxy: CuttingProxy; url: string }> {
		const target = new URL(url);
		const proxy = new CuttingProxy(target);
		await new Promise<void>((resolve) => void proxy.#server.listen(0, "127.0.0.1", resolve));
		target.port = String((proxy.#server.address() as AddressInfo).port);
		return { proxy, url: target.href };
	}

	/**
	 * Cuts the connection that commits next, and resolves then. After "and leave it open", no connection is accepted until `reopen`. With
	 * "without its settings", it is the next new connection, which stays open and gets no answer any more.
	 */
	cutNext(cut: Cut): Promise<void> {
		this.#cut = cut;
		return new Promise((resolve) => (this.#onCut = resolve));
	}

	reopen(): void {
		this.#isClosed = false;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
	}

	#join(client: Socket, database: Socket): void {
		let isMute = false;
		let isLeftOpen = false;
		if (this.#isClosed) client.destroy();
		for (const socket of [client, database]) {
			this.#sockets.add(socket);
			socket.setNoDelay(true);
			socket.on("error", () => {});
			socket.on("close", () => {
				client.destroy();
				if (!isLeftOpen) database.destroy();
			});
		}
		client.on("data", (data) => {
			const at = this.#cut === "without its settings" ? "enable_seqscan" : "COMMIT";
			const cut = data.includes(at) ? this.#cut : null;
			if (cut === null) {
				database.write(data);
				return;
			}
			this.#cut = null;
			this.#onCut();
			if (cut === "without its settings") return;
			if (cut === "and leave it open") isLeftOpen = this.#isClosed = true;
			if (cut !== "before the answer") {
				client.destroy();
				return;
			}
			isMute = true;
			database.write(data);
		});
		database.on("data", (data) => {
			if (isMute) client.destroy();
			else client.write(data);
		});
	}
}
