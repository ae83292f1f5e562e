// Whose turn it is to read a project's stream: one tab of the browser for each project, and for all projects together no more than there are
// places.
//
// Only a tab that somebody sees asks for a turn, so it never waits behind hidden ones. A turn has three states:
// - waiting:   another tab reads the project. It is asked every few seconds whether it does: one that was suspended by the browser does not
//              answer, and then this tab polls. Ends when the tab is hidden.
// - polling:   this tab reads the project, without a stream, since no place is free. Ends when the tab is hidden.
// - streaming: this tab reads the project by a stream. If the tab is hidden, that goes on until a visible tab asks for the project or the place.
// A failure ends the turn in each of them, so a project that can't be read keeps neither the place nor the project from other tabs.
import { browserLocks, inPlace, PLACE_WITHIN_MS, STREAM_PLACES } from "./places.ts";
import { pause, visibility, whileVisible } from "./waits.ts";

const POLL_MS = 5_000;
const PLACE = "place";

/** What tabs tell each other: what a visible one waits for, which project a visible one reads, and that one is hidden from now on. */
type Message = { readonly wants: string } | { readonly reads: string } | { readonly isHidden: true };

/** What a tab does while it is its turn. */
export interface StreamReader {
	/** This tab reads from now on, after what it has heard of. */
	begin(): void;
	/** Reads the stream until the signal aborts. Rejects if that fails before. */
	stream(signal: AbortSignal): Promise<void>;
	/** Asks once for what has happened. Rejects if that fails, or if the signal aborts. */
	poll(signal: AbortSignal): Promise<void>;
	/** Waits after a failure, until it may be tried again. */
	recover(error: unknown, signal: AbortSignal): Promise<void>;
	/** Another tab follows the project from now on, and has heard of nothing yet. */
	greet(): void;
}

/** Takes a turn whenever one comes, until `ended`. `name` is that of the project, the same in all tabs. */
export async function takeTurns(name: string, reader: StreamReader, ended: AbortSignal): Promise<void> {
	const locks = browserLocks();
	while (!ended.aborted) {
		await visibility(true, ended);
		if (ended.aborted) return;
		try {
			// Without locks, no tab knows of the others.
			if (locks === undefined) await streamWhileVisible(reader, ended);
			else await new Turn(name, reader, locks).take(ended);
		} catch (error) {
			// Nothing is held meanwhile.
			await reader.recover(error, ended);
		}
	}
}

function streamWhileVisible(reader: StreamReader, ended: AbortSignal): Promise<void> {
	return whileVisible(ended, (signal) => {
		reader.begin();
		return reader.stream(signal);
	});
}

class Turn {
	readonly #name: string;
	readonly #reader: StreamReader;
	readonly #locks: LockManager;
	readonly #tabs = new BroadcastChannel("fanfare.turns");
	readonly #end = new AbortController();
	/** Each aborts when its state, or the turn, has ended. */
	readonly #waiting = new AbortController();
	readonly #polling = new AbortController();
	#state: "waiting" | "polling" | "streaming" = "waiting";
	/** Whether the tab that reads the project has answered since it was asked last. It has some time for the first answer. */
	#isRead = true;
	#failure: { readonly error: unknown } | null = null;

	constructor(name: string, reader: StreamReader, locks: LockManager) {
		this.#name = name;
		this.#reader = reader;
		this.#locks = locks;
	}

	/** Rejects if reading fails. Nothing of the turn is left then. */
	async take(ended: AbortSignal): Promise<void> {
		const { signal } = this.#end;
		const end = () => this.#end.abort();
		const onVisibility = () => {
			if (document.visibilityState === "visible") return;
			if (this.#state === "streaming") this.#tell({ isHidden: true });
			else end();
		};
		signal.addEventListener("abort", () => {
			this.#waiting.abort();
			this.#polling.abort();
		});
		ended.addEventListener("abort", end);
		document.addEventListener("visibilitychange", onVisibility);
		this.#tabs.addEventListener("message", ({ data }: MessageEvent<Message>) => this.#hear(data));
		this.#tell({ wants: this.#name });
		await Promise.all([
			this.#try(() => this.#locks.request(this.#name, { signal }, () => this.#lead())),
			this.#try(() => this.#poll(this.#waiting.signal)),
		]);
		ended.removeEventListener("abort", end);
		document.removeEventListener("visibilitychange", onVisibility);
		this.#tabs.close();
		if (this.#failure !== null) throw this.#failure.error;
	}

	/** A failure ends the whole turn. */
	async #try(work: () => Promise<void>): Promise<void> {
		try {
			await work();
		} catch (error) {
			if (this.#end.signal.aborted) return;
			this.#failure = { error };
			this.#end.abort();
		}
	}

	async #lead(): Promise<void> {
		const { signal } = this.#end;
		this.#state = "polling";
		this.#waiting.abort();
		this.#reader.begin();
		const stream = async () => {
			this.#state = "streaming";
			this.#polling.abort();
			await this.#reader.stream(signal);
		};
		await Promise.all([
			this.#try(() => inPlace(this.#locks, STREAM_PLACES, signal, stream)),
			this.#try(() => this.#poll(this.#polling.signal)),
		]);
	}

	/** Asks again and again for what it lacks, and polls meanwhile. */
	async #poll(ended: AbortSignal): Promise<void> {
		for (let afterMs = PLACE_WITHIN_MS; ; afterMs = POLL_MS) {
			await pause(afterMs, ended);
			if (ended.aborted) return;
			const isRead = this.#state === "waiting" && this.#isRead;
			this.#isRead = false;
			this.#tellWish();
			if (isRead) continue;
			if (this.#state === "waiting") this.#reader.begin();
			try {
				await this.#reader.poll(ended);
			} catch (error) {
				if (!ended.aborted) throw error;
			}
		}
	}

	#hear(message: Message): void {
		if ("reads" in message) {
			if (message.reads === this.#name) this.#isRead = true;
			return;
		}
		if ("isHidden" in message) {
			// Whoever waits is visible.
			this.#tellWish();
			return;
		}
		const isProject = message.wants === this.#name && this.#state !== "waiting";
		const isPlace = message.wants === PLACE && this.#state === "streaming";
		if (!isProject && !isPlace) return;
		if (document.visibilityState !== "visible") {
			this.#end.abort();
		} else if (isProject) {
			this.#tell({ reads: this.#name });
			this.#reader.greet();
		}
	}

	#tellWish(): void {
		if (this.#state === "waiting") this.#tell({ wants: this.#name });
		else if (this.#state === "polling") this.#tell({ wants: PLACE });
	}

	#tell(message: Message): void {
		this.#tabs.postMessage(message);
	}
}
