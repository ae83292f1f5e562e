// How many changes projects and customers make: token buckets, from which each audit entry takes one.
import type { AuditDraft } from "../../../core/access/audit.ts";
import type { Clock } from "../../../core/clock.ts";
import { FanfareError } from "../../../core/errors.ts";
import { countsAsChange, type ChangeQuotas } from "../../../core/policies/change-quota.ts";
import { TokenBuckets } from "../../../core/policies/token-buckets.ts";
import type { Tenure } from "../../../ports/tenure.ts";

interface Parts {
	readonly clock: Pick<Clock, "monotonicMs">;
	readonly tenure: Pick<Tenure, "liveMembers">;
}

type Maker = Pick<AuditDraft, "action" | "keyId" | "customerId">;

const S_PER_MINUTE = 60;
/** The changes of this many seconds may be made at once: by default, a script can make all webhooks that a project may have. */
const BURST_S = 3_600;
/** The same for each customer: a person in the portal changes a great many things without a pause. */
const BURST_OF_CUSTOMER_S = 600;
/** While the customers of a project have used less than this part of what is theirs together, each has all of its own. */
const PART_FREE = 0.5;
/** Whose the changes outside of any project are. */
const WORKSPACE = "";

/**
 * Changes with keys take from a bucket of the project, and those with customers' tokens from one of the customer and one of all
 * customers of the project: so customers can't use up what the product needs to manage them. When all customers together have used much of
 * what is theirs, those that have used most of their own are refused first, and those that have used little go on.
 *
 * In a cluster, each process allows its share: a quota divided by the number of live members.
 */
export class ChangeRates {
	readonly #parts: Parts;
	readonly #quotas: ChangeQuotas;
	readonly #ofKeys: TokenBuckets;
	readonly #ofCustomers: TokenBuckets;
	readonly #ofCustomer: TokenBuckets;

	constructor(parts: Parts, quotas: ChangeQuotas) {
		this.#parts = parts;
		this.#quotas = quotas;
		this.#ofKeys = new TokenBuckets(parts.clock, BURST_S);
		this.#ofCustomers = new TokenBuckets(parts.clock, BURST_S);
		this.#ofCustomer = new TokenBuckets(parts.clock, BURST_OF_CUSTOMER_S);
	}

	/**
	 * Uses up one change in this project (null: in none). Changes that the server makes for itself, and those that end something, are free.
	 *
	 * @throws FanfareError `change_rate_exceeded` if the quota is used up.
	 */
	take({ action, keyId, customerId }: Maker, projectId: string | null): void {
		if ((keyId === null && customerId === null) || !countsAsChange(action)) return;
		if (customerId !== null && projectId !== null) this.#takeOfCustomer(projectId, customerId);
		// A new project would otherwise have what is not used of its own.
		else this.#takeOfKeys(action === "project.create" ? WORKSPACE : (projectId ?? WORKSPACE));
	}

	#takeOfKeys(owner: string): void {
		const { maxChangesPerMinute } = this.#quotas;
		if (maxChangesPerMinute === 0) return;
		const waitMs = this.#ofKeys.take(owner, 1, this.#share(maxChangesPerMinute));
		if (waitMs > 0) throw tooMany("maxChangesPerMinute", maxChangesPerMinute, waitMs);
	}

	#takeOfCustomer(projectId: string, customerId: string): void {
		const { maxChangesPerMinute, maxChangesPerMinutePerCustomer } = this.#quotas;
		// Ids of projects are all of one length.
		const owner = `${projectId}${customerId}`;
		if (maxChangesPerMinutePerCustomer !== 0) {
			const waitMs = this.#ofCustomer.take(owner, 1, this.#share(maxChangesPerMinutePerCustomer));
			if (waitMs > 0) throw tooMany("maxChangesPerMinutePerCustomer", maxChangesPerMinutePerCustomer, waitMs);
		}
		if (maxChangesPerMinute === 0) return;
		const perSecond = this.#share(maxChangesPerMinute);
		// What a customer has left of its own counts as much as what all have left.
		const isModest = this.#ofCustomer.level(owner) >= 1 - this.#ofCustomers.level(projectId) / PART_FREE;
		const waitMs = isModest ? this.#ofCustomers.take(projectId, 1, perSecond) : Math.ceil(1_000 / perSecond);
		if (waitMs === 0) return;
		this.#ofCustomer.giveBack(owner, 1);
		throw tooMany("maxChangesPerMinute", maxChangesPerMinute, waitMs);
	}

	#share(perMinute: number): number {
		return perMinute / S_PER_MINUTE / this.#parts.tenure.liveMembers();
	}
}

function tooMany(name: keyof ChangeQuotas, perMinute: number, waitMs: number): FanfareError {
	const whose = name === "maxChangesPerMinute" ? "the project" : "the customer";
	return new FanfareError(
		"change_rate_exceeded",
		`The quota of ${perMinute} changes per minute (${name}) of ${whose} is used up. Try again after the time in Retry-After. ` +
			"What ends something, such as a deletion, a pause or a revocation, is never refused for that.",
		{ retryAfterMs: waitMs },
	);
}
