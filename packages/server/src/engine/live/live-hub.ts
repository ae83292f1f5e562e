import type { Clock } from "../../core/clock.ts";
// The live stream: whoever watches a project is told what happens in it. In memory alone, and bounded: each watched project
// has one ring of items; a client is a place in it. Who falls out of the ring is too slow and is dropped.
import { FanfareError } from "../../core/errors.ts";
import type { LiveFact } from "../../core/live.ts";
import type { Live, LiveRequest, LiveSubscription } from "../calls.ts";
import { LiveClient } from "./live-client.ts";
import { LiveFeed } from "./live-feed.ts";

export interface LiveLimits {
	/** Items kept for each watched project. One turn of the event loop can bring some thousands, from one batch alone. */
	readonly kept: number;
	readonly maxClients: number;
	readonly maxClientsPerProject: number;
	/** How long a project's items are kept for clients that come back. */
	readonly lingerMs: number;
}

const DEFAULT_LIMITS: LiveLimits = { kept: 10_000, maxClients: 100, maxClientsPerProject: 25, lingerMs: 60_000 };

interface Watched {
	readonly feed: LiveFeed;
	readonly clients: Set<LiveClient>;
	cancelEnd: (() => void) | null;
}

export class LiveHub implements Live {
	readonly #clock: Clock;
	readonly #limits: LiveLimits;
	readonly #watched = new Map<string, Watched>();
	#clientCount = 0;
	#closed = false;

	constructor(clock: Clock, limits: Partial<LiveLimits> = {}) {
		this.#clock = clock;
		this.#limits = { ...DEFAULT_LIMITS, ...limits };
	}

	/** Whether anybody watches, or may come back to. If not, there is nothing to publish. */
	watches(projectId: string): boolean {
		return this.#watched.has(projectId);
	}

	publish(projectId: string, fact: LiveFact): void {
		const watched = this.#watched.get(projectId);
		if (watched === undefined) return;
		const item = watched.feed.push(fact, this.#clock.now());
		for (const client of watched.clients) client.offer(item, watched.feed.last);
	}

	subscribe(request: LiveRequest): LiveSubscription {
		const { projectId } = request;
		if (this.#closed) {
			throw new FanfareError("shutting_down", "The server is shutting down. Connect again; another start answers.");
		}
		const known = this.#watched.get(projectId);
		const { maxClients, maxClientsPerProject } = this.#limits;
		if (this.#clientCount >= maxClients || (known?.clients.size ?? 0) >= maxClientsPerProject) {
			throw new FanfareError("overloaded", "Too many clients watch already. Connect again later.");
		}
		const watched = known ?? this.#watch(projectId);
		watched.cancelEnd?.();
		watched.cancelEnd = null;
		const client = new LiveClient(this.#clock, watched.feed, request, () => this.#left(watched, client));
		watched.clients.add(client);
		this.#clientCount++;
		return client;
	}

	/** Ends the streams that were opened with this key. */
	keyDeleted(keyId: string): void {
		this.#end("the key was deleted", (client) => client.keyId === keyId);
	}

	projectDeleted(projectId: string): void {
		this.#end("the project was deleted", (client) => client.projectId === projectId);
		this.#forget(projectId);
	}

	/** Ends all streams, and takes no more. */
	close(): void {
		this.#closed = true;
		this.#end("the server is shutting down", () => true);
		for (const projectId of this.#watched.keys()) this.#forget(projectId);
	}

	#watch(projectId: string): Watched {
		const watched = {
			feed: new LiveFeed(projectId, this.#limits.kept),
			clients: new Set<LiveClient>(),
			cancelEnd: null,
		};
		this.#watched.set(projectId, watched);
		return watched;
	}

	#end(reason: string, which: (client: LiveClient) => boolean): void {
		for (const { clients } of this.#watched.values()) {
			for (const client of clients) if (which(client)) client.end({ type: "end", reason });
		}
	}

	/** Called once for each client, when it is ended or has gone. */
	#left(watched: Watched, client: LiveClient): void {
		if (!watched.clients.delete(client)) return;
		this.#clientCount--;
		const { projectId } = watched.feed;
		if (watched.clients.size > 0 || this.#watched.get(projectId) !== watched) return;
		watched.cancelEnd = this.#clock.after(this.#limits.lingerMs, () => this.#forget(projectId));
	}

	#forget(projectId: string): void {
		this.#watched.get(projectId)?.cancelEnd?.();
		this.#watched.delete(projectId);
	}
}
