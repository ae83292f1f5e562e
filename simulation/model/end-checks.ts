// The checks at the end of a history: builds the record of everything that happened, for the checks that torture uses, too.
import { checkAll } from "@fanfare/testkit/checks/all";
import type { Acknowledged, ListedStats, RoundRecord, WebhookRecord } from "@fanfare/testkit/checks/record";
import type { StoredDelivery } from "@fanfare/testkit/checks/stored-log";

import { projectScope } from "../../packages/server/src/core/access/principal.ts";
import type { Delivery } from "../../packages/server/src/core/delivery.ts";
import { FanfareError } from "../../packages/server/src/core/errors.ts";
import { DEFAULT_LIMITS } from "../../packages/server/src/engine/parts.ts";
import type { StatsReport } from "../../packages/server/src/engine/stats-calls.ts";
import type { Player } from "../history/player.ts";
import type { ServerRun } from "../world/server-run.ts";
import { BEGINNING } from "../world/world.ts";
import { OWN, type EventModel, type WebhookModel } from "./book.ts";
import { readDeliveries, readEvents } from "./read-log.ts";

const DAY_MS = 86_400_000;
/** The clock can be set back to before the beginning. */
const BEFORE_BEGINNING_MS = 60 * DAY_MS;
const MAX_BUCKETS = 1_500;
/** A page of the lists that are compared with the log. Small, so that there are several. */
const PAGE = 7;

/** What the server says at the end, while it is still running. */
export interface Answers {
	readonly listed: readonly Delivery[];
	readonly listedEvents: RoundRecord["listedEvents"];
	readonly listedAt: number;
	readonly stats: ListedStats | null;
}

/** Reads the lists and the stats. */
export async function askServer(player: Player): Promise<Answers> {
	const { book, world } = player;
	const listed: Delivery[] = [];
	const listedEvents: { readonly id: string; readonly type: string }[] = [];
	for (const { id } of book.projects.values()) {
		listed.push(...(await readDeliveries(world.store, id, {}, PAGE)));
		listedEvents.push(...(await readEvents(world.store, projectScope(id), PAGE)));
	}
	for (const run of player.runs) await checkReadiness(player, run);
	await checkErased(player);
	await player.customers.checkEnd();
	for (const { engine } of player.runs) if (engine !== null) await player.keys.checkList(engine);
	return { listed, listedEvents, listedAt: world.clock.now(), stats: await readStats(player) };
}

/** Long after everything was healed, the server must be ready. */
async function checkReadiness({ world }: Player, run: ServerRun): Promise<void> {
	let message: string | null = null;
	run.engine?.readiness().then(
		({ ready, checks }) => (message = ready ? "ready" : JSON.stringify(checks)),
		(error: unknown) => (message = String(error)),
	);
	await world.clock.advance(60_000, () => message !== null);
	if (message !== "ready") world.breach("readiness", message ?? "the server does not say whether it is ready");
}

/** What was erased is erased completely, also if the server has ended in the middle of it. */
async function checkErased({ book, world }: Player): Promise<void> {
	const { store } = world;
	const [left] = await store.erasures(1);
	if (left !== undefined) world.breach("wrong state", `the erasure of ${left.eventId} is not over`);
	for (const { id, projectId, eraseIssued } of book.events.values()) {
		const scope = projectScope(projectId);
		if (!eraseIssued || (await store.event(scope, id)) === null || (await store.eventBody(scope, id)) !== null)
			continue;
		for (const delivery of await readDeliveries(store, projectId, { eventId: id })) {
			const { rows } = await store.attempts(scope, delivery.id, { limit: 1_000, cursor: null });
			if (rows.every(({ response }) => response === null || response.body === "")) continue;
			world.breach("wrong state", `${delivery.id} keeps a response to an erased payload`);
		}
	}
}

/** The sums over all projects. Null if they can't agree with the log, because something was deleted from it. */
async function readStats(player: Player): Promise<ListedStats | null> {
	const { book, world } = player;
	const { engine } = player.run;
	const isWhole = book.purged.size === 0 && book.projects.values().every(({ deleteIssued }) => !deleteIssued);
	if (!isWhole || engine === null) return null;
	const now = Math.max(player.latestNow, ...book.events.values().map(({ createDate }) => createDate));
	const request = { width: "day", from: BEGINNING - BEFORE_BEGINNING_MS, to: now + DAY_MS } as const;
	if (request.to - request.from > (MAX_BUCKETS - 2) * DAY_MS) return null;
	const reports: StatsReport[] = [];
	for (const { id } of book.projects.values()) {
		const reading = engine.stats.read(projectScope(id), null, request);
		let report: StatsReport | null = null;
		reading.then(
			(read) => (report = read),
			(error: unknown) => {
				if (error instanceof FanfareError) world.breach("stats", `the stats can't be read: ${error.message}`);
			},
		);
		await world.clock.advance(60_000, () => report !== null);
		if (report === null) return null;
		reports.push(report);
	}
	const sum = (valueOf: (report: StatsReport) => number) => reports.reduce((all, report) => all + valueOf(report), 0);
	return {
		accepted: sum(({ totals }) => totals.accepted),
		attemptsSucceeded: sum(({ totals }) => totals.attemptsSucceeded),
		attemptsFailed: sum(({ totals }) => totals.attemptsFailed),
		succeeded: sum(({ totals }) => totals.succeeded),
		byStatus: {
			Pending: sum(({ deliveries }) => deliveries.Pending),
			Succeeded: sum(({ deliveries }) => deliveries.Succeeded),
			Failed: sum(({ deliveries }) => deliveries.Failed),
			Held: sum(({ deliveries }) => deliveries.Held),
			Cancelled: sum(({ deliveries }) => deliveries.Cancelled),
		},
	};
}

/** Checks everything, once the server has stopped. */
export function checkEnd(player: Player, answers: Answers): void {
	const { world } = player;
	const record = recordOf(player, answers);
	for (const { promise, text } of checkAll(record)) world.breach(promise, text);
	checkRates(player);
	checkSends(player);
	const inLog = player.tests.eventIds.intersection(record.stored.eventIds);
	if (inLog.size > 0) world.breach("tests", `the log has the events of tests: ${[...inLog].join()}`);
	for (const delivery of record.stored.deliveries) checkEnded(player, delivery);
}

function recordOf(player: Player, { listed, listedEvents, listedAt, stats }: Answers): RoundRecord {
	const { book, attempts, ends } = player;
	const last = ends.at(-1)?.log;
	if (last === undefined) throw new Error("the checks at the end need the log after the last run");
	const stored = { ...last, deliveries: last.deliveries.map((delivery) => withoutOrder(player, delivery)) };
	return {
		acknowledged: acknowledgedOf(player),
		purged: book.purged.difference(stored.eventIds),
		webhooks: book.webhooks.flatMap((webhook) =>
			webhook.id === null ? [] : recordOfWebhook(player, webhook, webhook.id),
		),
		moreSuccesses: moreSuccesses(player, stored.deliveries),
		seen: attempts.seen,
		// With several engines, `certain` says which attempts the ends of runs explain.
		ends: player.world.sharing === null ? ends.slice(0, -1) : [],
		stored,
		listedEvents,
		listed: listed.map(({ nextAttemptAt, ...delivery }) => ({ ...delivery, nextAttemptDate: nextAttemptAt })),
		stats,
		listedAt,
		maxInFlight: player.world.settings.limits.maxInFlight ?? DEFAULT_LIMITS.maxInFlight,
		clockJumps: 0,
		onTheWayMs: 0,
		blockedReached: 0,
		secretsFound: [],
		peakMb: 0,
		maxMb: 0,
		promptWithinMs: null,
		usableMs: (from, to) => to - from,
	};
}

/** Which outcome was written last means nothing if one of them came from an engine that had lost its tenure: the success counts. */
function withoutOrder({ sharing }: Player, delivery: StoredDelivery): StoredDelivery {
	const { attempts, eventId, status, webhookId } = delivery;
	const success = attempts.findLast(
		({ error, responseCode }) => error === null && responseCode >= 200 && responseCode <= 299,
	);
	if (status !== "Succeeded" || success === undefined || !sharing.isDoubled(eventId, webhookId)) return delivery;
	const inOrder = [...attempts.filter((attempt) => attempt !== success), success];
	return { ...delivery, attempts: inOrder.map((attempt, index) => ({ ...attempt, number: index + 1 })) };
}

/** Deliveries that may have more than one success, among them those that an engine without tenure has delivered besides the owner. */
function moreSuccesses({ book, sharing }: Player, deliveries: readonly StoredDelivery[]): Map<string, number> {
	const isRetried = ({ id, eventId, webhookId }: StoredDelivery) =>
		book.retried.has(id) || book.webhook(webhookId)?.retriedMany === true || sharing.isDoubled(eventId, webhookId);
	return new Map(deliveries.filter(isRetried).map(({ id }) => [id, Infinity]));
}

/** Every event that somebody has sent and that may be stored: acknowledged, or sent without an answer. */
function acknowledgedOf({ book }: Player): Acknowledged[] {
	return [...book.events.values()].filter(isSent).map(({ id, type, n, createDate }) => ({
		eventId: id,
		type,
		n,
		// Which webhooks must have a delivery follows from `mayMiss` alone.
		webhookIds: null,
		sentAt: createDate,
		acknowledgedAt: createDate,
	}));

	function isSent({ n, type }: EventModel): boolean {
		if (n === OWN) return type.startsWith("fanfare.");
		const send = book.sends[n];
		return send !== undefined && send.acknowledged + send.unanswered > 0;
	}
}

function recordOfWebhook({ book }: Player, webhook: WebhookModel, id: string): WebhookRecord {
	const wanted = new Set<string>();
	for (const event of book.events.values()) if (event.wantedBy.includes(id)) wanted.add(event.id);
	return {
		id,
		name: `w${webhook.number}`,
		secrets: [],
		wants: () => true,
		// `checkEnded` knows more about single deliveries.
		mayEnd: () => ["Succeeded", "Failed", "Cancelled"],
		attemptsUntilFailed: null,
		mayMiss: ({ eventId }) => !wanted.has(eventId),
		isHealthy: false,
		perSecond: null,
	};
}

/** A send that was refused each time is not stored. */
function checkSends({ book, world }: Player): void {
	for (const { n, id } of book.events.values()) {
		const send = book.sends[n];
		if (send === undefined || send.acknowledged + send.unanswered > 0) continue;
		world.breach("accepted", `event ${n} was refused, and is stored as ${id}`);
	}
}

/** A delivery ends as Succeeded unless something that happened explains another end. */
function checkEnded({ book, world }: Player, delivery: StoredDelivery): void {
	const { id, eventId, webhookId, status, reason, attempts } = delivery;
	const webhook = book.webhook(webhookId);
	if (webhook === undefined) return world.breach("wrong state", `${id} has a webhook that nobody has created`);
	const isDeleted = webhook.deleteIssued || webhook.project.deleteIssued;
	if (status === "Cancelled") {
		const isErased = book.events.get(eventId)?.eraseIssued === true;
		const isExplained = isDeleted || isErased || webhook.cancelledMany || book.cancelled.has(id);
		if (!isExplained) world.breach("lost", `${id} is Cancelled (${reason}), and nobody has cancelled it`);
	}
	if (status === "Failed") {
		const isGone = attempts.some(({ responseCode }) => responseCode === 410);
		const isRetried = book.retried.has(id) || webhook.retriedMany;
		const fewest = Math.min(...webhook.maxRetries) + 1;
		if (!isGone && !isRetried && attempts.length < fewest) {
			world.breach("lost", `${id} is Failed after ${attempts.length} attempts, and ${fewest} were to be made`);
		}
	}
	if ((status === "Pending" || status === "Held") && !isDeleted) {
		world.breach("stuck", `${id} is ${status} at the end: ${reason}`);
	}
}

/** A rate limit holds in every second, also across restarts: its number, and the same number again for the burst. */
function checkRates({ attempts, book, world }: Player): void {
	const byWebhook = Map.groupBy(attempts.seen, ({ webhookId }) => webhookId);
	for (const [webhookId, requests] of byWebhook) {
		const rates = book.webhook(webhookId)?.rates ?? [];
		const perSecond = Math.max(...rates.map((rate) => rate.perSecond ?? Infinity));
		if (!Number.isFinite(perSecond)) continue;
		let first = 0;
		for (const [last, { at }] of requests.entries()) {
			while ((requests[first]?.at ?? 0) <= at - 1_000) first++;
			const count = last - first + 1;
			if (count <= 2 * perSecond) continue;
			world.breach("rates", `${webhookId} got ${count} requests in a second, its limit is ${perSecond}`);
			break;
		}
	}
}
