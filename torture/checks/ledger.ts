// The ledger: requests that receivers saw against attempts that the log has, pair by pair (event and webhook), through all
// ends of the server. What an end has cut off is written down there, and may come once more; nothing else may.
import type { StoredAttempt, StoredLog } from "../harness/stored-log.ts";
import { pairOf, type RoundRecord, type Seen } from "../record.ts";

/** Attempts with these errors have not come as far as a receiver. */
const UNSEEN_ERRORS = new Set(["refused", "dns", "blocked_address", "unreachable", "tls"]);

export interface PairLedger {
	readonly pair: string;
	readonly seen: readonly Seen[];
	/** Of all deliveries of the pair. */
	readonly attempts: readonly StoredAttempt[];
	readonly deliveryCount: number;
	/** Requests whose outcome was not on the disk when a run ended, by run. */
	readonly cutOff: readonly number[];
	/** Certain requests that no attempt in the log accounts for, and no end of a run explains. */
	readonly surplus: number;
	/** The same of those that were answered 2xx. */
	readonly surplusSuccesses: number;
}

export function isSuccess(status: number): boolean {
	return status >= 200 && status <= 299;
}

export function keepLedger(record: RoundRecord): PairLedger[] {
	const seenByPair = Map.groupBy(record.seen, pairOf);
	const ends = record.ends.map(({ log }) => attemptsByPair(log));
	const stored = attemptsByPair(record.stored);
	const counts = Map.groupBy(record.stored.deliveries, pairOf);
	return [...new Set([...seenByPair.keys(), ...stored.keys()])]
		.filter((pair) => !record.purged.has(pair.split(" ")[0] ?? ""))
		.map((pair) => {
			const seen = seenByPair.get(pair) ?? [];
			const attempts = stored.get(pair) ?? [];
			const atEnds = ends.map((end) => end.get(pair) ?? []);
			const all = settle(seen, atEnds, attempts, isSeenAttempt);
			const successes = settle(
				seen.filter(({ status }) => isSuccess(status)),
				atEnds,
				attempts,
				({ responseCode, error }) => error === null && isSuccess(responseCode),
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

function settle(
	seen: readonly Seen[],
	atEnds: readonly (readonly StoredAttempt[])[],
	attempts: readonly StoredAttempt[],
	counts: (attempt: StoredAttempt) => boolean,
): { cutOff: number[]; surplus: number } {
	const certain = seen.filter(({ certain }) => certain);
	const cutOff: number[] = [];
	let excused = 0;
	for (const [run, written] of atEnds.entries()) {
		const came = certain.filter((request) => request.run <= run).length;
		const open = Math.max(0, came - excused - written.filter(counts).length);
		cutOff.push(open);
		excused += open;
	}
	return { cutOff, surplus: certain.length - excused - attempts.filter(counts).length };
}

function isSeenAttempt({ error }: StoredAttempt): boolean {
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
