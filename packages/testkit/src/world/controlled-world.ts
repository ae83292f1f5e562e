// Controls the clock and the names of a server process. The other side is `controlled-world-preload.ts`, in the server's process.
import { eventually } from "../eventually.ts";
import type { ServerProcess } from "../server-process.ts";

export type ToPreload =
	| { readonly type: "clock"; readonly offsetMs: number }
	| { readonly type: "sync"; readonly delayMs: number }
	| { readonly type: "addresses"; readonly id: number; readonly addresses: readonly string[] };
export type FromPreload =
	| { readonly type: "lookup"; readonly id: number; readonly hostname: string }
	| { readonly type: "clock-set"; readonly offsetMs: number };

/** The addresses that each look-up of a name gives. The last entry is repeated. */
export type Lookups = readonly (readonly string[])[];

/** The module to preload into the server's process: `startServerProcess({ preload: [PRELOAD], … })`. */
export const PRELOAD = new URL("./controlled-world-preload.ts", import.meta.url).href;

/**
 * @example
 * const world = new ControlledWorld();
 * const options = { preload: [PRELOAD], onMessage: world.onMessage, env: world.env };
 * await using server = await startServerProcess(options);
 * world.attach(server);
 * await world.setClock(60_000);
 */
export class ControlledWorld {
	/** How far the server's clock is ahead of the test process's. */
	offsetMs = 0;
	/** How often the clock was moved. */
	jumps = 0;
	readonly #names = new Map<string, Lookups>();
	readonly #silent = new Set<string>();
	readonly #lookups = new Map<string, number>();
	#server: ServerProcess | null = null;
	#confirmedMs = 0;

	/** Sets the server process to control. */
	attach(server: ServerProcess): void {
		this.#server = server;
	}

	/** Variables for the server's environment, with the clock's offset at its start. */
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

	/** From now on each commit of the server waits this long for the disk. */
	slowSyncs(delayMs: number): void {
		this.#server?.send({ type: "sync", delayMs });
	}

	/** The time by the server's clock. */
	now(): number {
		return Date.now() + this.offsetMs;
	}

	/** Sets the addresses of a name, which must end in `.torture.test`. */
	setName(name: string, lookups: Lookups): void {
		this.#names.set(name, lookups);
		this.#lookups.set(name, 0);
	}

	/** Look-ups of this name, which must end in `.torture.test`, are never answered, as by a name server that is silent. */
	setSilent(name: string): void {
		this.#silent.add(name);
	}

	/** How often the server has looked a name up. */
	lookups(name: string): number {
		return this.#lookups.get(name) ?? 0;
	}

	/** Takes the messages of the preloaded module. */
	readonly onMessage = (message: unknown): void => {
		const received = message as FromPreload;
		if (received.type === "clock-set") {
			this.#confirmedMs = received.offsetMs;
			return;
		}
		const { id, hostname } = received;
		const count = this.lookups(hostname);
		const lookups = this.#names.get(hostname) ?? [];
		this.#lookups.set(hostname, count + 1);
		if (this.#silent.has(hostname)) return;
		this.#server?.send({ type: "addresses", id, addresses: [...(lookups[count] ?? lookups.at(-1) ?? [])] });
	};
}
