import { Connection } from "./connection.ts";
import type { Connector } from "./connector.ts";
// Whom attempts wait for: the connections of each origin, bounded in number, and none that nobody uses.
import type { Exchange } from "./exchange.ts";
import { SendFailure } from "./send-failure.ts";

export interface OriginPoolsOptions {
	connector: Connector;
	/** Above this number of pools, idle ones are closed, the longest idle first. */
	maxPools: number;
	connectionsPerPool: number;
	/** A pool without an attempt for this long is closed. */
	poolIdleMs: number;
}

/**
 * Pools by origin. A pool with an attempt is never closed: when more origins than `maxPools` are busy there are more
 * pools, each with at least one attempt, so there are never more than `maxPools` plus the attempts under way; the
 * surplus is closed as it falls idle. Each pool has `connectionsPerPool` sockets at most.
 */
export class OriginPools {
	readonly #options: OriginPoolsOptions;
	readonly #pools = new Map<string, OriginPool>();
	/** Longest idle first. */
	readonly #idle = new Set<OriginPool>();
	readonly #sweeper: NodeJS.Timeout;

	constructor(options: OriginPoolsOptions) {
		this.#options = options;
		const sweep = () => this.#closeIdleSince(performance.now() - options.poolIdleMs);
		this.#sweeper = setInterval(sweep, options.poolIdleMs / 2).unref();
	}

	get size(): number {
		return this.#pools.size;
	}

	has(origin: string): boolean {
		return this.#pools.has(origin);
	}

	/** Sends an attempt as soon as its origin has a connection to spare. */
	run(exchange: Exchange): void {
		const { origin } = exchange.target;
		let pool = this.#pools.get(origin);
		if (pool === undefined) {
			pool = new OriginPool(origin, this.#options, this.#fellIdle);
			this.#pools.set(origin, pool);
			this.#closeSurplus();
		}
		this.#idle.delete(pool);
		pool.run(exchange);
	}

	close(): void {
		clearInterval(this.#sweeper);
		for (const pool of this.#pools.values()) pool.close();
		this.#pools.clear();
		this.#idle.clear();
	}

	readonly #fellIdle = (pool: OriginPool): void => {
		if (this.#pools.get(pool.origin) !== pool) return;
		this.#idle.add(pool);
		this.#closeSurplus();
	};

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
 * The connections to one origin. undici's own Pool is not used: it connects again for each request that is aborted,
 * keeps those whose time is up in its queue, and takes twice the connections that a steady load needs.
 */
class OriginPool {
	readonly origin: string;
	idleSince = 0;
	readonly #options: OriginPoolsOptions;
	readonly #fellIdle: (pool: OriginPool) => void;
	/** Open connections without an attempt; the last one used is used next, so that a surplus runs out of use. */
	readonly #free: Connection[] = [];
	/** Attempts that found all connections in use. */
	readonly #waiting = new Set<Exchange>();
	#running = 0;
	/** Attempts that start in this turn of the event loop. */
	#starting = 0;

	constructor(origin: string, options: OriginPoolsOptions, fellIdle: (pool: OriginPool) => void) {
		this.origin = origin;
		this.#options = options;
		this.#fellIdle = fellIdle;
	}

	/**
	 * Starts the attempt a moment later. By then undici is out of its parser and has made a connection whose answer has
	 * just been read ready for another request, and it has seen when the receiver has closed one.
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

	/** A connection's attempt is over; `connection` can carry another one unless it is closed. */
	release(connection: Connection): void {
		this.#running -= 1;
		if (connection.isOpen) this.#free.push(connection);
		if (this.#waiting.size > 0 || this.#running === 0) queueMicrotask(this.#resumeSoon);
	}

	/** A connection was closed while it was free. */
	forget(connection: Connection): void {
		const index = this.#free.indexOf(connection);
		if (index !== -1) this.#free.splice(index, 1);
	}

	close(): void {
		const closed = new SendFailure("aborted", "the connection is not needed any more");
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
		this.idleSince = performance.now();
		this.#fellIdle(this);
	}
}

function startIn(pool: OriginPool, exchange: Exchange): void {
	pool.start(exchange);
}
