import { eventually } from "./eventually.ts";
// The harness's end of the wire to `preload.ts`: it owns the clock and the names of the server's world.
import type { ServerProcess } from "./server-process.ts";

export type ToPreload =
	| { readonly type: "clock"; readonly offsetMs: number }
	| { readonly type: "addresses"; readonly id: number; readonly addresses: readonly string[] };
export type FromPreload =
	| { readonly type: "lookup"; readonly id: number; readonly hostname: string }
	| { readonly type: "clock-set"; readonly offsetMs: number };

/** What a name resolves to, look-up by look-up; the last stays. */
export type Answers = readonly (readonly string[])[];

export const PRELOAD = new URL("./controlled-world-preload.ts", import.meta.url).href;

export class Control {
	/** How far the server's clock is ahead of ours. */
	offsetMs = 0;
	/** How often it was moved. */
	jumps = 0;
	readonly #names = new Map<string, Answers>();
	readonly #lookups = new Map<string, number>();
	#server: ServerProcess | null = null;
	#confirmedMs = 0;

	/** Whom to answer. */
	attach(server: ServerProcess): void {
		this.#server = server;
	}

	/** For the environment of a start. */
	get env(): Record<string, string> {
		return { TORTURE_CLOCK_OFFSET_MS: String(this.offsetMs) };
	}

	/** Moves the server's clock, and waits until it has moved. */
	async setClock(offsetMs: number): Promise<void> {
		this.offsetMs = offsetMs;
		this.jumps++;
		this.#confirmedMs = Number.NaN;
		this.#server?.send({ type: "clock", offsetMs });
		await eventually("the server's clock to move", () => this.#confirmedMs === offsetMs);
	}

	/** The time by the server's clock. */
	now(): number {
		return Date.now() + this.offsetMs;
	}

	/** `name` must end in `.torture.test`. */
	setName(name: string, answers: Answers): void {
		this.#names.set(name, answers);
		this.#lookups.set(name, 0);
	}

	lookups(name: string): number {
		return this.#lookups.get(name) ?? 0;
	}

	readonly hear = (message: unknown): void => {
		const heard = message as FromPreload;
		if (heard.type === "clock-set") {
			this.#confirmedMs = heard.offsetMs;
			return;
		}
		const { id, hostname } = heard;
		const count = this.lookups(hostname);
		const answers = this.#names.get(hostname) ?? [];
		this.#lookups.set(hostname, count + 1);
		this.#server?.send({ type: "addresses", id, addresses: [...(answers[count] ?? answers.at(-1) ?? [])] });
	};
}
