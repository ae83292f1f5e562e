// The connections of each project and customer to each origin: limited in number, and closed when they have been idle for a while.
import type { Exchange, Target } from "./exchange.ts";
import { Openings } from "./openings.ts";
import { keyOf, OriginPool, type OriginPoolOptions } from "./pools/origin-pool.ts";

export interface OriginPoolsOptions extends Omit<OriginPoolOptions, "openings" | "pools"> {
	/** While there are more pools than this, idle ones are closed: see `OriginPools`. */
	maxPools: number;
	/** When as many sockets are connecting or open, idle connections are closed before another one is opened. */
	maxSockets: number;
	/** A pool that had no exchange for this long is closed. */
	poolIdleMs: number;
	/** The most connections being opened at once, in all pools together. */
	maxOpening: number;
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
	/** Idle pools, the longest idle first. */
	readonly #idle = new Set<OriginPool>();
	readonly #openings: Openings;
	#cancelSweep = (): void => {};

	constructor(options: OriginPoolsOptions) {
		this.#options = options;
		this.#openings = new Openings(options.maxOpening);
		this.#sweepLater();
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
		this.#options.usage.pools += 1;
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
		for (const pool of this.#idleFirst()) pool.distrust();
		this.#projects.clear();
		this.#options.usage.pools = 0;
		this.#idle.clear();
	}

	becameIdle(pool: OriginPool): void {
		if (this.#projects.get(pool.projectId)?.get(pool.key) !== pool) return;
		this.#idle.add(pool);
		this.#closeSurplus();
	}

	/** Closes idle connections if there are as many sockets as there may be. */
	makeRoom(): void {
		const { usage, maxSockets } = this.#options;
		const surplus = usage.allSockets + 1 - maxSockets;
		if (surplus <= 0) return;
		const left = surplus - this.closeFree(surplus);
		if (left > 0) usage.makeRoomElsewhere(left);
	}

	/** Closes idle connections, this many if there are, those of the longest idle pools first. Returns how many it has closed. */
	closeFree(count: number): number {
		let closed = 0;
		for (const pool of this.#idleFirst()) {
			if (closed >= count) break;
			closed += pool.close();
		}
		return closed;
	}

	/** All pools. Those with exchanges have free connections, too. */
	*#idleFirst(): Generator<OriginPool> {
		yield* this.#idle;
		for (const project of this.#projects.values()) yield* project.values();
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
				if (this.#options.usage.pools <= this.#options.maxPools) return;
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
		this.#options.usage.pools -= 1;
		pool.close();
	}
}
