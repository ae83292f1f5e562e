// The ledger compares the requests that receivers saw with the attempts in the log, for each pair of event and webhook, over all
// ends of the server. Attempts that an end has cut off are recorded in it; only these may be repeated.
import { pairOf, type RoundRecord, type RunEnd, type Seen } from "./record.ts";
import type { StoredAttempt, StoredLog } from "./stored-log.ts";

/** Attempts with these errors did not reach a receiver. */
const UNSEEN_ERRORS = new Set(["refused", "dns", "blocked_address", "unreachable", "tls"]);

export interface PairLedger {
	readonly pair: string;
	readonly seen: readonly Seen[];
	/** The attempts of all deliveries of the pair. */
	readonly attempts: readonly StoredAttempt[];
	readonly deliveryCount: number;
	/** The number of requests whose outcome was not on the disk when a run ended, by run. */
	readonly cutOff: readonly number[];
	/** The number of certain requests that neither an attempt in the log nor an end of a run explains. */
	readonly surplus: number;
	/** The same for requests with a 2xx response. */
	readonly surplusSuccesses: number;
}

export function isSuccess(status: number): boolean {
	return status >= 200 && status <= 299;
}

export function keepLedger(record: RoundRecord): PairLedger[] {
	const seenByPair = Map.groupBy(record.seen, pairOf);
	const places = new Map(record.seen.map((request, index) => [request, index]));
	const ends = record.ends.map((end, index) => ({
		attempts: attemptsByPair(end.log),
		cameBefore: cameBefore(end, index, (request) => places.get(request) ?? Infinity),
	}));
	const stored = attemptsByPair(record.stored);
	const counts = Map.groupBy(record.stored.deliveries, pairOf);
	return [...new Set([...seenByPair.keys(), ...stored.keys()])]
		.filter((pair) => !record.purged.has(pair.split(" ")[0] ?? ""))
		.map((pair) => {
			const seen = seenByPair.get(pair) ?? [];
			const attempts = stored.get(pair) ?? [];
			const atEnds = ends.map((end) => ({ ...end, written: end.attempts.get(pair) ?? [] }));
			const all = compare(seen, atEnds, attempts, isSeenAttempt);
			const successes = compare(
				seen.filter(({ status }) => isSuccess(status)),
				atEnds,
				attempts,
				mayBeSuccess,
			);
			return {
				pair,
				seen,
				attempts,
				deliveryCount: counts.get(pair)?.length ?? 0,
				cutOff: all.cutOff,
				surplus: all.surplus,
				surplusSuccesses: successes.surplus,
			};
		});
}

/**
 * The requests of a pair that count to an end. Where several processes run at once, these are all that came before it, and those that the
 * process itself has sent later; none if the last of them was sent by another process, which goes on with the delivery.
 */
function cameBefore(
	{ of }: RunEnd,
	index: number,
	placeOf: (request: Seen) => number,
): (seen: readonly Seen[]) => readonly Seen[] {
	if (of === undefined) return (seen) => seen.filter(({ run }) => run <= index);
	return (seen) => {
		const came = seen.filter((request) => request.run === of.run || placeOf(request) < of.cameBefore);
		return came.at(-1)?.run === of.run ? came : [];
	};
}

/** An end, and the attempts of a pair that were on the disk then. */
interface EndOfPair {
	readonly cameBefore: (seen: readonly Seen[]) => readonly Seen[];
	readonly written: readonly StoredAttempt[];
}

function compare(
	seen: readonly Seen[],
	atEnds: readonly EndOfPair[],
	attempts: readonly StoredAttempt[],
	counts: (attempt: StoredAttempt) => boolean,
): { cutOff: number[]; surplus: number } {
	const certain = seen.filter(({ certain }) => certain);
	const cutOff: number[] = [];
	let excused = 0;
	for (const { cameBefore, written } of atEnds) {
		const came = cameBefore(certain).length;
		const open = Math.max(0, came - excused - written.filter(counts).length);
		cutOff.push(open);
		excused += open;
	}
	return { cutOff, surplus: certain.length - excused - attempts.filter(counts).length };
}

/** A receiver can have responded with a 2xx to an attempt whose time was over: on a slow machine, the response comes too late. */
function mayBeSuccess({ responseCode, error }: StoredAttempt): boolean {
	return error === "timeout" || (error === null && isSuccess(responseCode));
}

export function isSeenAttempt({ error }: StoredAttempt): boolean {
	return error === null || !UNSEEN_ERRORS.has(error);
}

function attemptsByPair(log: StoredLog): Map<string, StoredAttempt[]> {
	const byPair = new Map<string, StoredAttempt[]>();
	for (const delivery of log.deliveries) {
		const pair = pairOf(delivery);
		byPair.set(pair, [...(byPair.get(pair) ?? []), ...delivery.attempts]);
	}
	return byPair;
}
