// The connections of each project and customer to each origin: limited in number, and closed when they have been idle for a while.
import type { Clock } from "../../core/clock.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import type { Connector } from "./connector.ts";
import { CLOSED, type Exchange, type Target, type WaitingLine } from "./exchange.ts";
import { destinationOf, type Destination } from "./opening/dial.ts";
import { Openings, type Opener } from "./openings.ts";
import { SendFailure } from "./send-failure.ts";

/** The most connections of a pool that are being opened at once. */
const MAX_OPENING_PER_POOL = 8;
/** How long a pool opens no connection when there was no free port for one. */
const PORT_PAUSE_MS = 1_000;
const NO_LONGER_NEEDED = new SendFailure("aborted", "the connection is no longer needed");

export interface OriginPoolsOptions {
	connector: Connector;
	clock: Clock;
	/** While there are more pools than this, idle ones are closed: see `OriginPools`. */
	maxPools: number;
	/** The most connections of one project or customer to one origin. */
	connectionsPerPool: number;
	/** When as many sockets are connecting or open, idle connections are closed before another one is opened. */
	maxSockets: number;
	/** A pool that had no exchange for this long is closed. */
	poolIdleMs: number;
}

/**
 * Pools by project, customer and origin. Projects share no connection, so that a receiver that answers out of turn confuses nobody
 * but its own project. Nor do customers, nor a customer and the webhooks of the project that have none.
 *
 * A busy pool, one with at least one exchange, is never closed: while more than `maxPools` of them are busy, there are
 * more pools. So there are at most `maxPools` pools plus one per exchange under way, and the surplus is closed as pools
 * become idle: first those of projects that have more than their share of `maxPools`, the longest idle first. Each pool
 * has at most `connectionsPerPool` sockets.
 */
export class OriginPools {
	readonly #options: OriginPoolsOptions;
	/** By project, then by `keyOf`. */
	readonly #projects = new Map<string, Map<string, OriginPool>>();
	#size = 0;
	/** Idle pools, the longest idle first. */
	readonly #idle = new Set<OriginPool>();
	readonly #openings = new Openings();
	#cancelSweep = (): void => {};

	constructor(options: OriginPoolsOptions) {
		this.#options = options;
		this.#sweepLater();
	}

	get size(): number {
		return this.#size;
	}

	has(target: Target): boolean {
		return this.#projects.get(target.projectId)?.has(keyOf(target)) ?? false;
	}

	/** Runs an exchange as soon as its pool has a free connection. */
	run(exchange: Exchange): void {
		const { target } = exchange;
		const pool = this.#projects.get(target.projectId)?.get(keyOf(target)) ?? this.#add(target);
		this.#idle.delete(pool);
		pool.run(exchange);
	}

	#add(target: Target): OriginPool {
		const { projectId } = target;
		const pool = new OriginPool(target, { ...this.#options, openings: this.#openings, pools: this });
		const project = this.#projects.get(projectId);
		if (project === undefined) this.#projects.set(projectId, new Map([[pool.key, pool]]));
		else project.set(pool.key, pool);
		this.#size += 1;
		this.#closeSurplus();
		return pool;
	}

	/** Closes all free connections. Busy ones end with their exchanges. */
	close(): void {
		this.#cancelSweep();
		this.forget();
	}

	/** Each further exchange is checked anew and gets a new connection. Those under way end on the connections that they have. */
	forget(): void {
		for (const project of this.#projects.values()) for (const pool of project.values()) pool.distrust();
		this.#projects.clear();
		this.#size = 0;
		this.#idle.clear();
	}

	becameIdle(pool: OriginPool): void {
		if (this.#projects.get(pool.projectId)?.get(pool.key) !== pool) return;
		this.#idle.add(pool);
		this.#closeSurplus();
	}

	/** Closes idle connections if there are as many sockets as there may be, those of the longest idle pools first. */
	makeRoom(): void {
		const { connector, maxSockets } = this.#options;
		let surplus = connector.socketCount + 1 - maxSockets;
		for (const pool of this.#idle) {
			if (surplus <= 0) return;
			surplus -= pool.close();
		}
		if (surplus > 0) this.closeFree();
	}

	/** Closes all idle connections. */
	closeFree(): void {
		for (const project of this.#projects.values()) for (const pool of project.values()) pool.close();
	}

	#sweepLater(): void {
		const { clock, poolIdleMs } = this.#options;
		this.#cancelSweep = clock.after(poolIdleMs / 2, () => {
			this.#closeIdleSince(clock.monotonicMs() - poolIdleMs);
			this.#sweepLater();
		});
	}

	#closeSurplus(): void {
		for (const ofAll of [false, true]) {
			for (const pool of this.#idle) {
				if (this.#size <= this.#options.maxPools) return;
				if (ofAll || this.#hasMoreThanItsShare(pool.projectId)) this.#close(pool);
			}
		}
	}

	#hasMoreThanItsShare(projectId: string): boolean {
		const count = this.#projects.get(projectId)?.size ?? 0;
		return count * this.#projects.size > this.#options.maxPools;
	}

	#closeIdleSince(time: number): void {
		for (const pool of this.#idle) {
			if (pool.idleSince > time) return;
			this.#close(pool);
		}
	}

	#close(pool: OriginPool): void {
		const { projectId, key } = pool;
		this.#idle.delete(pool);
		const project = this.#projects.get(projectId);
		project?.delete(key);
		if (project?.size === 0) this.#projects.delete(projectId);
		this.#size -= 1;
		pool.close();
	}
}

interface PoolOptions extends OriginPoolsOptions {
	openings: Openings;
	pools: OriginPools;
}

/** A pool of a project. Neither a customer's id nor an origin has a space. */
function keyOf({ customerId, origin }: Pick<Target, "customerId" | "origin">): string {
	return customerId === null ? origin : `${customerId} ${origin}`;
}

/** The connections of one project or customer to one origin. */
class OriginPool implements ConnectionOwner, Opener, WaitingLine {
	readonly projectId: string;
	readonly customerId: string | null;
	readonly origin: string;
	readonly key: string;
	/** In monotonic time. */
	idleSince = 0;
	readonly #options: PoolOptions;
	readonly #destination: Destination;
	/**
	 * Open connections without an exchange. The one used last is used next, so surplus connections become idle and close.
	 */
	readonly #free: Connection[] = [];
	/** Exchanges without a connection, in order of arrival: the first one gets the next connection that opens or is free. */
	readonly #waiting = new Set<Exchange>();
	/** Exchanges that have a connection. */
	#running = 0;
	/** Connections that are being opened, at most one for each exchange that waits. The oldest is meant for the first of them. */
	readonly #opening = new Set<Connection>();
	/** In monotonic time: until then no connection is opened, because there was no free port. */
	#opensAgainAt = -Infinity;
	/** Exchanges that start later in this turn of the event loop. */
	#starting = 0;
	/** The receiver has sent bytes that belong to no request. Each further exchange gets a connection of its own. */
	#isDistrusted = false;

	constructor({ projectId, customerId, origin }: Target, options: PoolOptions) {
		this.projectId = projectId;
		this.customerId = customerId;
		this.origin = origin;
		this.key = keyOf(this);
		this.#options = options;
		this.#destination = destinationOf(origin);
	}

	/**
	 * Starts the exchange a moment later, in `setImmediate`. By then a connection whose response has just been read is ready for
	 * the next request, and one that the receiver has closed is known to be closed.
	 */
	run(exchange: Exchange): void {
		this.#starting += 1;
		setImmediate(startIn, this, exchange);
	}

	start(exchange: Exchange): void {
		this.#starting -= 1;
		if (exchange.isSettled) {
			this.#checkIdle();
			return;
		}
		const free = this.#waiting.size === 0 ? this.#free.pop() : undefined;
		if (free === undefined) this.#wait(exchange);
		else this.#runOn(free, exchange);
	}

	#wait(exchange: Exchange): void {
		exchange.waitIn(this);
		this.#waiting.add(exchange);
		this.#serve();
	}

	#runOn(connection: Connection, exchange: Exchange): void {
		this.#running += 1;
		connection.run(exchange);
	}

	/** Gives free connections to those that wait, and opens others for the rest. */
	#serve(): void {
		for (const exchange of this.#waiting) {
			if (this.#free.length === 0) break;
			if (!exchange.needsNewConnection) this.#giveTo(exchange, this.#free.pop());
		}
		while (this.#opening.size < this.#waiting.size && this.#mayOpen()) {
			this.#opening.add(new Connection(this.#destination, this.#options, this));
		}
		this.#beginTurns();
	}

	/** The connections that are being opened are meant for the first of those that wait. */
	#beginTurns(): void {
		let left = this.#opening.size;
		for (const exchange of this.#waiting) {
			if (left-- === 0) return;
			exchange.beginTurn();
		}
	}

	#giveTo(exchange: Exchange, connection: Connection | undefined): void {
		if (connection === undefined) return;
		this.#waiting.delete(exchange);
		this.#runOn(connection, exchange);
	}

	/** If so, the opening is counted, until it has ended. */
	#mayOpen(): boolean {
		const { clock, connectionsPerPool, openings, pools } = this.#options;
		const { size } = this.#opening;
		if (this.#running + size >= connectionsPerPool || size >= MAX_OPENING_PER_POOL) return false;
		if (clock.monotonicMs() < this.#opensAgainAt || !openings.take(this)) return false;
		pools.makeRoom();
		return true;
	}

	opened(connection: Connection, failure: SendFailure | null): void {
		const { clock, openings, pools } = this.#options;
		// Otherwise nobody waits for it any more.
		if (!this.#opening.delete(connection)) {
			connection.destroy(NO_LONGER_NEEDED);
			return;
		}
		if (failure?.code === "shortage") pools.closeFree();
		if (failure?.code === "queued") {
			this.#opensAgainAt = clock.monotonicMs() + PORT_PAUSE_MS;
			clock.after(PORT_PAUSE_MS, this.#resumeSoon);
		}
		const first = this.#firstInTime();
		if (first === undefined) {
			if (connection.isOpen) this.#free.push(connection);
		} else if (connection.isOpen) {
			this.#giveTo(first, connection);
		} else {
			this.#waiting.delete(first);
			first.failToConnect(failure ?? CLOSED, connection.facts);
		}
		openings.done(this);
		this.#resumeSoon();
	}

	/**
	 * The first that waits and has time left for a response: connections whose opening hangs make the first ones late. Those whose time
	 * is over leave: nothing was sent for them.
	 */
	#firstInTime(): Exchange | undefined {
		let late: Exchange | undefined;
		for (const exchange of this.#waiting) {
			if (exchange.isDue) {
				this.#waiting.delete(exchange);
				exchange.expire();
			} else if (!exchange.isLate) return exchange;
			else late ??= exchange;
		}
		return late;
	}

	openWaiting(): void {
		this.#serve();
	}

	/** An exchange that leaves the line takes the opening of its connection with it. */
	leave(exchange: Exchange): void {
		const position = this.#positionOf(exchange);
		if (!this.#waiting.delete(exchange)) return;
		const connection = [...this.#opening][position];
		if (connection !== undefined) {
			this.#opening.delete(connection);
			connection.destroy(NO_LONGER_NEEDED);
			this.#options.openings.done(this);
		}
		queueMicrotask(this.#resumeSoon);
	}

	whyWaiting(exchange: Exchange, within: string): SendFailure {
		const { place } = exchange.target;
		const connection = [...this.#opening][this.#positionOf(exchange)];
		if (connection === undefined) return new SendFailure("queued", `no connection to ${place} became free ${within}`);
		if (!connection.isQueued) {
			return new SendFailure("timeout", `no connection to ${place} ${within}`, { what: "connect_timeout" });
		}
		return new SendFailure("queued", `the look-up of the name of ${place} could not begin ${within}`);
	}

	/** Its place in the line, from 0. Those that are further behind than connections can be opened are all the same. */
	#positionOf(exchange: Exchange): number {
		let position = 0;
		for (const other of this.#waiting) {
			if (other === exchange || position === MAX_OPENING_PER_POOL) break;
			position += 1;
		}
		return position;
	}

	/** Called when a connection's exchange is over. The connection can be used again unless it is closed. */
	release(connection: Connection): void {
		this.#running -= 1;
		if (connection.isOpen && !this.#isDistrusted) this.#free.push(connection);
		else if (connection.isOpen) connection.destroy(NO_LONGER_NEEDED);
		if (this.#waiting.size > 0 || this.#running === 0) queueMicrotask(this.#resumeSoon);
	}

	/** Runs an exchange again whose kept connection was closed by the receiver. Other kept ones may be closed too by now. */
	repeat(exchange: Exchange): void {
		this.#running -= 1;
		this.#wait(exchange);
	}

	/** Called when a connection was closed while it was free. */
	forget(connection: Connection): void {
		const index = this.#free.indexOf(connection);
		if (index !== -1) this.#free.splice(index, 1);
	}

	distrust(): void {
		this.#isDistrusted = true;
		this.close();
	}

	/** Closes the free connections, and returns their number. */
	close(): number {
		const free = this.#free.splice(0);
		for (const connection of free) connection.destroy(NO_LONGER_NEEDED);
		return free.length;
	}

	readonly #resumeSoon = (): void => {
		setImmediate(this.#resume);
	};

	readonly #resume = (): void => {
		this.#serve();
		this.#checkIdle();
	};

	#checkIdle(): void {
		if (this.#running > 0 || this.#starting > 0 || this.#waiting.size > 0 || this.#opening.size > 0) return;
		const { clock, openings, pools } = this.#options;
		openings.leave(this);
		this.idleSince = clock.monotonicMs();
		pools.becameIdle(this);
	}
}

function startIn(pool: OriginPool, exchange: Exchange): void {
	pool.start(exchange);
}
