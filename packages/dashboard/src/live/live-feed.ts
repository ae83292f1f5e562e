// The live feed: what happens in the projects that this tab shows, by few streams per browser, however many tabs show how many projects.
//
// A browser opens only six connections to a server over HTTP/1.1, so a stream per tab would hang the seventh. The tab whose turn it is reads
// the project, and hands every item to the others over a channel; when it closes, the turn goes to another tab.
//
// Nothing is missed in between: a tab asks for the stream's position before its screens load anything, and every stream begins after the
// last item that its tab has heard of, from whichever tab that came. Where a stream begins without a position, everything is fetched again.
import { AuthenticationError, type GapItem, type StreamItem, type StreamMode } from "@fanfare/sdk";
import type { QueryClient } from "@tanstack/react-query";

import type { Connection } from "../session/connection.ts";
import { applyItems } from "./apply-items.ts";
import { pause, takeTurns, type StreamReader } from "./turns.ts";

/** Items that arrive within this time are handled together, so that a busy project does not render for each of them. */
const GATHER_MS = 250;
const PAUSE_AFTER_FAILURE_MS = 5_000;
/** A screen does not wait longer for the position. */
const POSITION_WITHIN_MS = 3_000;
/** So that a refusal whose session stands after all is not answered by a flood of tries. */
const PAUSE_AFTER_SIGN_IN_MS = 500;

/** What has happened since the screens were loaded is in no item of a stream that begins without a position. */
const NO_POSITION: GapItem = {
	object: "streamItem",
	kind: "gap",
	reason: "The position of the stream was not known when the page was loaded.",
};

/** A busy project that is left open overnight announces no more new events than this. */
export const MOST_HEARD = 1_000;

/** An event that was accepted while this tab follows its project. */
export interface HeardEvent {
	readonly eventId: string;
	readonly eventType: string;
	readonly tags: readonly string[];
	readonly deliveryCount: number;
	/** When this tab has heard of it, in milliseconds since the epoch. */
	readonly at: number;
}

const NOTHING: readonly HeardEvent[] = [];

type Listener = (items: readonly StreamItem[]) => void;
type Message = { readonly items: readonly StreamItem[] } | { readonly mode: StreamMode["mode"] | "off" };

/** The key of the feed's mode in the query cache. */
export const liveModeKey = (projectId: string) => ["live-mode", projectId] as const;
export type LiveMode = StreamMode["mode"] | "off";

/** The key in the query cache of whether somebody has paused the feed in this tab. */
export const livePausedKey = (projectId: string) => ["live-paused", projectId] as const;

/**
 * Follows projects for as long as something in this tab wants it.
 *
 * @example
 * const stop = live.follow(projectId, (items) => count(items));
 */
export class LiveFeed {
	readonly #connection: Connection;
	readonly #queryClient: QueryClient;
	readonly #followed = new Map<string, Followed>();
	/** Of projects that are not followed yet. */
	readonly #positions = new Map<string, string>();

	constructor(connection: Connection, queryClient: QueryClient) {
		this.#connection = connection;
		this.#queryClient = queryClient;
	}

	/** Finds out where the project's stream is. What a screen loads afterwards and the items from there on leave nothing out. */
	async prepare(projectId: string): Promise<void> {
		if (this.#followed.has(projectId)) return;
		const signal = AbortSignal.timeout(POSITION_WITHIN_MS);
		try {
			const project = this.#connection.client.project(projectId);
			const { lastEventId } = await project.pollStream({}, { signal, maxRetries: 0 });
			this.#positions.set(projectId, lastEventId);
		} catch {
			// The screen says itself if the server is away, or if the key may not see the project.
			this.#positions.delete(projectId);
		}
	}

	/** The latest events that were accepted while this tab follows the project, whatever screens it has shown. */
	heard(projectId: string): readonly HeardEvent[] {
		return this.#followed.get(projectId)?.heard ?? NOTHING;
	}

	/** Calls `listener` with what happens in the project, until the returned function is called. */
	follow(projectId: string, listener: Listener): () => void {
		let followed = this.#followed.get(projectId);
		if (followed === undefined) {
			followed = new Followed(projectId, this.#positions.get(projectId), this.#connection, this.#queryClient);
			this.#followed.set(projectId, followed);
			this.#positions.delete(projectId);
		}
		const { listeners } = followed;
		listeners.add(listener);
		return () => {
			listeners.delete(listener);
			if (listeners.size > 0) return;
			followed.end();
			if (this.#followed.get(projectId) === followed) this.#followed.delete(projectId);
		};
	}
}

/** One project that this tab follows: as the one that reads it for all tabs, or over the channel. */
class Followed implements StreamReader {
	readonly listeners = new Set<Listener>();
	heard: readonly HeardEvent[] = [];
	readonly #projectId: string;
	readonly #connection: Connection;
	readonly #queryClient: QueryClient;
	readonly #channel: BroadcastChannel;
	readonly #ending = new AbortController();
	#gathered: StreamItem[] = [];
	/** The next stream begins after it; undefined for "now". */
	#position: string | undefined;

	constructor(projectId: string, position: string | undefined, connection: Connection, queryClient: QueryClient) {
		this.#projectId = projectId;
		this.#position = position;
		this.#connection = connection;
		this.#queryClient = queryClient;
		const name = `fanfare.live.${projectId}`;
		this.#channel = new BroadcastChannel(name);
		this.#channel.addEventListener("message", ({ data }: MessageEvent<Message>) => this.#receive(data));
		void takeTurns(name, this, this.#ending.signal);
	}

	end(): void {
		this.#ending.abort();
		this.#channel.close();
	}

	async stream(signal: AbortSignal): Promise<void> {
		const onMode = ({ mode }: StreamMode) => {
			this.#send({ mode });
			if (this.#position === undefined) this.#send({ items: [NO_POSITION] });
		};
		while (!signal.aborted) {
			try {
				const params = { lastEventId: this.#position };
				for await (const item of this.#connection.client.project(this.#projectId).stream(params, { signal, onMode })) {
					this.#gather(item);
				}
			} catch (error) {
				if (!signal.aborted) await this.#fail(error, signal);
			}
		}
		// Whoever reads next begins after what this tab has told.
		this.#tellGathered();
	}

	async poll(signal: AbortSignal): Promise<void> {
		const project = this.#connection.client.project(this.#projectId);
		try {
			let hasMore = true;
			while (hasMore) {
				const polled = await project.pollStream({ lastEventId: this.#position }, { signal });
				if (signal.aborted) return;
				this.#send({ mode: "polling" });
				if (this.#position === undefined) this.#send({ items: [NO_POSITION] });
				if (polled.data.length > 0) this.#send({ items: polled.data });
				this.#position = polled.lastEventId;
				({ hasMore } = polled);
			}
		} catch (error) {
			if (!signal.aborted) await this.#fail(error, signal);
		}
	}

	greet(): void {
		const mode = this.#queryClient.getQueryData<LiveMode>(liveModeKey(this.#projectId));
		if (mode !== undefined) this.#send({ mode });
	}

	/** Says that nothing arrives for now, and waits until it may be tried again. */
	async #fail(error: unknown, signal: AbortSignal): Promise<void> {
		this.#send({ mode: "off" });
		const hasNoSession = error instanceof AuthenticationError;
		if (hasNoSession) {
			await this.#connection.check();
			await this.#connection.signedIn(signal);
		}
		await pause(hasNoSession ? PAUSE_AFTER_SIGN_IN_MS : PAUSE_AFTER_FAILURE_MS, signal);
	}

	#gather(item: StreamItem): void {
		this.#gathered.push(item);
		if (this.#gathered.length > 1) return;
		setTimeout(() => this.#tellGathered(), GATHER_MS);
	}

	#tellGathered(): void {
		const items = this.#gathered;
		this.#gathered = [];
		if (items.length > 0) this.#send({ items });
	}

	/** Hands a message to the other tabs, and takes it itself. */
	#send(message: Message): void {
		if (this.#ending.signal.aborted) return;
		this.#channel.postMessage(message);
		this.#receive(message);
	}

	#receive(message: Message): void {
		if ("mode" in message) {
			this.#queryClient.setQueryData(liveModeKey(this.#projectId), message.mode);
			return;
		}
		const at = Date.now();
		// Where one tab takes over from another, an item may come from both.
		const known = new Set(this.heard.map(({ eventId }) => eventId));
		const accepted = message.items
			.filter((item) => item.kind === "event.accepted")
			.filter(({ eventId }) => !known.has(eventId));
		const added = accepted.map(({ eventId, eventType, tags = [], deliveryCount }) => {
			return { eventId, eventType, tags, deliveryCount, at };
		});
		if (added.length > 0) this.heard = [...this.heard, ...added].slice(-MOST_HEARD);
		for (const item of message.items) if (item.kind !== "gap") this.#position = item.id;
		// What has happened meanwhile is fetched when somebody ends the pause.
		const isPaused = this.#queryClient.getQueryData<boolean>(livePausedKey(this.#projectId)) === true;
		if (!isPaused) applyItems(this.#queryClient, this.#projectId, message.items);
		// Whoever sends items is live: a tab that came later has not heard of the mode.
		this.#queryClient.setQueryData(liveModeKey(this.#projectId), (mode?: LiveMode) => mode ?? "live");
		for (const listener of this.listeners) listener(message.items);
	}
}
