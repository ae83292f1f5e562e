// Whose turn it is to read a project's stream: one tab of the browser for each project, and for all projects together no more than there are
// places.
//
// Only a tab that somebody sees asks for a turn, so it never waits behind hidden ones. A turn has three states:
// - waiting:   another tab reads the project. Ends when the tab is hidden.
// - polling:   this tab reads the project, without a stream, since no place is free. Ends when the tab is hidden.
// - streaming: this tab reads the project by a stream. If the tab is hidden, that goes on until a visible tab asks for the project or the place.
import { browserLocks, inPlace, PLACE_WITHIN_MS, STREAM_PLACES } from "./places.ts";

const POLL_MS = 5_000;
const PLACE = "place";

/** What tabs tell each other: what a visible one waits for, and that one is hidden from now on. */
type Message = { readonly wants: string } | { readonly isHidden: true };

/** What a tab does while it is its turn. None of it rejects. */
export interface StreamReader {
	/** Reads the stream until the signal aborts. */
	stream(signal: AbortSignal): Promise<void>;
	/** Asks once for what has happened. */
	poll(signal: AbortSignal): Promise<void>;
	/** Another tab follows the project from now on, and has heard of nothing yet. */
	greet(): void;
}

/** Takes a turn whenever one comes, until `ended`. `name` is that of the project, the same in all tabs. */
export async function takeTurns(name: string, reader: StreamReader, ended: AbortSignal): Promise<void> {
	const locks = browserLocks();
	while (!ended.aborted) {
		await visibility(true, ended);
		if (ended.aborted) return;
		if (locks === undefined) await streamWhileVisible(reader, ended);
		else await new Turn(name, reader, locks).take(ended);
	}
}

/** Without locks, no tab knows of the others. */
async function streamWhileVisible(reader: StreamReader, ended: AbortSignal): Promise<void> {
	// Also when the tab has enough of it.
	const enough = new AbortController();
	void visibility(false, ended).then(() => enough.abort());
	await reader.stream(enough.signal);
}

class Turn {
	readonly #name: string;
	readonly #reader: StreamReader;
	readonly #locks: LockManager;
	readonly #end = new AbortController();
	readonly #tabs = new BroadcastChannel("fanfare.turns");
	/** Its state: the project's name while it is waiting, `PLACE` while it is polling, null while it is streaming. */
	#wish: string | null;

	constructor(name: string, reader: StreamReader, locks: LockManager) {
		this.#name = name;
		this.#reader = reader;
		this.#locks = locks;
		this.#wish = name;
	}

	async take(ended: AbortSignal): Promise<void> {
		const { signal } = this.#end;
		const end = () => this.#end.abort();
		const onVisibility = () => {
			if (document.visibilityState === "visible") return;
			if (this.#wish === null) this.#tell({ isHidden: true });
			else end();
		};
		ended.addEventListener("abort", end);
		document.addEventListener("visibilitychange", onVisibility);
		this.#tabs.addEventListener("message", ({ data }: MessageEvent<Message>) => this.#hear(data));
		try {
			this.#tell({ wants: this.#name });
			await this.#locks.request(this.#name, { signal }, () => this.#lead());
		} catch (error) {
			if (!signal.aborted) throw error;
		} finally {
			ended.removeEventListener("abort", end);
			document.removeEventListener("visibilitychange", onVisibility);
			this.#tabs.close();
		}
	}

	async #lead(): Promise<void> {
		const { signal } = this.#end;
		this.#wish = PLACE;
		const polling = new AbortController();
		const stop = () => polling.abort();
		signal.addEventListener("abort", stop, { once: true });
		const stream = async () => {
			this.#wish = null;
			stop();
			await this.#reader.stream(signal);
		};
		await Promise.all([inPlace(this.#locks, STREAM_PLACES, signal, stream), this.#poll(polling.signal)]);
	}

	async #poll(signal: AbortSignal): Promise<void> {
		for (let afterMs = PLACE_WITHIN_MS; ; afterMs = POLL_MS) {
			await pause(afterMs, signal);
			if (signal.aborted) return;
			this.#tell({ wants: PLACE });
			await this.#reader.poll(signal);
		}
	}

	#hear(message: Message): void {
		if ("isHidden" in message) {
			// Whoever waits is visible.
			if (this.#wish !== null) this.#tell({ wants: this.#wish });
			return;
		}
		const isProject = message.wants === this.#name && this.#wish !== this.#name;
		const isPlace = message.wants === PLACE && this.#wish === null;
		if (!isProject && !isPlace) return;
		if (document.visibilityState !== "visible") this.#end.abort();
		else if (isProject) this.#reader.greet();
	}

	#tell(message: Message): void {
		this.#tabs.postMessage(message);
	}
}

/** Resolves when the tab is visible, or hidden; at once if it is already. */
function visibility(isVisible: boolean, signal: AbortSignal): Promise<void> {
	const isSo = () => (document.visibilityState === "visible") === isVisible;
	return new Promise((resolve) => {
		const look = () => {
			if (!isSo() && !signal.aborted) return;
			document.removeEventListener("visibilitychange", look);
			signal.removeEventListener("abort", look);
			resolve();
		};
		document.addEventListener("visibilitychange", look);
		signal.addEventListener("abort", look);
		look();
	});
}

/** Resolves after the time, or when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) return resolve();
		const end = () => {
			clearTimeout(timer);
			signal.removeEventListener("abort", end);
			resolve();
		};
		const timer = setTimeout(end, ms);
		signal.addEventListener("abort", end);
	});
}
