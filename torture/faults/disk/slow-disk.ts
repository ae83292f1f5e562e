// Each sync of the disk takes long for a while.
import { setTimeout as delay } from "node:timers/promises";

import { eventually } from "@fanfare/testkit/eventually";

import type { Fault } from "../../fault.ts";
import { rawEvent, sendRaw } from "../../harness/raw-sends.ts";
import type { Round } from "../../round.ts";

const SYNC_MS = 200;
const LASTS_MS = 60_000;
/** Sends under way at once: more than may wait. */
const AT_ONCE = 60;
const MAX_WAITING = 20;
/** How long a sender waits after it was refused. */
const REFUSED_PAUSE_MS = 20;
/** A send after it is delivered this soon, whatever has gathered meanwhile. */
const LAG_MS = 10_000;
/**
 * On a machine that is slow by itself, what has gathered takes longer, and must at least go this much faster than while the disk was slow. Slow
 * is one where an event takes this long from its send to its receiver before the disk is, with a server that has just started: where
 * everything took six times as long as usual, it was 320 ms.
 */
const TIMES_FASTER = 2;
const SLOW_MACHINE_MS = 200;

export const slowDisk: Fault = {
	name: "slow-disk",
	summary: `each sync takes ${SYNC_MS} ms for a minute: sends are shed with Retry-After, nothing is lost, and the lag is short afterwards`,
	weight: 0.15,
	profiles: ["embedded"],
	prepare: (round) => {
		round.env["FANFARE_MAX_WAITING_SENDS"] = String(MAX_WAITING);
	},
	strike: async (round) => {
		round.world.slowSyncs(SYNC_MS);
		const before = round.acknowledged.length;
		const slowFrom = Date.now();
		const refused = await flood(round, slowFrom + LASTS_MS);
		round.world.slowSyncs(0);
		round.recovering();
		round.expect(refused > 0, "no send was shed while the disk was slow");
		round.expect(round.acknowledged.length > before, "no send was accepted while the disk was slow");
		await checkLag(round, slowFrom);
	},
};

/** Sends more than may wait. Returns how many sends were shed. */
async function flood(round: Round, until: number): Promise<number> {
	let refused = 0;
	const send = async () => {
		while (Date.now() < until) {
			const { status, json, headers } = await sendRaw(round, rawEvent(round, "flood.event"));
			if (status === 202) continue;
			refused++;
			const { code } = json as { code?: string };
			round.expect(status === 503 && code === "overloaded", `with a slow disk, a send got ${status} ${code}`);
			round.expect(/^\d+$/.test(headers.get("retry-after") ?? ""), "a 503 had no Retry-After");
			await delay(REFUSED_PAUSE_MS);
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, send));
	return refused;
}

/** What has gathered is delivered, and then an event that comes after it. */
async function checkLag(round: Round, slowFrom: number): Promise<void> {
	const fastFrom = Date.now();
	const event = await eventually("a send to be accepted after it", async () => {
		const { status, json } = await sendRaw(round, rawEvent(round, "after.flood"));
		return status === 202 ? (json as { id: string }) : null;
	});
	const { id } = round.webhook("healthy");
	const requests = () => round.book.seen.filter(({ webhookId }) => webhookId === id);
	// The receiver is asked, not the server: a list of deliveries again and again would take the processor from what it waits for.
	const hasCome = () => requests().some(({ eventId }) => eventId === event.id);
	if ((await round.time.within(LAG_MS, hasCome)) !== null) return;
	const perSecond = (from: number, to: number) =>
		(requests().filter(({ at }) => at >= from && at < to).length * 1_000) / (to - from);
	const [slow, fast] = [perSecond(slowFrom, fastFrom), perSecond(fastFrom, Date.now())];
	const usualMs = usualLagMs(round, id, slowFrom);
	round.expect(
		usualMs >= SLOW_MACHINE_MS && fast >= TIMES_FASTER * slow,
		`an event sent after the disk was slow was not delivered within ${LAG_MS} ms, where one took ${usualMs} ms before: ` +
			`${fast.toFixed(1)} requests a second, ${slow.toFixed(1)} while it was slow`,
	);
}

/** How long an event took from its send to this webhook's receiver before some time: the median. */
function usualLagMs(round: Round, webhookId: string, before: number): number {
	const sentAt = new Map(round.acknowledged.map((event) => [event.eventId, event.sentAt]));
	const lags = round.book.seen
		.filter((seen) => seen.webhookId === webhookId && seen.at < before)
		.map(({ eventId, at }) => at - (sentAt.get(eventId) ?? at))
		.toSorted((a, b) => a - b);
	return lags[Math.floor(lags.length / 2)] ?? 0;
}
