// The status of the workspace: from the parts of the engine, and from the store as far as it can be read.
import type { Member } from "../../ports/membership.ts";
import type { EngineGauges } from "../../ports/observer.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { QueueStore } from "../../ports/store/queue.ts";
import type { StoreUsage, UsageStore } from "../../ports/store/usage.ts";
import { PART_LOW, type StoredBytes } from "../accepting/quotas/stored-bytes.ts";
import type { Readiness } from "../calls.ts";
import type { CommitDurations } from "../committing/commit-durations.ts";
import type { Committer } from "../committing/committer.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveHub } from "../live/live-hub.ts";
import type { EngineLimits, EngineParts, PartsOn } from "../parts.ts";
import type { RelayHub } from "../relaying/relay-hub.ts";
import type { UsedLimit, Warning, WorkspaceStatus } from "../status-calls.ts";

type Parts = Pick<PartsOn<UsageStore & Pick<QueueStore, "countOpen">>, "store" | "clock" | "membership"> &
	Pick<EngineParts, "wall">;

interface Neighbours {
	readonly directory: Pick<Directory, "projects" | "keys" | "webhookCounts">;
	readonly committer: Pick<Committer, "waitingSends" | "waitingBytes">;
	readonly durations: CommitDurations;
	readonly line: Pick<DeliveryLine, "load">;
	readonly live: Pick<LiveHub, "streams">;
	readonly relays: Pick<RelayHub, "streams">;
	readonly stored: Pick<StoredBytes, "crowding" | "total">;
	readonly readiness: () => Promise<Readiness>;
}

/** The clock of the engine never goes back. Ahead of the wall time by more than this, the wall clock was set back. */
const CLOCK_TOLERANCE_MS = 5_000;

/** What the store said; null for what it could not say. */
interface Read {
	readonly usage: StoreUsage | null;
	readonly open: Readonly<Record<"Pending" | "Held", number>> | null;
}

export class StatusReader {
	readonly #parts: Parts;
	readonly #limits: EngineLimits;
	readonly #near: Neighbours;
	readonly #startDate: number;

	constructor(parts: Parts, limits: EngineLimits, near: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
		this.#startDate = parts.clock.now();
	}

	/** Never rejects because of the store: an operator asks just then. */
	async read(): Promise<WorkspaceStatus> {
		const { clock } = this.#parts;
		const { line, committer, durations } = this.#near;
		const [{ usage, open }, { checks }, members] = await Promise.all([
			this.#readStore(),
			this.#near.readiness(),
			this.#readMembers(),
		]);
		const { readyDeliveries, inFlightAttempts, oldestDueMs } = line.load();
		const limits = this.#usedLimits(readyDeliveries, inFlightAttempts);
		return {
			startDate: this.#startDate,
			date: clock.now(),
			store: {
				storedBytes: usage?.total ?? null,
				fileBytes: usage?.fileBytes ?? null,
				volume: usage?.volume ?? null,
			},
			backlog: {
				pending: open?.Pending ?? null,
				held: open?.Held ?? null,
				readyDeliveries,
				inFlightAttempts,
				waitingSends: committer.waitingSends,
				oldestDueMs,
			},
			commits: durations.read(clock.monotonicMs()),
			limits,
			members,
			warnings: [
				...this.#failedChecks(checks),
				...this.#volumeWarnings(usage),
				...this.#clockWarning(),
				...full(limits),
			],
		};
	}

	/** What can be read at any time. */
	gauges(): EngineGauges {
		const { line, committer, stored, directory } = this.#near;
		return {
			...line.load(),
			waitingSends: committer.waitingSends,
			storedBytes: stored.total,
			webhooks: directory.webhookCounts(),
		};
	}

	async #readStore(): Promise<Read> {
		const { store } = this.#parts;
		try {
			const [usage, open] = await Promise.all([store.usage([]), store.countOpen()]);
			return { usage, open };
		} catch (error) {
			if (!(error instanceof StoreError)) throw error;
			return { usage: null, open: null };
		}
	}

	async #readMembers(): Promise<readonly Member[] | null> {
		try {
			return (await this.#parts.membership?.members()) ?? [];
		} catch (error) {
			if (!(error instanceof StoreError)) throw error;
			return null;
		}
	}

	#usedLimits(readyDeliveries: number, inFlightAttempts: number): UsedLimit[] {
		const { directory, committer, live, relays } = this.#near;
		const limits = this.#limits;
		return [
			{ name: "maxProjects", used: directory.projects().length, allowed: limits.maxProjects },
			{ name: "maxKeys", used: directory.keys().length, allowed: limits.maxKeys },
			{ name: "maxInFlight", used: inFlightAttempts, allowed: limits.maxInFlight },
			{ name: "maxReady", used: readyDeliveries, allowed: limits.maxReady },
			{ name: "maxWaitingSends", used: committer.waitingSends, allowed: limits.maxWaitingSends },
			{ name: "maxWaitingBytes", used: committer.waitingBytes, allowed: limits.maxWaitingBytes },
			{ name: "maxStreams", ...live.streams("api") },
			{ name: "pageStreams", ...live.streams("page") },
			{ name: "customerStreams", ...live.streams("customers") },
			{ name: "relayStreams", ...relays.streams },
		];
	}

	#failedChecks({ store, dispatcher, delivery }: Readiness["checks"]): Warning[] {
		const failed = (code: Warning["code"], check: Readiness["checks"][string] | undefined): Warning[] =>
			check === undefined || check.ok ? [] : [{ code, message: `${sentence(check.message)}.`, projectId: null }];
		return [
			...failed("store_failing", store),
			...failed("delivery_stalled", dispatcher),
			...failed("nobody_delivers", delivery),
		];
	}

	#volumeWarnings(usage: StoreUsage | null): Warning[] {
		const volume = usage?.volume ?? null;
		if (volume === null || volume.freeBytes >= volume.sizeBytes * PART_LOW) return [];
		const percent = Math.floor((100 * volume.freeBytes) / volume.sizeBytes);
		const low: Warning = {
			code: "volume_low",
			message: `Only ${percent} % of the volume with the store is free. Make it larger, or keep events for fewer days.`,
			projectId: null,
		};
		const { crowding } = this.#near.stored;
		if (crowding === null) return [low];
		const message =
			"The project has more than half of the store on a volume that is almost full: its sends can be refused.";
		return [low, { code: "project_crowding", message, projectId: crowding }];
	}

	#clockWarning(): Warning[] {
		const { clock, wall } = this.#parts;
		const aheadMs = clock.now() - wall.now();
		if (aheadMs <= CLOCK_TOLERANCE_MS) return [];
		const seconds = Math.round(aheadMs / 1_000);
		const message = `The system clock was set back: Fanfare's time is ahead of it by ${seconds} s, until it has caught up or the server is restarted.`;
		return [{ code: "clock_set_back", message, projectId: null }];
	}
}

/** At these, deliveries wait, as they should in a backlog. At the others, something is refused. */
const WAITING: ReadonlySet<string> = new Set(["maxInFlight", "maxReady"]);

/** The warnings about limits that are used up. */
export function full(limits: readonly UsedLimit[]): Warning[] {
	return limits
		.filter(({ name, used, allowed }) => used >= allowed && !WAITING.has(name))
		.map(({ name, used, allowed }) => ({
			code: "limit_reached",
			message: `The limit ${name} is reached: ${used} of ${allowed}. More are refused.`,
			projectId: null,
		}));
}

/** With a capital at the beginning. */
function sentence(text: string): string {
	return text.charAt(0).toUpperCase() + text.slice(1);
}
