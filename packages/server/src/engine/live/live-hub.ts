// The live stream: clients watch what happens in a project.
import { wholeProject } from "../../core/access/principal.ts";
import { randomBytes, type Chance } from "../../core/chance.ts";
import type { Clock } from "../../core/clock.ts";
import { FanfareError } from "../../core/errors.ts";
import type { LiveFact } from "../../core/live.ts";
import type { Live, LiveRequest, LiveSubscription } from "../calls.ts";
import type { EngineParts } from "../parts.ts";
import { LiveClient } from "./live-client.ts";
import { LiveFeed } from "./live-feed.ts";

export interface LiveLimits {
	/** Items kept for each watched project. One batch alone can add some thousands in one turn of the event loop. */
	readonly kept: number;
	readonly maxClients: number;
	readonly maxClientsPerProject: number;
	/** How long the items of a project are kept after its last client has gone, for clients that resume. */
	readonly lingerMs: number;
}

const DEFAULT_LIMITS: LiveLimits = { kept: 10_000, maxClients: 100, maxClientsPerProject: 25, lingerMs: 60_000 };

interface Watched {
	readonly feed: LiveFeed;
	readonly clients: Set<LiveClient>;
	/** Cancels the timer that forgets the project; null if no timer is set. */
	cancelEnd: (() => void) | null;
}

/**
 * The feeds of all watched projects and their clients. It is in memory only and bounded: each watched project has one
 * ring of items, in which each client has a position. A client whose next item was overwritten is too slow and is
 * dropped.
 */
export class LiveHub implements Live {
	readonly #clock: Clock;
	readonly #chance: Pick<Chance, "randomize">;
	readonly #limits: LiveLimits;
	readonly #watched = new Map<string, Watched>();
	#clientCount = 0;
	#closed = false;

	constructor({ chance, clock }: Pick<EngineParts, "chance" | "clock">, limits: Partial<LiveLimits> = {}) {
		this.#chance = chance;
		this.#clock = clock;
		this.#limits = { ...DEFAULT_LIMITS, ...limits };
	}

	/** Whether clients watch the project or may resume. If not, there is no need to publish. */
	watches(projectId: string): boolean {
		return this.#watched.has(projectId);
	}

	/** Adds an item to the feed of a project, if it is watched. */
	publish(projectId: string, fact: LiveFact): void {
		const watched = this.#watched.get(projectId);
		if (watched === undefined) return;
		const item = watched.feed.push(fact, this.#clock.now());
		for (const client of watched.clients) client.offer(item, watched.feed.last);
	}

	subscribe(request: LiveRequest): LiveSubscription {
		const projectId = wholeProject(request.scope);
		if (this.#closed) {
			throw new FanfareError("shutting_down", "The server is shutting down. Connect again later.");
		}
		const known = this.#watched.get(projectId);
		const { maxClients, maxClientsPerProject } = this.#limits;
		if (this.#clientCount >= maxClients || (known?.clients.size ?? 0) >= maxClientsPerProject) {
			throw new FanfareError("overloaded", "Too many clients are connected. Connect again later.");
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

	/** Ends all streams, and accepts no new ones. */
	close(): void {
		this.#closed = true;
		this.#end("the server is shutting down", () => true);
		for (const projectId of this.#watched.keys()) this.#forget(projectId);
	}

	#watch(projectId: string): Watched {
		const watched = {
			feed: new LiveFeed(projectId, this.#limits.kept, randomBytes(this.#chance, 8).toString("hex")),
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

	/** Called once for each client, when its stream is ended or the client has gone. */
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
