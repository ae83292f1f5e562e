// Claims that are wanted at the same time share a transaction, which costs as much as some deliveries in it. Only those of one project do:
// none waits for what another project has.
import type { Place, Turns } from "../../../../core/concurrency/turns.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import { LEAST_SHARE, type Claim, type ClaimRequest } from "../../../../ports/store/queue.ts";

/** Claims in one transaction. */
const MOST_SHARING = 10;
/** What each of them gets at most, so that the others do not wait for one with much: it has the next transaction. */
const SHARE = { deliveries: LEAST_SHARE, bytes: 1_024 * 1_024 };
/** How many webhooks are remembered whose last claim has failed. There are more only if all fail. */
const MOST_FAILED = 1_000;
/** How many wait is bounded by who claims. None waits for as long as it takes: a process that stops waits for its claims. */
const PLACE: Place = { mostWaiting: Infinity };

/** A claim that is wanted, with the UUID of its webhook. */
export interface Wanted extends ClaimRequest {
	readonly webhook: string;
}

/** Makes claims in one transaction. What a webhook gets is under its UUID; nothing is there for one that is not deliverable. */
type ClaimAll = (wanted: readonly Wanted[]) => Promise<ReadonlyMap<string, Claim>>;

interface Waiting extends PromiseWithResolvers<Claim | undefined> {
	readonly wanted: Wanted;
}

/**
 * Gathers the claims of a project that come in one turn of the event loop, or while those before them are made.
 *
 * A claim that fails must not be felt by the others, again and again: after a failure, a webhook's claims are made alone until one succeeds.
 */
export class SharedClaims {
	readonly #claimAll: ClaimAll;
	readonly #turns: Turns;
	/** By project. */
	readonly #waiting = new Map<string, Waiting[]>();
	/** Webhooks whose last claim has failed. */
	readonly #failed = new Set<string>();

	/** @param turns the owners are projects */
	constructor(claimAll: ClaimAll, turns: Turns) {
		this.#claimAll = claimAll;
		this.#turns = turns;
	}

	claim(wanted: Wanted): Promise<Claim | undefined> {
		const { webhook, projectId = "" } = wanted;
		if (projectId === "") return this.#turns.run(webhook, PLACE, () => this.#claimAlone(wanted));
		if (this.#failed.has(webhook)) return this.#turns.run(projectId, PLACE, () => this.#claimAlone(wanted));
		const waiting = { wanted, ...Promise.withResolvers<Claim | undefined>() };
		const all = this.#waiting.get(projectId);
		if (all === undefined) this.#waiting.set(projectId, [waiting]);
		else all.push(waiting);
		// One turn for each claim: those whose claims an earlier one has taken have nothing left to do. A turn fails only if it does not come.
		const turn = this.#turns.run(projectId, PLACE, () => this.#claimNext(projectId));
		turn.catch((error: unknown) => this.#giveUp(projectId, waiting, error));
		return waiting.promise;
	}

	/** The turn of a claim has not come in time. Nothing is to be done if an earlier one has taken the claim. */
	#giveUp(projectId: string, waiting: Waiting, error: unknown): void {
		const all = this.#waiting.get(projectId) ?? [];
		if (!all.includes(waiting)) return;
		this.#keep(
			projectId,
			all.filter((one) => one !== waiting),
		);
		waiting.reject(error);
	}

	async #claimNext(projectId: string): Promise<void> {
		// More claims come in the same turn of the event loop.
		await Promise.resolve();
		const all = this.#take(projectId);
		const [first] = all;
		if (first === undefined) return;
		if (all.length === 1) {
			await settle(first, this.#claimAlone(first.wanted));
			return;
		}
		try {
			const claims = await this.#claimAll(all.map(({ wanted }) => shareOf(wanted)));
			for (const { wanted, resolve } of all) resolve(claims.get(wanted.webhook));
		} catch (error) {
			if (isOfAll(error)) for (const { wanted, reject } of all) this.#fail(wanted, reject, error);
			else for (const one of all) await settle(one, this.#claimAlone(one.wanted));
		}
	}

	/** Each webhook once. */
	#take(projectId: string): Waiting[] {
		const taken = new Map<string, Waiting>();
		const left: Waiting[] = [];
		for (const waiting of this.#waiting.get(projectId) ?? []) {
			const { webhook } = waiting.wanted;
			if (taken.size < MOST_SHARING && !taken.has(webhook)) taken.set(webhook, waiting);
			else left.push(waiting);
		}
		this.#keep(projectId, left);
		return [...taken.values()];
	}

	#keep(projectId: string, left: Waiting[]): void {
		if (left.length === 0) this.#waiting.delete(projectId);
		else this.#waiting.set(projectId, left);
	}

	async #claimAlone(wanted: Wanted): Promise<Claim | undefined> {
		try {
			const claims = await this.#claimAll([wanted]);
			this.#failed.delete(wanted.webhook);
			return claims.get(wanted.webhook);
		} catch (error) {
			this.#remember(wanted);
			throw error;
		}
	}

	#fail(wanted: Wanted, reject: (error: unknown) => void, error: unknown): void {
		this.#remember(wanted);
		reject(error);
	}

	#remember({ webhook }: Wanted): void {
		if (this.#failed.size >= MOST_FAILED) this.#failed.clear();
		this.#failed.add(webhook);
	}
}

/**
 * Whether the failure of a transaction is that of each claim in it: the database can't be reached, is full or takes too long, perhaps because of
 * one of them. It would take that time again for each.
 */
function isOfAll(error: unknown): boolean {
	return error instanceof StoreError && error.code !== "store_conflict";
}

function settle({ resolve, reject }: Waiting, claim: Promise<Claim | undefined>): Promise<void> {
	return claim.then(resolve, reject);
}

function shareOf(wanted: Wanted): Wanted {
	const { limit, maxBytes } = wanted;
	return { ...wanted, limit: Math.min(limit, SHARE.deliveries), maxBytes: Math.min(maxBytes, SHARE.bytes) };
}
