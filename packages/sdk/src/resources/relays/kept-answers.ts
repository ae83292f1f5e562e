// The answers that the client of a relay has given, to be repeated if the server asks again: bounded by number and by bytes.
import type { RelayAnswer } from "./relay.ts";

/** An answer, null while it is awaited. */
type Kept = RelayAnswer | null;

/** The rest is only for the log. */
const BARE_HEADERS = new Set(["retry-after"]);

/** Remembers answers. The oldest ones lose body and headers first, and are forgotten later; those that are awaited never are. */
export class KeptAnswers {
	readonly #maxCount: number;
	readonly #maxLength: number;
	readonly #awaited = new Set<string>();
	/** Oldest first. */
	readonly #given = new Map<string, RelayAnswer>();
	/** The ids of answers that are kept with body and headers, and the length of each in characters. Oldest first. */
	readonly #whole = new Map<string, number>();
	#length = 0;

	constructor(maxCount = 1_000, maxLength = 8 * 1_024 * 1_024) {
		this.#maxCount = maxCount;
		this.#maxLength = maxLength;
	}

	/** The characters of bodies and headers that are kept. */
	get length(): number {
		return this.#length;
	}

	/** Undefined if the request is not known. */
	get(requestId: string): Kept | undefined {
		return this.#given.get(requestId) ?? (this.#awaited.has(requestId) ? null : undefined);
	}

	/** Notes that a request is to be answered. */
	await(requestId: string): void {
		this.#awaited.add(requestId);
	}

	/** Keeps the first answer of a request, and returns it. */
	give(requestId: string, answer: RelayAnswer): RelayAnswer {
		const first = this.#given.get(requestId);
		if (first !== undefined) return first;
		this.#awaited.delete(requestId);
		this.#given.set(requestId, answer);
		const length = lengthOf(answer);
		this.#whole.set(requestId, length);
		this.#length += length;
		this.#shrink();
		return answer;
	}

	#shrink(): void {
		for (const [requestId, length] of this.#whole) {
			if (this.#length <= this.#maxLength) break;
			this.#whole.delete(requestId);
			this.#length -= length;
			const answer = this.#given.get(requestId);
			if (answer !== undefined) this.#given.set(requestId, bare(answer));
		}
		for (const requestId of this.#given.keys()) {
			if (this.#given.size <= this.#maxCount) break;
			this.#given.delete(requestId);
			this.#length -= this.#whole.get(requestId) ?? 0;
			this.#whole.delete(requestId);
		}
	}
}

function lengthOf({ bodyBase64 = "", headers = [] }: RelayAnswer): number {
	return headers.reduce((sum, [name, value]) => sum + name.length + value.length, bodyBase64.length);
}

/** The part of an answer that decides about the delivery. */
function bare(answer: RelayAnswer): RelayAnswer {
	const { status, headers = [] } = answer;
	// A failure has neither body nor headers.
	return status === undefined
		? answer
		: { status, headers: headers.filter(([name]) => BARE_HEADERS.has(name.toLowerCase())) };
}
