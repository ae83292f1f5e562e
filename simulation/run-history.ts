// Runs one history from its beginning to its end, with all checks.
import { allSummaries } from "../packages/server/src/ports/contract/store/records/webhooks.ts";
import { resume } from "./history/perform-on-webhooks.ts";
import { perform } from "./history/perform.ts";
import { Player } from "./history/player.ts";
import type { History, Step } from "./history/steps.ts";
import { hostOf, RETENTION_DAYS } from "./model/book.ts";
import { askServer, checkEnd } from "./model/end-checks.ts";
import { StepChecks } from "./model/step-checks.ts";
import { World, type Broken } from "./world/world.ts";

/** What a history has shown. */
export interface HistoryResult {
	readonly breaches: readonly Broken[];
	/** The same for the same history, if everything follows from the seed. */
	readonly hash: string;
	readonly steps: number;
	readonly attempts: number;
	readonly events: number;
	readonly faults: number;
	readonly runs: number;
}

const MINUTE_MS = 60_000;
/** Small enough that deliveries overflow into the store, with the shortest leases that outlast an attempt. */
const SMALL_LIMITS = {
	maxInFlight: 12,
	maxInFlightPerWebhook: 6,
	maxInFlightWhileFailing: 2,
	maxReady: 24,
	maxReadyPerWebhook: 8,
	eraseStep: 2,
	leaseMs: 45_000,
	pollEveryMs: 10_000,
} as const;
/** Of engines that hand nothing to each other. As on a database, they look for deliveries that are leased for them and in no memory. */
const FIND_LIMITS = { findEveryMs: 4_000, mayLoseAnswers: true } as const;
/** The longest time that a call can take because of faults. */
const CALLS_MS = 10 * MINUTE_MS;
/**
 * The longest wait of a retry is a day, if a receiver has named a date and the clock was set back since, and a ninth more
 * while the engine's time is slowed.
 */
const HEALED_MS = 28 * 60 * MINUTE_MS;
/** The pauses between two looks. They become longer. */
const LOOK_AFTER_MS = { first: 90_000, factor: 1.2, max: 60 * MINUTE_MS } as const;

/** Each history begins with two webhooks of nobody and two of customers, so that its first sends have somewhere to go. */
const FIRST: readonly Step[] = [null, null, 0, 1].map((customer, webhook) => ({
	action: {
		do: "create webhook",
		project: 0,
		customer,
		choice: {
			filter: null,
			retries: { maxRetries: 3, maxBackoffMs: 15_000 },
			perSecond: webhook === 1 ? 5 : null,
			timeoutMs: 15_000,
			disableAfterMs: 0,
		},
	},
	thenMs: 100,
}));

/** What histories of several engines end with: such moves and cancellations would come together with bursts too seldom by chance. */
const LAST_SHARED: readonly Step[] = [
	...[0, 1].map((webhook): Step => ({ action: { do: "rush", webhook, ms: 50 }, thenMs: 2_000 })),
	...[70, 190].map((everyMs, webhook): Step => ({
		action: { do: "rush and cancel", webhook, everyMs },
		thenMs: 2_000,
	})),
];

/** @param print gets each line of the trace; null if only its hash is wanted */
export async function runHistory(history: History, print: ((line: string) => void) | null): Promise<HistoryResult> {
	const world = await World.open(
		{
			seed: history.seed,
			limits: { ...(history.hasSmallLimits && SMALL_LIMITS), ...(history.sharing?.handsOff === false && FIND_LIMITS) },
			answersInOrder: history.answersInOrder,
			retention: { retentionDays: RETENTION_DAYS, payloadRetentionDays: null },
			sharing: history.sharing ?? null,
		},
		print,
	);
	const player = new Player(world);
	try {
		await play(player, history);
	} catch (error) {
		world.breach("simulation", error instanceof Error ? (error.stack ?? error.message) : String(error));
	}
	await world.store.close();
	return {
		breaches: world.breaches,
		hash: world.trace.hash(),
		steps: history.steps.length,
		attempts: player.attempts.seen.length,
		events: player.book.events.size,
		faults: world.faultsStruck,
		runs: player.ends.length,
	};
}

/** Returns early at the first breach: what follows from it would only distract. */
async function play(player: Player, { steps, sharing }: History): Promise<void> {
	const { world } = player;
	const checks = new StepChecks(player);
	if (sharing !== undefined) await player.ensureRunning(sharing.engines);
	for (const step of [...FIRST, ...steps, ...(sharing === undefined ? [] : LAST_SHARED)]) {
		await perform(player, step);
		if (player.isRunning && step.thenMs !== null) await checks.check();
		if (world.breaches.length > 0) return;
	}
	await heal(player, checks);
	if (player.callsUnderWay > 0) world.breach("stuck", `${player.callsUnderWay} calls never got an answer`);
	if (world.breaches.length > 0) return;
	const answers = await askServer(player);
	for (const run of player.runs) await player.stop(run, 30_000);
	checkEnd(player, answers);
}

/** From now on nothing fails. Every delivery must end. */
async function heal(player: Player, checks: StepChecks): Promise<void> {
	const { world } = player;
	world.trace.add("step", "heal");
	world.faults.clear();
	world.receivers.heal();
	player.mend();
	await player.ensureRunning();
	const haveEnded = await world.clock.advance(CALLS_MS, () => player.callsUnderWay === 0 && player.isShared);
	if (!player.isShared) world.breach("stuck", "the shards have no owners");
	if (!haveEnded) return world.breach("stuck", `${player.callsUnderWay} calls got no answer`);
	await player.noteDeleted();
	const end = world.clock.monotonicMs() + HEALED_MS;
	for (let waitMs: number = LOOK_AFTER_MS.first; world.clock.monotonicMs() < end; waitMs *= LOOK_AFTER_MS.factor) {
		// Again each time: a response that was under way can disable a webhook.
		await resumeAll(player);
		await world.clock.advance(Math.min(LOOK_AFTER_MS.max, Math.round(waitMs)));
		await checks.check();
		if (world.breaches.length > 0) return;
		if ((await world.store.countOpen()).Pending > 0 && waitMs < 2 * LOOK_AFTER_MS.first) continue;
		// A run that began with a clock that was set back waits for the clock: with replays whose range ends in its future, and
		// up to a day with retries.
		world.clock.step(Math.max(0, player.latestNow - world.clock.now()));
		const open = await world.store.countOpen();
		if (open.Pending + open.Held === 0 && (await world.store.runningReplays()).length === 0) return;
	}
	const { Pending, Held } = await world.store.countOpen();
	const replays = await world.store.runningReplays();
	if (Pending + Held > 0) world.breach("stuck", `${Pending} Pending and ${Held} Held deliveries have not ended`);
	if (replays.length > 0) world.breach("stuck", `${replays.length} replays are still Running`);
}

async function resumeAll(player: Player): Promise<void> {
	const webhooks = await allSummaries(player.world.store);
	const enabled = new Set(webhooks.filter(({ status }) => status === "Enabled").map(({ id }) => id));
	for (const webhook of player.book.liveWebhooks()) {
		if (enabled.has(webhook.id)) continue;
		resume(player, webhook, () => player.world.breach("problem", `${hostOf(webhook)} could not be resumed`));
	}
}
