// The trace of a history: everything that happened, in order, as lines and as one hash. Two runs of a seed must agree in it.
import { createHash } from "node:crypto";

import type { SimClock } from "./sim-clock.ts";

/** Collects lines. Keeps only their hash unless it is asked to keep the lines. */
export class Trace {
	readonly #hash = createHash("sha256");
	readonly #clock: Pick<SimClock, "monotonicMs">;
	readonly #print: ((line: string) => void) | null;

	/** @param print gets each line; null if only the hash is wanted */
	constructor(clock: Pick<SimClock, "monotonicMs">, print: ((line: string) => void) | null) {
		this.#clock = clock;
		this.#print = print;
	}

	add(kind: string, text: string): void {
		const line = `${this.#clock.monotonicMs()} ${kind} ${text}`;
		this.#hash.update(line).update("\n");
		this.#print?.(line);
	}

	/** The first 16 hex digits of the hash of all lines so far. */
	hash(): string {
		return this.#hash.copy().digest("hex").slice(0, 16);
	}
}

/** A short hash of any value: what a trace says of parameters and results, which can be large. */
export function shortHash(value: unknown): string {
	return createHash("sha256").update(textOf(value)).digest("hex").slice(0, 8);
}

function textOf(value: unknown): string {
	return (
		JSON.stringify(value, (_, item: unknown) =>
			item instanceof Uint8Array ? Buffer.from(item.buffer, item.byteOffset, item.byteLength).toString("base64") : item,
		) ?? "undefined"
	);
}
