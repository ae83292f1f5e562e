// The places for live streams: a budget for each kind of client, divided between the projects that use it.

/**
 * The kinds of clients that hold a stream. Each has a budget of its own, its part of all places, so that no kind can take
 * those of another. A new kind is a line here.
 */
export const STREAM_KINDS = {
	/** The API's stream, which the page and programs use. */
	api: { parts: 1 },
} as const satisfies Readonly<Record<string, { readonly parts: number }>>;
export type StreamKind = keyof typeof STREAM_KINDS;

/** The part that a project may have of what the other projects leave free of a budget. */
const SHARE = 0.5;

interface Budget {
	readonly max: number;
	/** The number of places that each project has. */
	readonly taken: Map<string, number>;
	total: number;
}

/** The answer to a request for a place: whether there is one, or a project that must give up one of its own first. */
export type PlaceAnswer = { readonly kind: "free" } | { readonly kind: "refused" } | GiveUp;

interface GiveUp {
	readonly kind: "give up";
	readonly projectId: string;
}

/**
 * Counts the places. A project may have half of what the others leave free, so that some is left for the next one, and one
 * place in any case while one is free. When no place is free, a project takes one from the project that has most, if it
 * has fewer even with it: so that not even many projects together can shut out another one.
 *
 * Customers of a project are not distinguished: the hub has places of their own for them, and limits each of them.
 */
export class StreamPlaces<Kind extends string = StreamKind> {
	readonly #budgets: ReadonlyMap<Kind, Budget>;

	/** `max` is the number of places of all kinds together. */
	constructor(max: number, kinds: Readonly<Record<Kind, { readonly parts: number }>>) {
		const entries = Object.entries(kinds) as [Kind, { readonly parts: number }][];
		const allParts = entries.reduce((sum, [, { parts }]) => sum + parts, 0);
		this.#budgets = new Map(
			entries.map(([kind, { parts }]) => {
				return [kind, { max: Math.max(1, Math.floor((max * parts) / allParts)), taken: new Map(), total: 0 }];
			}),
		);
	}

	/** The places that are taken, of all kinds together. */
	get total(): number {
		return [...this.#budgets.values()].reduce((sum, { total }) => sum + total, 0);
	}

	/** Whether a project may take a place of this kind now. Changes nothing. */
	ask(kind: Kind, projectId: string): PlaceAnswer {
		const { max, taken, total } = this.#budget(kind);
		const own = taken.get(projectId) ?? 0;
		if (total >= max) return this.#whoGivesUp(taken, own);
		const share = Math.max(1, Math.floor((max - (total - own)) * SHARE));
		return { kind: own < share ? "free" : "refused" };
	}

	take(kind: Kind, projectId: string): void {
		this.#change(kind, projectId, 1);
	}

	giveBack(kind: Kind, projectId: string): void {
		this.#change(kind, projectId, -1);
	}

	#whoGivesUp(taken: ReadonlyMap<string, number>, own: number): PlaceAnswer {
		let [most, projectId] = [0, ""];
		for (const [id, count] of taken) if (count > most) [most, projectId] = [count, id];
		return most > own + 1 ? { kind: "give up", projectId } : { kind: "refused" };
	}

	#change(kind: Kind, projectId: string, change: 1 | -1): void {
		const budget = this.#budget(kind);
		const count = (budget.taken.get(projectId) ?? 0) + change;
		if (count === 0) budget.taken.delete(projectId);
		else budget.taken.set(projectId, count);
		budget.total += change;
	}

	#budget(kind: Kind): Budget {
		const budget = this.#budgets.get(kind);
		if (budget === undefined) throw new Error(`there is no kind of stream ${kind}`);
		return budget;
	}
}
