// How many changes projects and customers make: token buckets, from which each audit entry takes one.
import type { AuditAction } from "../../../core/access/audit.ts";
import type { ApiKey } from "../../../core/access/key.ts";
import type { Clock } from "../../../core/clock.ts";
import { FanfareError } from "../../../core/errors.ts";
import { countedByKey, countsAsChange, type ChangeQuotas } from "../../../core/policies/change-quota.ts";
import { lookShared, takeShared, type Share, type ShareRefusal } from "../../../core/policies/take-shared.ts";
import { TokenBuckets } from "../../../core/policies/token-buckets.ts";
import type { Tenure } from "../../../ports/tenure.ts";
import type { ChangeMaker } from "../../change.ts";

interface Parts {
	readonly clock: Pick<Clock, "monotonicMs">;
	readonly tenure: Pick<Tenure, "liveMembers">;
	/** All keys. */
	readonly keys: { key(keyId: string): Pick<ApiKey, "projectId"> | undefined };
}

/** What a change is counted as. */
export interface Counted {
	/** The number of entries that one change leaves. Defaults to 1. */
	readonly count?: number;
	/** The customer for whom a key makes a portal session. Those of all customers are shared, so that none uses up those of others. */
	readonly forCustomer?: string;
}

/** Whose tokens a change takes, and the error if there are too few. */
interface Source {
	readonly member: Share;
	readonly group: Share | null;
	readonly refused: (refusal: ShareRefusal) => FanfareError;
}

const S_PER_MINUTE = 60;
/** The changes of this many seconds may be made at once: by default, a script can make all webhooks that a project may have. */
const BURST_S = 3_600;
/** The same for each customer: a person in the portal changes a great many things without a pause. */
const BURST_OF_CUSTOMER_S = 600;
/** How long a customer is told to wait when it is refused for what others have used. A wait that followed from that would tell of them. */
const CUSTOMER_WAIT_MS = 60_000;
/**
 * Actions of which only the body or the store tells whether they change something, or what is counted: portal sessions are counted for the customer whom
 * they name, a replay may be a dry run, and a customer's webhooks may all be enabled.
 */
const TOLD_BY_BODY: ReadonlySet<string> = new Set<AuditAction>([
	"portal_session.create",
	"replay.create",
	"replay.create_many",
	"customer.resume",
]);
/** Who makes the changes outside of any project. */
const WORKSPACE = { owner: "", whose: "the workspace" };

/**
 * Changes with a project's keys take from a bucket of the project, those with keys of the workspace from another one of that project, and
 * those with customers' tokens from one of the customer and one of all customers of the project: so customers can't use up what the product
 * needs to manage them, and nobody with a key of the project what the workspace needs to stop that. When all customers together have used
 * much of what is theirs, those that have used most of their own are refused first, and those that have used little go on; and so it is with
 * the portal sessions that are made for customers.
 *
 * A change uses up its quota before it is made, and gets nothing back if the store refuses it or if it changes nothing: it has taken its
 * turn and a transaction all the same, so repeating it must not be free. What is refused because of the quota itself, or because the request is
 * not valid, has not come so far, and uses up nothing.
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
	 * Uses up changes in this project (null: in none), all or none. Changes that the server makes for itself, and those that end something,
	 * are free.
	 *
	 * @throws FanfareError `change_rate_exceeded` if the quota is used up.
	 */
	take(maker: ChangeMaker, projectId: string | null, { count = 1, forCustomer }: Counted = {}): void {
		const source = count === 0 ? null : this.#sourceOf(maker, projectId, forCustomer);
		if (source === null) return;
		const refusal = takeShared(count, source.member, source.group);
		if (refusal !== null) throw source.refused(refusal);
	}

	/**
	 * The same as `check` for a call whose body is not read yet, and which may turn out to change nothing.
	 *
	 * @throws FanfareError `change_rate_exceeded` if the quota is used up.
	 */
	checkCall(maker: ChangeMaker, projectId: string | null): void {
		if (!TOLD_BY_BODY.has(maker.action)) this.check(maker, projectId);
	}

	/**
	 * Throws what `take` would throw for one change, and uses up nothing: whoever prepares a change asks this first, since a refusal must cost
	 * less than what is refused.
	 */
	check(maker: ChangeMaker, projectId: string | null): void {
		const source = this.#sourceOf(maker, projectId);
		if (source === null) return;
		const refusal = lookShared(1, source.member, source.group);
		if (refusal !== null) throw source.refused(refusal);
	}

	/** Null for a change that is free. */
	#sourceOf({ action, keyId, customerId }: ChangeMaker, projectId: string | null, forCustomer?: string): Source | null {
		if ((keyId === null && customerId === null) || !countsAsChange(action)) return null;
		if (customerId !== null && projectId !== null) return this.#ofCustomerIn(projectId, customerId);
		const ofKey = countedByKey(action);
		if (ofKey !== null) return this.#ofKeysOf(`${ofKey} ${keyId ?? ""}`, "the key");
		// A new project would otherwise have what is not used of its own.
		const isOutside = projectId === null || action === "project.create";
		const { owner, whose } = isOutside ? WORKSPACE : this.#makerOf(projectId, keyId);
		return forCustomer === undefined ? this.#ofKeysOf(owner, whose) : this.#ofSessions(owner, forCustomer);
	}

	/** Who makes a change in a project with this key. */
	#makerOf(projectId: string, keyId: string | null): { readonly owner: string; readonly whose: string } {
		const key = keyId === null ? undefined : this.#parts.keys.key(keyId);
		if (key?.projectId !== null) return { owner: projectId, whose: "the project" };
		return { owner: `workspace in ${projectId}`, whose: "the workspace in this project" };
	}

	#ofKeysOf(owner: string, whose: string): Source | null {
		const { maxChangesPerMinute } = this.#quotas;
		if (maxChangesPerMinute === 0) return null;
		return {
			member: { buckets: this.#ofKeys, owner, perSecond: this.#share(maxChangesPerMinute) },
			group: null,
			refused: ({ waitMs }) => tooMany("maxChangesPerMinute", maxChangesPerMinute, whose, waitMs),
		};
	}

	/** Portal sessions made for a customer: they come from a bucket of the project, too, since any number of customers can be named. */
	#ofSessions(owner: string, customerId: string): Source | null {
		const source = this.#ofKeysOf(`${owner} for ${customerId}`, "the project's portal sessions");
		if (source === null) return null;
		return { ...source, group: { ...source.member, owner: `portal sessions of ${owner}` } };
	}

	#ofCustomerIn(projectId: string, customerId: string): Source | null {
		const { maxChangesPerMinute, maxChangesPerMinutePerCustomer } = this.#quotas;
		// Ids of projects are all of one length.
		const owner = `${projectId}${customerId}`;
		const hasOwn = maxChangesPerMinutePerCustomer !== 0;
		const perSecond = this.#share(maxChangesPerMinute);
		const group = maxChangesPerMinute === 0 ? null : { buckets: this.#ofCustomers, owner: projectId, perSecond };
		if (!hasOwn && group === null) return null;
		return {
			// Also without a quota of its own it is counted, in a bucket that lasts as long as that of all, so that one leaves others their part.
			member: hasOwn
				? { buckets: this.#ofCustomer, owner, perSecond: this.#share(maxChangesPerMinutePerCustomer) }
				: { buckets: this.#ofCustomers, owner, perSecond },
			group,
			refused: ({ of, waitMs }) =>
				hasOwn && of === "member"
					? tooMany("maxChangesPerMinutePerCustomer", maxChangesPerMinutePerCustomer, "the customer", waitMs)
					: tooManyOfCustomer(),
		};
	}

	#share(perMinute: number): number {
		return perMinute / S_PER_MINUTE / this.#parts.tenure.liveMembers();
	}
}

function tooMany(name: keyof ChangeQuotas, perMinute: number, whose: string, waitMs: number): FanfareError {
	return new FanfareError(
		"change_rate_exceeded",
		`The quota of ${perMinute} changes per minute (${name}) of ${whose} is used up. ${GOING_ON}`,
		{ retryAfterMs: waitMs },
	);
}

/** Says nothing of the others, since the customer reads it. */
function tooManyOfCustomer(): FanfareError {
	return new FanfareError("change_rate_exceeded", `The customer can make no more changes at the moment. ${GOING_ON}`, {
		retryAfterMs: CUSTOMER_WAIT_MS,
	});
}

const GOING_ON =
	"Try again after the time in Retry-After. What ends something, such as a deletion, a pause or a revocation, is never refused for that.";
