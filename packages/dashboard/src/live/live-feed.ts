// The live feed: what happens in the projects that this tab shows, by few streams per browser, however many tabs show how many projects.
//
// A browser opens only six connections to a server over HTTP/1.1, so a stream per tab would hang the seventh. The tab whose turn it is reads
// the project, and hands every item to the others over a channel; when it closes, the turn goes to another tab.
//
// Nothing is missed in between: a tab asks for the stream's position before its screens load anything, and every stream begins after the
// last item that its tab has heard of, from whichever tab that came. A tab that had no position when its screens were loaded fetches
// everything again, once, when it hears from there on.
import { AuthenticationError, type GapItem, type StreamItem, type StreamMode } from "@fanfare/sdk";
import type { QueryClient } from "@tanstack/react-query";

import type { Connection } from "../session/connection.ts";
import { applyItems } from "./apply-items.ts";
import { takeTurns, type StreamReader } from "./turns.ts";
import { pause } from "./waits.ts";

/** Items that arrive within this time are handled together, so that a busy project does not render for each of them. */
const GATHER_MS = 250;
const PAUSE_AFTER_FAILURE_MS = 5_000;
/** A screen does not wait longer for the position. */
const POSITION_WITHIN_MS = 3_000;
/** So that a refusal whose session stands after all is not answered by a flood of tries. */
const PAUSE_AFTER_SIGN_IN_MS = 500;

const gap = (reason: string): GapItem => ({ object: "streamItem", kind: "gap", reason });
/** What has happened since the screens were loaded is in no item of a stream that begins without a position. */
const NO_POSITION = gap("The position of the stream was not known when the page was loaded.");
/** Nobody reads a project while all its tabs are hidden. One that is opened then begins later than where the others have ended. */
const OTHER_POSITION = gap("Another tab reads the stream from another position.");

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

/** The key of the feed's mode in the query cache. */
export const liveModeKey = (projectId: string) => ["live-mode", projectId] as const;
export type LiveMode = Exclude<StreamMode["mode"], "away"> | "off";

/** What the tabs that show a project tell each other. */
interface Message {
	readonly mode?: LiveMode | undefined;
	readonly items?: readonly StreamItem[];
	/** Everything until there has been told. If omitted, the last item says it; a gap does not. */
	readonly position?: string | undefined;
	/** Where the tab that sends this begins to read. */
	readonly begin?: string;
}

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
		try {
			this.#positions.set(projectId, await positionOf(this.#connection, projectId));
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
	/** What this tab said last as the one that reads. */
	#mode: LiveMode | undefined;
	/** Not told yet. */
	#gathered: StreamItem[] = [];
	/** After a gap, the position is not that of the last item. */
	#gatheredPosition: string | undefined;
	/** The next stream begins after it; undefined for "now". */
	#position: string | undefined;
	/** It has not heard of what happened since its screens were loaded, and no item will tell. */
	#isBehind: boolean;

	constructor(projectId: string, position: string | undefined, connection: Connection, queryClient: QueryClient) {
		this.#projectId = projectId;
		this.#position = position;
		this.#isBehind = position === undefined;
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

	begin(): void {
		if (this.#position !== undefined) this.#send({ begin: this.#position });
	}

	async stream(signal: AbortSignal): Promise<void> {
		const onMode = ({ mode }: StreamMode) => {
			// That the server is away is told by every call that fails. The stream goes on at the same position.
			if (mode === "away") return;
			this.#tell(mode);
			if (this.#position !== undefined) return;
			// Items come from now on: but if they are polled, not before they are asked for the first time.
			if (mode === "live") this.#send({ items: [NO_POSITION] });
			else void this.#locate();
		};
		try {
			if (this.#position === undefined) await this.#locate();
			if (signal.aborted) return;
			const params = { lastEventId: this.#position };
			for await (const item of this.#connection.client.project(this.#projectId).stream(params, { signal, onMode })) {
				// Asked before everything is fetched again: what happens later is after it. Items wait meanwhile, so they are told in order.
				const position = item.kind === "gap" ? await this.#now() : undefined;
				this.#gather(item, position);
			}
		} catch (error) {
			if (!signal.aborted) throw error;
		} finally {
			// Whoever reads next begins after what this tab has told.
			this.#tellGathered();
		}
	}

	async poll(signal: AbortSignal): Promise<void> {
		const project = this.#connection.client.project(this.#projectId);
		let hasMore = true;
		while (hasMore) {
			const polled = await project.pollStream({ lastEventId: this.#position }, { signal });
			signal.throwIfAborted();
			this.#mode = "polling";
			const items = this.#position === undefined ? [NO_POSITION, ...polled.data] : polled.data;
			this.#send({ mode: "polling", items, position: polled.lastEventId });
			({ hasMore } = polled);
		}
	}

	greet(): void {
		if (this.#mode !== undefined) this.#send({ mode: this.#mode });
	}

	/** Says that nothing arrives for now, and waits until it may be tried again. */
	async recover(error: unknown, signal: AbortSignal): Promise<void> {
		this.#tell("off");
		const hasNoSession = error instanceof AuthenticationError;
		if (hasNoSession) {
			await this.#connection.check();
			await this.#connection.signedIn(signal);
		}
		await pause(hasNoSession ? PAUSE_AFTER_SIGN_IN_MS : PAUSE_AFTER_FAILURE_MS, signal);
	}

	/** Finds out where the stream is. If that fails, the stream begins without a position. */
	async #locate(): Promise<void> {
		const position = await this.#now();
		if (position !== undefined) this.#send({ items: [NO_POSITION], position });
	}

	/** Where the stream is; undefined if the server does not say so soon. */
	#now(): Promise<string | undefined> {
		return positionOf(this.#connection, this.#projectId).catch(() => undefined);
	}

	#tell(mode: LiveMode): void {
		this.#mode = mode;
		this.#send({ mode });
	}

	#gather(item: StreamItem, position: string | undefined): void {
		this.#gathered.push(item);
		this.#gatheredPosition = position;
		if (this.#gathered.length > 1) return;
		setTimeout(() => this.#tellGathered(), GATHER_MS);
	}

	#tellGathered(): void {
		const items = this.#gathered;
		const position = this.#gatheredPosition;
		this.#gathered = [];
		this.#gatheredPosition = undefined;
		if (items.length > 0) this.#send({ items, position });
	}

	/** Hands a message to the other tabs, and takes it itself. */
	#send(message: Message): void {
		if (this.#ending.signal.aborted) return;
		this.#channel.postMessage(message);
		this.#receive(message);
	}

	#receive({ mode, items = [], position, begin }: Message): void {
		if (mode !== undefined) this.#queryClient.setQueryData(liveModeKey(this.#projectId), mode);
		const isElsewhere = begin !== undefined && this.#position !== undefined && begin !== this.#position;
		const isHeard = mode === "live" || position !== undefined || begin !== undefined || items.length > 0;
		const missed = isElsewhere ? [OTHER_POSITION] : this.#isBehind && isHeard ? [NO_POSITION] : [];
		if (isHeard) this.#isBehind = false;
		for (const item of items) if (item.kind !== "gap") this.#position = item.id;
		this.#position = position ?? begin ?? this.#position;
		const all = items.some(({ kind }) => kind === "gap") ? items : [...missed, ...items];
		// Whoever sends items is live: a tab that came later has not heard of the mode.
		if (items.length > 0)
			this.#queryClient.setQueryData(liveModeKey(this.#projectId), (told?: LiveMode) => told ?? "live");
		if (all.length > 0) this.#take(all);
	}

	#take(items: readonly StreamItem[]): void {
		const at = Date.now();
		// Where one tab takes over from another, an item may come from both.
		const known = new Set(this.heard.map(({ eventId }) => eventId));
		const accepted = items
			.filter((item) => item.kind === "event.accepted")
			.filter(({ eventId }) => !known.has(eventId));
		const added = accepted.map(({ eventId, eventType, tags = [], deliveryCount }) => {
			return { eventId, eventType, tags, deliveryCount, at };
		});
		if (added.length > 0) this.heard = [...this.heard, ...added].slice(-MOST_HEARD);
		// What has happened meanwhile is fetched when somebody ends the pause.
		const isPaused = this.#queryClient.getQueryData<boolean>(livePausedKey(this.#projectId)) === true;
		if (!isPaused) applyItems(this.#queryClient, this.#projectId, items);
		for (const listener of this.listeners) listener(items);
	}
}

/** Where the project's stream is now. */
async function positionOf(connection: Connection, projectId: string): Promise<string> {
	const signal = AbortSignal.timeout(POSITION_WITHIN_MS);
	const { lastEventId } = await connection.client.project(projectId).pollStream({}, { signal, maxRetries: 0 });
	return lastEventId;
}
