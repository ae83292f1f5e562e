// The events that a replay was asked for by their ids: all of them must exist, and be for its webhooks.
import { isFor } from "../../../core/access/customer.ts";
import type { Scope } from "../../../core/access/principal.ts";
import { FanfareError, invalidRequest, type Issue } from "../../../core/errors.ts";
import type { Webhook } from "../../../core/webhook.ts";
import type { FoundEvent, LogStore } from "../../../ports/store/log.ts";

/** Events that are looked up at once, so that others get their turn: a customer's may have many deliveries each. */
const AT_ONCE = 100;

/** Chosen events, and the range that they span. */
export interface Chosen {
	readonly count: number;
	/** Inclusive. */
	readonly since: number;
	/** Exclusive. */
	readonly until: number;
}

/**
 * Finds the chosen events; null if none were chosen. Throws `event_not_found` with the paths of those that are not in the scope, in the same
 * words whether they are nowhere or somebody else's, and `invalid_request` for those that are not for the customer of one of the webhooks.
 */
export async function findChosen(
	store: Pick<LogStore, "eventsById">,
	scope: Scope,
	webhooks: readonly Pick<Webhook, "id" | "customerId">[],
	eventIds: readonly string[] | null,
): Promise<Chosen | null> {
	if (eventIds === null) return null;
	const found: (FoundEvent | null)[] = [];
	for (let at = 0; at < eventIds.length; at += AT_ONCE) {
		found.push(...(await store.eventsById(scope, eventIds.slice(at, at + AT_ONCE))));
	}
	const issues = (isWrong: (event: FoundEvent | null) => boolean, message: string): Issue[] =>
		found.flatMap((event, index) => (isWrong(event) ? [{ path: `eventIds.${index}`, message }] : []));
	const unknown = issues((event) => event === null, "names no such event");
	if (unknown.length > 0) {
		throw new FanfareError("event_not_found", "There is no such event in this project.", { issues: unknown });
	}
	const foreign = webhooks.flatMap(({ id, customerId }) =>
		issues((event) => event !== null && !isFor(event.customers, customerId), `is not for the customer of ${id}`),
	);
	if (foreign.length > 0) throw invalidRequest(foreign.slice(0, AT_ONCE));
	const dates = found.map((event) => event?.createDate ?? 0);
	return { count: dates.length, since: Math.min(...dates), until: Math.max(...dates) + 1 };
}
