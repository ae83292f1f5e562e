// The places for live streams: a budget for each kind of client, divided between the projects that use it, then their customers.
import type { Scope } from "../../core/access/principal.ts";

/**
 * The kinds of clients that hold a live stream, each with a budget of its own, so that no kind can take the places of another: how
 * many times `maxStreams` that is. Relays have one beside these, in their hub. A new kind is a line here.
 */
const STREAM_BUDGETS = {
	/** Programs with a key. */
	api: 1,
	/** People who are signed in to the page: it has one stream for each browser and project. */
	page: 0.2,
	/** Customers, with their tokens. */
	customers: 0.4,
} as const satisfies Readonly<Record<string, number>>;
export type StreamBudget = keyof typeof STREAM_BUDGETS;
/** A kind of clients with the keys of a project. */
export type StreamKind = Exclude<StreamBudget, "customers">;

/** All live streams that there may be, as a multiple of `maxStreams`; each budget is rounded up. */
export const ALL_BUDGETS = Object.values(STREAM_BUDGETS).reduce((sum, part) => sum + part, 0);

/** The number of places of each budget. */
export function placesOf(maxStreams: number): Readonly<Record<StreamBudget, number>> {
	const { api, page, customers } = STREAM_BUDGETS;
	const places = (part: number) => Math.ceil(maxStreams * part);
	return { api: places(api), page: places(page), customers: places(customers) };
}

/** Which budget a client counts for. */
export function budgetOf({ kind, scope }: { readonly kind: StreamKind; readonly scope: Scope }): StreamBudget {
	return scope.kind === "customer" ? "customers" : kind;
}

/** The part that a project may have of what the other projects leave free of a budget. */
const SHARE = 0.5;

interface Budget {
	readonly max: number;
	/** The places that each project has. */
	readonly taken: Map<string, Places>;
	total: number;
}

/** The places of one project. */
interface Places {
	total: number;
	/** How many each customer has of them; those of the project itself have the name null. */
	readonly byCustomer: Map<string | null, number>;
}

/** The answer to a request for a place: whether there is one, or somebody who must give up one first. */
export type PlaceAnswer = { readonly kind: "free" } | { readonly kind: "refused" } | GiveUp;

export interface GiveUp {
	readonly kind: "give up";
	readonly projectId: string;
	/** Null for a place of the project itself. */
	readonly customerId: string | null;
}

export interface PlaceUse {
	readonly used: number;
	readonly allowed: number;
}

const FREE = { kind: "free" } as const;
const REFUSED = { kind: "refused" } as const;

/**
 * Counts the places. A project may have half of what the others leave free, so that some is left for the next one, and one
 * place in any case while one is free. When no place is free, a project takes one from the project that has most, if it
 * has fewer even with it: so that not even many projects together can shut out another one.
 *
 * Customers divide the places of their project in the same way: when it has its share, one takes a place from the customer who
 * has most, if it has fewer even with it. The hub has places of their own for customers, and limits each of them.
 */
export class StreamPlaces<Kind extends string = StreamBudget> {
	readonly #budgets: ReadonlyMap<Kind, Budget>;

	/** With the number of places of each kind, at least one. */
	constructor(places: Readonly<Record<Kind, number>>) {
		const entries = Object.entries(places) as [Kind, number][];
		this.#budgets = new Map(
			entries.map(([kind, max]) => [kind, { max: Math.max(1, max), taken: new Map(), total: 0 }]),
		);
	}

	/** How many places of a kind are taken, and how many there are. */
	use(kind: Kind): PlaceUse {
		const { total, max } = this.#budget(kind);
		return { used: total, allowed: max };
	}

	/** Whether a project, or a customer of it, may take a place of this kind now. Changes nothing. */
	ask(kind: Kind, projectId: string, customerId: string | null = null): PlaceAnswer {
		const { max, taken, total } = this.#budget(kind);
		const own = taken.get(projectId)?.total ?? 0;
		if (total >= max) {
			const most = largest(taken, ({ total: count }) => count);
			if (most !== null && most.count > own + 1) return giveUp(most.name, most.value);
		} else if (own < Math.max(1, Math.floor((max - (total - own)) * SHARE))) {
			return FREE;
		}
		return fromCustomer(projectId, taken.get(projectId), customerId);
	}

	take(kind: Kind, projectId: string, customerId: string | null = null): void {
		this.#change(kind, projectId, customerId, 1);
	}

	giveBack(kind: Kind, projectId: string, customerId: string | null = null): void {
		this.#change(kind, projectId, customerId, -1);
	}

	#change(kind: Kind, projectId: string, customerId: string | null, change: 1 | -1): void {
		const budget = this.#budget(kind);
		const places = budget.taken.get(projectId) ?? { total: 0, byCustomer: new Map<string | null, number>() };
		const count = (places.byCustomer.get(customerId) ?? 0) + change;
		if (count === 0) places.byCustomer.delete(customerId);
		else places.byCustomer.set(customerId, count);
		places.total += change;
		if (places.total === 0) budget.taken.delete(projectId);
		else budget.taken.set(projectId, places);
		budget.total += change;
	}

	#budget(kind: Kind): Budget {
		const budget = this.#budgets.get(kind);
		if (budget === undefined) throw new Error(`there is no kind of stream ${kind}`);
		return budget;
	}
}

/** Whether a customer takes a place from the one who has most of the project's. */
function fromCustomer(projectId: string, places: Places | undefined, customerId: string | null): PlaceAnswer {
	if (places === undefined) return REFUSED;
	const own = places.byCustomer.get(customerId) ?? 0;
	const most = largest(places.byCustomer, (count) => count);
	return most !== null && most.count > own + 1 ? giveUp(projectId, places) : REFUSED;
}

/** A project gives up a place of the customer who has most. */
function giveUp(projectId: string, { byCustomer }: Places): GiveUp {
	return { kind: "give up", projectId, customerId: largest(byCustomer, (count) => count)?.name ?? null };
}

/** The entry that counts most; of several, the first. */
function largest<N, V>(entries: ReadonlyMap<N, V>, countOf: (value: V) => number) {
	let found: { readonly name: N; readonly value: V; readonly count: number } | null = null;
	for (const [name, value] of entries) {
		const count = countOf(value);
		if (found === null || count > found.count) found = { name, value, count };
	}
	return found;
}
