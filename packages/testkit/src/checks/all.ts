// All checks of a round. Each needs only the record, so that tests can show that it fails when a promise is broken.
import { checkLost, checkStuck, checkWrongState } from "./deliveries.ts";
import { keepLedger, type PairLedger } from "./ledger.ts";
import type { Breach, PromiseName, RoundRecord, Seen } from "./record.ts";

export function checkAll(record: RoundRecord): Breach[] {
	const ledger = keepLedger(record);
	return [
		...checkAccepted(record),
		...checkLost(record),
		...checkDuplicates(record, ledger),
		...checkStuck(record),
		...checkWrongState(record, ledger),
		...checkRates(record),
		...checkStats(record),
		...checkSignatures(record),
		...checkStrangers(record),
		...checkBounds(record),
	];
}

/** The number of repeated attempts after each end of a run, as the receivers saw them. */
export function cutOffByRun(record: RoundRecord): number[] {
	return sumByRun(keepLedger(record), record.ends.length);
}

function sumByRun(ledger: readonly PairLedger[], runs: number): number[] {
	return Array.from({ length: runs }, (_, run) => ledger.reduce((sum, { cutOff }) => sum + (cutOff[run] ?? 0), 0));
}

/** Every acknowledged event is stored once, every stored event was acknowledged, and its content is what was sent. */
function checkAccepted({ acknowledged, stored, purged, listedEvents, seen }: RoundRecord): Breach[] {
	const byId = new Map(acknowledged.map((event) => [event.eventId, event]));
	const texts = acknowledged
		.filter(({ eventId }) => !stored.eventIds.has(eventId) && !purged.has(eventId))
		.map(({ n, eventId }) => `event ${n} (${eventId}) was acknowledged and is not in the store`);
	if (byId.size !== acknowledged.length) texts.push("two different events were acknowledged with one id");
	for (const id of stored.eventIds) {
		if (!byId.has(id)) texts.push(`${id} is in the store, and nobody sent it`);
	}
	for (const { id, type } of listedEvents) {
		const sent = byId.get(id);
		if (sent !== undefined && sent.type !== type) texts.push(`${id} was sent as ${sent.type} and is listed as ${type}`);
	}
	for (const { eventId, n } of seen) {
		const sent = byId.get(eventId);
		if (sent === undefined) texts.push(`a receiver got ${eventId}, which nobody sent`);
		else if (sent.n !== n) texts.push(`${eventId} was sent with the number ${sent.n} and came with ${n}`);
	}
	return breaches("accepted", texts);
}

/** A request is repeated only if the server ended before its outcome was recorded, and at most as many as may be in flight. */
function checkDuplicates(record: RoundRecord, ledger: readonly PairLedger[] = keepLedger(record)): Breach[] {
	const texts = ledger.flatMap(({ pair, surplus, surplusSuccesses }) => {
		if (surplusSuccesses > 0)
			return [`${pair}: delivered ${surplusSuccesses} times more than the server's ends explain`];
		return surplus > 0 ? [`${pair}: ${surplus} requests that the log does not have`] : [];
	});
	for (const [index, count] of sumByRun(ledger, record.ends.length).entries()) {
		const { how = "killed", of = { run: index } } = record.ends[index] ?? {};
		const allowed = how === "stopped" ? 0 : record.maxInFlight;
		if (count > allowed)
			texts.push(`the end of run ${of.run}: ${how}, and ${count} attempts were not on the disk (allowed: ${allowed})`);
	}
	return breaches("duplicates", texts);
}

/** A rate limit holds in each second of a run: its number, and the same number again for the burst. */
function checkRates({ webhooks, seen, clockJumps, onTheWayMs }: RoundRecord): Breach[] {
	const texts = webhooks.flatMap(({ id, name, perSecond }) => {
		if (perSecond === null) return [];
		const requests = seen.filter(({ webhookId }) => webhookId === id);
		const worst = Math.max(
			0,
			...requests.map(
				({ at, run }) =>
					requests.filter((other) => other.run === run && other.at >= at && other.at < at + 1_000).length,
			),
		);
		// One more is allowed, because the second is measured at the receiver's end of a connection.
		const allowed = (2 + clockJumps + onTheWayMs / 1_000) * perSecond + 1;
		return worst > allowed ? [`${name} got ${worst} requests in a second, its limit is ${perSecond}`] : [];
	});
	return breaches("wrong state", texts);
}

/** The stats agree with the delivery log. */
function checkStats({ stats, stored, listedEvents }: RoundRecord): Breach[] {
	if (stats === null) return [];
	const attempts = stored.deliveries.flatMap(({ attempts }) => attempts);
	const succeeded = attempts.filter(({ responseCode, error }) => error === null && isSuccessCode(responseCode)).length;
	const count = (status: string) => stored.deliveries.filter((delivery) => delivery.status === status).length;
	const pairs: [string, number, number][] = [
		["accepted events", stats.accepted, listedEvents.length],
		["attempts succeeded", stats.attemptsSucceeded, succeeded],
		["attempts failed", stats.attemptsFailed, attempts.length - succeeded],
		["deliveries succeeded", stats.succeeded, count("Succeeded")],
		...Object.entries(stats.byStatus).map(([status, value]): [string, number, number] => [
			`deliveries ${status}`,
			value,
			count(status),
		]),
	];
	const wrong = pairs.filter(([, told, real]) => told !== real);
	return breaches(
		"stats",
		wrong.map(([what, told, real]) => `${what}: the stats say ${told}, the log ${real}`),
	);
}

function isSuccessCode(code: number): boolean {
	return code >= 200 && code <= 299;
}

function checkSignatures({ seen }: RoundRecord): Breach[] {
	const texts = seen
		.filter(({ signature }) => signature !== "ok")
		.map(({ eventId, webhookId, signature }) => `${eventId} to ${webhookId}: ${signature}`);
	return breaches("signatures", texts);
}

/** Of the time within which a webhook must get an event, the part for which it may get nothing at all while events wait for it. */
const SILENT_PART = 1 / 4;

/**
 * Healthy webhooks get each event soon, whatever other webhooks do. When senders send faster than this machine can deliver, events wait for
 * the earlier ones of their own webhook: it then gets one request after the other. Those that wait for others wait in silence.
 */
function checkStrangers({ promptWithinMs, usableMs, webhooks, seen, acknowledged }: RoundRecord): Breach[] {
	if (promptWithinMs === null) return [];
	const sent = new Map(acknowledged.map((event) => [event.eventId, event]));
	const healthy = new Set(webhooks.filter(({ isHealthy }) => isHealthy).map(({ id }) => id));
	const requests = Map.groupBy(
		seen.filter(({ webhookId }) => healthy.has(webhookId)),
		({ webhookId }) => webhookId,
	);
	const texts = [...requests].flatMap(([webhookId, unordered]) => {
		const ordered = unordered.toSorted((a, b) => a.at - b.at);
		const first = new Set<string>();
		return ordered.flatMap(({ eventId, at }, index) => {
			const from = sent.get(eventId)?.acknowledgedAt ?? at;
			const isFirst = !first.has(eventId);
			first.add(eventId);
			if (!isFirst || at - from <= promptWithinMs || usableMs(from, at) <= promptWithinMs) return [];
			const silentMs = longestSilence(ordered.slice(0, index + 1), from, usableMs);
			if (silentMs <= promptWithinMs * SILENT_PART) return [];
			return [
				`${eventId} ${webhookId} waited ${at - from} ms for others, ${Math.round(silentMs)} ms of them without any request`,
			];
		});
	});
	return breaches("strangers", texts);
}

/** The longest time from `from` on without a request. The requests are in order, and the last one ends it. */
function longestSilence(ordered: readonly Seen[], from: number, usableMs: RoundRecord["usableMs"]): number {
	let longest = 0;
	for (let index = ordered.length - 1; index >= 0; index--) {
		const { at = from } = ordered[index] ?? {};
		if (at <= from) break;
		longest = Math.max(longest, usableMs(Math.max(from, ordered[index - 1]?.at ?? from), at));
	}
	return longest;
}

function checkBounds({ blockedReached, secretsFound, stored, peakMb, maxMb }: RoundRecord): Breach[] {
	const texts: [PromiseName, string][] = secretsFound.map((place) => ["secrets", place]);
	if (blockedReached > 0) texts.push(["blocked addresses", `${blockedReached} connections to blocked addresses`]);
	if (stored.integrity !== "ok") texts.push(["store", `integrity_check says: ${stored.integrity}`]);
	if (peakMb > maxMb) texts.push(["memory", `the server took ${Math.round(peakMb)} MB; ${maxMb} are allowed`]);
	return texts.map(([promise, text]) => ({ promise, text }));
}

function breaches(promise: PromiseName, texts: readonly string[]): Breach[] {
	return texts.map((text) => ({ promise, text }));
}
