// The connections of one project or customer to one origin, and the exchanges that wait for one of them.
import type { Clock } from "../../../core/clock.ts";
import { Connection, type ConnectionOwner } from "../connection.ts";
import type { Connector } from "../connector.ts";
import { CLOSED, type Exchange, type Target, type WaitingLine } from "../exchange.ts";
import { destinationOf, type Destination } from "../opening/dial.ts";
import type { Opener, Openings } from "../openings.ts";
import { SendFailure } from "../send-failure.ts";
import type { Usage } from "./usage.ts";

/** The most connections of a pool that are being opened at once. */
const MAX_OPENING_PER_POOL = 8;
/** How long a pool opens no connection when there was no free port for one. */
const PORT_PAUSE_MS = 1_000;
const NO_LONGER_NEEDED = new SendFailure("aborted", "the connection is no longer needed");

/** What a pool tells the others, and asks of them. */
interface OtherPools {
	/** Closes idle connections if there are as many sockets as there may be. */
	makeRoom(): void;
	/** Closes idle connections, this many if there are. */
	closeFree(count: number): void;
	/** The pool has no exchange any more. */
	becameIdle(pool: OriginPool): void;
}

export interface OriginPoolOptions {
	connector: Connector;
	clock: Clock;
	/** The most connections of one project or customer to one origin. */
	connectionsPerPool: number;
	/** Counts pools and sockets. */
	usage: Usage;
	openings: Openings;
	pools: OtherPools;
}

/** A pool of a project. Neither a customer's id nor an origin has a space. */
export function keyOf({ customerId, origin }: Pick<Target, "customerId" | "origin">): string {
	return customerId === null ? origin : `${customerId} ${origin}`;
}

/** The connections of one project or customer to one origin. */
export class OriginPool implements ConnectionOwner, Opener, WaitingLine {
	readonly projectId: string;
	readonly customerId: string | null;
	readonly origin: string;
	readonly key: string;
	/** In monotonic time. */
	idleSince = 0;
	readonly #options: OriginPoolOptions;
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

	constructor({ projectId, customerId, origin }: Target, options: OriginPoolOptions) {
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
		if (failure?.code === "shortage") pools.closeFree(Infinity);
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
