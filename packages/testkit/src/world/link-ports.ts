// From which ports the connections of links to their servers have come. The system gives a port again after its connection has closed.

/** By the server's port and the connection's own: what has used them last. */
const lastUsers = new Map<string, LinkPorts>();

/** The ports of one link. One that another link to the same server has used since is no more among them. */
export class LinkPorts implements Iterable<number> {
	readonly #ports = new Set<number>();

	/** A connection to the server at one port has come from another. */
	add(port: number, serverPort: number): void {
		const key = `${serverPort} ${port}`;
		lastUsers.get(key)?.forget(port);
		lastUsers.set(key, this);
		this.#ports.add(port);
	}

	forget(port: number): void {
		this.#ports.delete(port);
	}

	has(port: number): boolean {
		return this.#ports.has(port);
	}

	[Symbol.iterator](): Iterator<number> {
		return this.#ports.values();
	}
}
