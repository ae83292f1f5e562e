// The places for connections of clients. When all are taken, those with few connections get one from the client that has most.
import { networkOf } from "./core/access/client-network.ts";
import type { Clock } from "./core/clock.ts";

/** Connections of one client that are looked at for one that can be closed. */
const MOST_LOOKED_AT = 100;
/** How often all clients are looked through for the one that has most. */
const LOOK_EVERY_MS = 100;

/** The part of a connection that is used here. */
export interface PlacedSocket {
	readonly remoteAddress?: string | undefined;
	destroy(): unknown;
	once(event: "close", listener: () => void): unknown;
}

interface ClientPlacesOptions<S> {
	/** The most connections at once. */
	readonly most: number;
	/** Whether a connection may be closed for another one: none of its requests has arrived as a whole and waits for its response. */
	readonly isIdle: (socket: S) => boolean;
	/** Called for each connection that is closed because there are too many. */
	readonly refused: () => void;
}

/**
 * A client is an address (of IPv6, a network of 64 bits): more is not known before a request comes. Without this, one that holds connections, or opens
 * them faster than they are closed, would keep out all others.
 */
export class ClientPlaces<S extends PlacedSocket> {
	readonly #options: ClientPlacesOptions<S>;
	readonly #clock: Pick<Clock, "monotonicMs">;
	/** By client: its connections, those first that were opened, or found busy, the longest ago. */
	readonly #sockets = new Map<string, Set<S>>();
	#size = 0;
	/** The client that had most connections when all clients were looked through. */
	#largest: string | null = null;
	#lookedAt = Number.NEGATIVE_INFINITY;

	constructor(clock: Pick<Clock, "monotonicMs">, options: ClientPlacesOptions<S>) {
		this.#clock = clock;
		this.#options = options;
	}

	/** Gives a new connection a place, that of another one if need be. Closes it and returns false if there is none for it. */
	take(socket: S): boolean {
		const client = networkOf(socket.remoteAddress ?? null);
		if (this.#size >= this.#options.most) {
			this.#options.refused();
			const given = this.#giveUp(client);
			(given ?? socket).destroy();
			if (given === null) return false;
			this.#leave(given);
		}
		const own = this.#sockets.get(client) ?? new Set();
		this.#sockets.set(client, own.add(socket));
		this.#size++;
		socket.once("close", () => this.#leave(socket, client));
		return true;
	}

	/** A connection of the client with most, if that has more than this one with another one would have. */
	#giveUp(client: string): S | null {
		const least = (this.#sockets.get(client)?.size ?? 0) + 1;
		const sockets = this.#moreThan(least);
		if (sockets === null) return null;
		let left = MOST_LOOKED_AT;
		for (const socket of sockets) {
			if (this.#options.isIdle(socket)) return socket;
			if (--left < 0) return null;
			// The next look begins behind it.
			sockets.delete(socket);
			sockets.add(socket);
		}
		return null;
	}

	#moreThan(least: number): Set<S> | null {
		const known = this.#largest === null ? undefined : this.#sockets.get(this.#largest);
		if (known !== undefined && known.size > least) return known;
		const now = this.#clock.monotonicMs();
		if (now - this.#lookedAt < LOOK_EVERY_MS) return null;
		this.#lookedAt = now;
		let largest: Set<S> | null = null;
		for (const [client, sockets] of this.#sockets) {
			if (largest !== null && sockets.size <= largest.size) continue;
			largest = sockets;
			this.#largest = client;
		}
		return largest !== null && largest.size > least ? largest : null;
	}

	#leave(socket: S, client = networkOf(socket.remoteAddress ?? null)): void {
		const own = this.#sockets.get(client);
		if (own?.delete(socket) !== true) return;
		this.#size--;
		if (own.size === 0) this.#sockets.delete(client);
	}
}
