// A client of the live stream that reconnects whenever its connection is lost, and keeps what it was given.
import { setTimeout as delay } from "node:timers/promises";

import type { Round } from "../../round.ts";

/** An item of the stream, with the fields of its data. */
export interface StreamedItem {
	readonly id: string;
	readonly kind: string;
	readonly eventId?: string;
	readonly eventType?: string;
	readonly webhookId?: string;
	readonly deliveryId?: string;
	readonly number?: number;
	readonly status?: string;
}

/** What came between two gaps: without a gap, nothing is missing and nothing came twice. */
export interface Segment {
	/** When the first message arrived: whatever happens later is part of the segment. */
	readonly startedAt: number;
	readonly items: StreamedItem[];
}

export interface FollowerOptions {
	/** The query of the call. Defaults to everything. */
	readonly query?: string;
	/** Waits this long after each piece, as a client does that reads slowly. */
	readonly pauseMs?: number;
}

const RECONNECT_MS = 30;

export class StreamFollower {
	readonly segments: Segment[] = [];
	/** The kinds of the last items of connections: `end` or `dropped`. */
	readonly ends: string[] = [];
	gapCount = 0;
	isConnected = false;
	/** The text of everything that came, for the search for secrets and payloads. */
	text = "";
	readonly #round: Round;
	readonly #options: FollowerOptions;
	readonly #stopped = new AbortController();
	#connection = new AbortController();
	#lastId = "";
	readonly #done: Promise<void>;

	constructor(round: Round, options: FollowerOptions = {}) {
		this.#round = round;
		this.#options = options;
		this.#done = this.#follow();
	}

	/** The items since the last gap. */
	get latest(): Segment {
		const segment = this.segments.at(-1);
		if (segment === undefined) throw new Error("the stream has not begun");
		return segment;
	}

	get items(): StreamedItem[] {
		return this.segments.flatMap(({ items }) => items);
	}

	/** Where it is, for messages. */
	describe(): string {
		const { query = "all", pauseMs = 0 } = this.#options;
		const connection = this.isConnected ? "connected" : "not connected";
		return `${query}, pause ${pauseMs} ms: ${this.items.length} items, at ${this.#lastId}, ${connection}, ends ${this.ends.join()}`;
	}

	/** Cuts the connection at any point of what the server writes. The client continues after its last item. */
	cut(): void {
		this.#connection.abort();
	}

	async stop(): Promise<void> {
		this.#stopped.abort();
		this.#connection.abort();
		await this.#done;
	}

	async #follow(): Promise<void> {
		while (!this.#stopped.signal.aborted) {
			this.#connection = new AbortController();
			// A refusal, a lost connection and a server that is down are all followed by the next try.
			await this.#read().catch(() => null);
			this.isConnected = false;
			await delay(RECONNECT_MS);
		}
	}

	async #read(): Promise<void> {
		const { query = "", pauseMs = 0 } = this.#options;
		const { server, adminKey } = this.#round;
		const response = await fetch(`${server.url}/projects/${server.projectId}/stream${query}`, {
			headers: { "secret-key": adminKey, ...(this.#lastId !== "" && { "last-event-id": this.#lastId }) },
			signal: this.#connection.signal,
		});
		if (response.status !== 200 || response.body === null) return;
		let rest = "";
		for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
			this.text += text;
			const blocks = (rest + text).split("\n\n");
			rest = blocks.pop() ?? "";
			for (const block of blocks) this.#take(block);
			this.isConnected = true;
			if (pauseMs > 0) await delay(pauseMs);
		}
	}

	#take(block: string): void {
		const fields = new Map(
			block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
		);
		const kind = fields.get("event");
		this.#lastId = fields.get("id") ?? this.#lastId;
		if (kind === "gap") this.gapCount++;
		if (kind === "gap" || this.segments.length === 0) this.segments.push({ startedAt: Date.now(), items: [] });
		if (kind === "end" || kind === "dropped") this.ends.push(kind);
		else if (kind !== undefined && kind !== "gap") {
			this.latest.items.push(JSON.parse(fields.get("data") ?? "{}") as StreamedItem);
		}
	}
}
