// The connections to each origin: limited in number, and closed when they have been idle for a while.
import type { Clock } from "../../core/clock.ts";
import { Connection } from "./connection.ts";
import type { Connector } from "./connector.ts";
import type { Exchange } from "./exchange.ts";
import { SendFailure } from "./send-failure.ts";

export interface OriginPoolsOptions {
	connector: Connector;
	clock: Clock;
	/** While there are more pools than this, idle ones are closed, the longest idle first. */
	maxPools: number;
	/** The most connections to one origin. */
	connectionsPerPool: number;
	/** A pool that had no exchange for this long is closed. */
	poolIdleMs: number;
}

/**
 * Pools by origin. A busy pool, one with at least one exchange, is never closed: while more than `maxPools` origins are
 * busy, there are more pools. So there are at most `maxPools` pools plus one per exchange under way, and the surplus is
 * closed as pools become idle. Each pool has at most `connectionsPerPool` sockets.
 */
export class OriginPools {
	readonly #options: OriginPoolsOptions;
	readonly #pools = new Map<string, OriginPool>();
	/** Idle pools, the longest idle first. */
	readonly #idle = new Set<OriginPool>();
	#cancelSweep = (): void => {};

	constructor(options: OriginPoolsOptions) {
		this.#options = options;
		this.#sweepLater();
	}

	get size(): number {
		return this.#pools.size;
	}

	has(origin: string): boolean {
		return this.#pools.has(origin);
	}

	/** Runs an exchange as soon as its origin has a free connection. */
	run(exchange: Exchange): void {
		const { origin } = exchange.target;
		let pool = this.#pools.get(origin);
		if (pool === undefined) {
			pool = new OriginPool(origin, this.#options, this.#becameIdle);
			this.#pools.set(origin, pool);
			this.#closeSurplus();
		}
		this.#idle.delete(pool);
		pool.run(exchange);
	}

	/** Closes all free connections. Busy ones end with their exchanges. */
	close(): void {
		this.#cancelSweep();
		for (const pool of this.#pools.values()) pool.close();
		this.#pools.clear();
		this.#idle.clear();
	}

	readonly #becameIdle = (pool: OriginPool): void => {
		if (this.#pools.get(pool.origin) !== pool) return;
		this.#idle.add(pool);
		this.#closeSurplus();
	};

	#sweepLater(): void {
		const { clock, poolIdleMs } = this.#options;
		this.#cancelSweep = clock.after(poolIdleMs / 2, () => {
			this.#closeIdleSince(clock.monotonicMs() - poolIdleMs);
			this.#sweepLater();
		});
	}

	#closeSurplus(): void {
		for (const pool of this.#idle) {
			if (this.#pools.size <= this.#options.maxPools) return;
			this.#close(pool);
		}
	}

	#closeIdleSince(time: number): void {
		for (const pool of this.#idle) {
			if (pool.idleSince > time) return;
			this.#close(pool);
		}
	}

	#close(pool: OriginPool): void {
		this.#idle.delete(pool);
		this.#pools.delete(pool.origin);
		pool.close();
	}
}

/**
 * The connections to one origin. Undici's own Pool is not used: it reconnects after each aborted request, leaves
 * expired requests in its queue, and opens twice the connections that a steady load needs.
 */
class OriginPool {
	readonly origin: string;
	/** In monotonic time. */
	idleSince = 0;
	readonly #options: OriginPoolsOptions;
	readonly #becameIdle: (pool: OriginPool) => void;
	/**
	 * Open connections without an exchange. The one used last is used next, so surplus connections become idle and close.
	 */
	readonly #free: Connection[] = [];
	/** Exchanges that found all connections in use, in order of arrival. */
	readonly #waiting = new Set<Exchange>();
	#running = 0;
	/** Exchanges that start later in this turn of the event loop. */
	#starting = 0;

	constructor(origin: string, options: OriginPoolsOptions, becameIdle: (pool: OriginPool) => void) {
		this.origin = origin;
		this.#options = options;
		this.#becameIdle = becameIdle;
	}

	/**
	 * Starts the exchange a moment later, in `setImmediate`. By then undici has left its parser: a connection whose
	 * response has just been read is ready for the next request, and a connection that the receiver has closed is known to
	 * be closed.
	 */
	run(exchange: Exchange): void {
		this.#starting += 1;
		setImmediate(startIn, this, exchange);
	}

	start(exchange: Exchange): void {
		this.#starting -= 1;
		if (exchange.isSettled) this.#checkIdle();
		else if (this.#running >= this.#options.connectionsPerPool) exchange.waitIn(this.#waiting);
		else this.#dispatch(exchange);
	}

	/** Called when a connection's exchange is over. The connection can be used again unless it is closed. */
	release(connection: Connection): void {
		this.#running -= 1;
		if (connection.isOpen) this.#free.push(connection);
		if (this.#waiting.size > 0 || this.#running === 0) queueMicrotask(this.#resumeSoon);
	}

	/** Called when a connection was closed while it was free. */
	forget(connection: Connection): void {
		const index = this.#free.indexOf(connection);
		if (index !== -1) this.#free.splice(index, 1);
	}

	close(): void {
		const closed = new SendFailure("aborted", "the connection is no longer needed");
		for (const connection of this.#free.splice(0)) connection.destroy(closed);
	}

	#dispatch(exchange: Exchange): void {
		this.#running += 1;
		const connection = this.#free.pop() ?? new Connection(this.origin, this.#options.connector, this);
		connection.run(exchange);
	}

	readonly #resumeSoon = (): void => {
		setImmediate(this.#resume);
	};

	readonly #resume = (): void => {
		for (const exchange of this.#waiting) {
			if (this.#running >= this.#options.connectionsPerPool) return;
			this.#waiting.delete(exchange);
			this.#dispatch(exchange);
		}
		this.#checkIdle();
	};

	#checkIdle(): void {
		if (this.#running > 0 || this.#starting > 0 || this.#waiting.size > 0) return;
		this.idleSince = this.#options.clock.monotonicMs();
		this.#becameIdle(this);
	}
}

function startIn(pool: OriginPool, exchange: Exchange): void {
	pool.start(exchange);
}
