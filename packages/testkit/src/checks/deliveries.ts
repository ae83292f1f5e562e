// Promises about each delivery: none is lost, none is stuck, and the log says what happened.
import { isSeenAttempt, isSuccess, type PairLedger } from "./ledger.ts";
import { pairOf, type Acknowledged, type Breach, type RoundRecord, type WebhookRecord } from "./record.ts";
import type { StoredDelivery } from "./stored-log.ts";

/** A delivery that has been due for longer than this is stuck. The server attempts due deliveries at once. */
const DUE_FOR_MS = 5_000;
/** A process has stopped by then, and others have not yet taken over, when it is cut off from its database. */
const NOTICES_WITHIN_MS = 2_000;

/** Each acknowledged event has a delivery to each webhook that wants it, and the delivery ends as it must. */
export function checkLost(record: RoundRecord): Breach[] {
	const byPair = Map.groupBy(record.stored.deliveries, pairOf);
	const arrived = new Set(record.seen.filter(({ status }) => isSuccess(status)).map(pairOf));
	return wantedPairs(record).flatMap(([event, webhook]): Breach[] => {
		const pair = pairOf({ eventId: event.eventId, webhookId: webhook.id });
		const what = `event ${event.n} to ${webhook.name} (${pair})`;
		if (record.purged.has(event.eventId)) {
			const isLost = webhook.mayEnd(event.n).every((status) => status === "Succeeded") && !arrived.has(pair);
			return isLost ? [lost(`${what}: deleted by retention and never delivered`)] : [];
		}
		const deliveries = byPair.get(pair) ?? [];
		if (deliveries.length === 0) return webhook.mayMiss(event) ? [] : [lost(`${what}: no delivery in the store`)];
		return deliveries.flatMap(({ status }) => {
			if (status === "Succeeded" && !arrived.has(pair))
				return [lost(`${what}: Succeeded, but its receiver never got it`)];
			if (status === "Pending" || isOneOf(status, webhook.mayEnd(event.n))) return [];
			return [lost(`${what}: ended as ${status}`)];
		});
	});
}

function lost(text: string): Breach {
	return { promise: "lost", text };
}

function wantedPairs({ acknowledged, webhooks }: RoundRecord): [Acknowledged, WebhookRecord][] {
	return acknowledged.flatMap((event) =>
		webhooks
			.filter(({ id, wants }) => (event.webhookIds === null ? wants(event.type) : event.webhookIds.includes(id)))
			.map((webhook): [Acknowledged, WebhookRecord] => [event, webhook]),
	);
}

/** No delivery stays due, and none is leased after the server has stopped. */
export function checkStuck(record: RoundRecord): Breach[] {
	const webhooks = new Map(record.webhooks.map((webhook) => [webhook.id, webhook]));
	const numbers = new Map(record.acknowledged.map(({ eventId, n }) => [eventId, n]));
	const listed = record.listed
		.filter(({ status }) => status === "Pending")
		.flatMap(({ id, eventId, webhookId, nextAttemptDate }): Breach[] => {
			const webhook = webhooks.get(webhookId);
			const mayWait = webhook === undefined || isOneOf("Pending", webhook.mayEnd(numbers.get(eventId) ?? -1));
			const isDue = nextAttemptDate === null || nextAttemptDate < record.listedAt - DUE_FOR_MS;
			if (mayWait && !isDue) return [];
			const when = nextAttemptDate === null ? "without a time" : `due ${record.listedAt - nextAttemptDate} ms ago`;
			return [{ promise: "stuck", text: `${id} to ${webhook?.name ?? webhookId} is Pending, ${when}` }];
		});
	const leased = record.stored.deliveries
		.filter(({ leaseUntil }) => leaseUntil !== null)
		.map(({ id }): Breach => ({ promise: "stuck", text: `${id} is leased although the server has stopped` }));
	return [...listed, ...leased];
}

/** The log says what happened: attempts, statuses and reasons are right, and no response is in it that no receiver gave. */
export function checkWrongState(record: RoundRecord, ledger: readonly PairLedger[]): Breach[] {
	const webhooks = new Map(record.webhooks.map((webhook) => [webhook.id, webhook]));
	const known = new Set(wantedPairs(record).map(([{ eventId }, { id }]) => pairOf({ eventId, webhookId: id })));
	const acknowledged = new Set(record.acknowledged.map(({ eventId }) => eventId));
	const repeats = new Map(ledger.map(({ pair, cutOff }) => [pair, repeatsOf(record, cutOff)]));
	const ofDeliveries = record.stored.deliveries.flatMap((delivery) =>
		[
			...contradictions(delivery, webhooks.get(delivery.webhookId), {
				more: record.moreSuccesses.get(delivery.id) ?? 0,
				mayRepeat: (repeats.get(pairOf(delivery)) ?? 0) + unseenRepeatsOf(record, delivery),
			}),
			...(acknowledged.has(delivery.eventId) && !known.has(pairOf(delivery))
				? ["its webhook does not want its event"]
				: []),
		].map((text) => `${delivery.id}: ${text}`),
	);
	const texts = [...ofDeliveries, ...ledger.flatMap(inventedResponses), ...differences(record)];
	return texts.map((text) => ({ promise: "wrong state", text }));
}

/** How many attempts were cut off by ends that processes have outlived: they write these outcomes later, beside those of the repeats. */
function repeatsOf({ ends }: RoundRecord, cutOff: readonly number[]): number {
	return cutOff.reduce((sum, count, index) => sum + (ends[index]?.how === "lost tenure" ? count : 0), 0);
}

/** The same for attempts that no receiver has seen: begun before such an end, or before the process could notice it, and written later. */
function unseenRepeatsOf({ ends }: RoundRecord, { id, attempts }: StoredDelivery): number {
	const unseen = attempts.filter((attempt) => !isSeenAttempt(attempt));
	if (unseen.length === 0) return 0;
	return ends.reduce((sum, { how, of, log }) => {
		if (how !== "lost tenure" || of === undefined) return sum;
		const written = new Set(log.deliveries.find((each) => each.id === id)?.attempts.map(({ startDate }) => startDate));
		const late = unseen.filter(({ startDate }) => startDate < of.at + NOTICES_WITHIN_MS && !written.has(startDate));
		return sum + late.length;
	}, 0);
}

/**
 * `mayRepeat` is the number of outcomes that may be in the log although their attempts were repeated, `more` that of successes beside one that
 * retries by hand explain.
 */
function contradictions(
	delivery: StoredDelivery,
	webhook: WebhookRecord | undefined,
	{ more, mayRepeat }: { readonly more: number; readonly mayRepeat: number },
): string[] {
	const { status, reason, attemptCount, attempts, nextAttemptAt } = delivery;
	const successes = attempts.filter(({ responseCode, error }) => error === null && isSuccess(responseCode)).length;
	const isLast = mayRepeat > 0 || isSuccess(attempts.at(-1)?.responseCode ?? 0);
	const numbers = attempts.map(({ number }) => number);
	const found: string[] = [];
	if (numbers.length !== attemptCount || numbers.some((number, index) => number !== index + 1)) {
		found.push(`has ${attemptCount} attempts, and the log has the numbers ${numbers.join(", ")}`);
	}
	const isTooOften = successes > 1 + more + mayRepeat;
	const isUndone = status === "Succeeded" && (successes === 0 || !isLast);
	if (isTooOften || isUndone) found.push(`${status} with ${successes} successes`);
	if (status !== "Succeeded" && status !== "Cancelled" && successes > more) found.push(`${status} after a success`);
	const wantsReason = status === "Failed" || status === "Held" || status === "Cancelled";
	if (wantsReason && (reason === null || reason === "")) found.push(`${status} without a reason`);
	if (status === "Pending" && nextAttemptAt === null) found.push("Pending without a time");
	const wanted = webhook?.attemptsUntilFailed ?? null;
	const isEnough = wanted === null || (attemptCount >= wanted && attemptCount <= wanted + mayRepeat);
	if (status === "Failed" && !isEnough) {
		found.push(`Failed after ${attemptCount} attempts instead of ${wanted}`);
	}
	return found;
}

/** The log must not have more attempts with a response than the receiver gave such responses. */
function inventedResponses({ pair, seen, attempts }: PairLedger): string[] {
	const given = Map.groupBy(seen, ({ status }) => status);
	const logged = Map.groupBy(
		attempts.filter(({ responseCode, error }) => responseCode !== 0 && error === null),
		({ responseCode }) => responseCode,
	);
	return [...logged]
		.filter(([code, list]) => list.length > (given.get(code)?.length ?? 0))
		.map(
			([code, list]) =>
				`${pair}: the log has ${list.length} responses ${code}, its receiver gave ${given.get(code)?.length ?? 0}`,
		);
}

/** The API must list what is stored. */
function differences({ listed, stored }: RoundRecord): string[] {
	const byId = new Map(stored.deliveries.map((delivery) => [delivery.id, delivery]));
	const different = listed.flatMap(({ id, status, attemptCount, reason }) => {
		const delivery = byId.get(id);
		if (delivery === undefined) return [`${id}: the API lists it, the store does not have it`];
		const isSame = delivery.status === status && delivery.attemptCount === attemptCount && delivery.reason === reason;
		const shown = `${status}, ${attemptCount} attempts`;
		return isSame ? [] : [`${id}: the API says ${shown}, the store ${delivery.status}, ${delivery.attemptCount}`];
	});
	if (listed.length >= stored.deliveries.length) return different;
	return [...different, `the API lists ${listed.length} deliveries, the store has ${stored.deliveries.length}`];
}

function isOneOf(status: string, statuses: readonly string[]): boolean {
	return statuses.includes(status);
}
