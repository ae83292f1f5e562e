// Retention: deletes events and payloads that have expired, in small steps between which other work goes on.
import { retentionLimits, type RetentionSettings } from "../../core/policies/retention.ts";
import { NOTHING_PURGED, type Purged, type PurgeResult, type RetentionStore } from "../../ports/store/retention.ts";
import type { Committer } from "../committing/committer.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { Directory } from "../directory/directory.ts";
import type { PartsOn } from "../parts.ts";
import { nextTurn } from "./next-turn.ts";
import { Periodic } from "./periodic.ts";

type Parts = Pick<PartsOn<RetentionStore>, "store" | "clock" | "observer">;

interface Neighbours {
	readonly directory: Pick<Directory, "projects">;
	readonly committer: Pick<Committer, "waitingSends">;
	readonly line: Pick<DeliveryLine, "busy">;
}

type Kind = "events" | "payloads";

const FIRST_AFTER_MS = 5_000;
const EVERY_MS = 10 * 60_000;
/**
 * How often a pass starts from the oldest event again, to look once more at expired events that could not be deleted
 * before.
 */
const FROM_THE_OLDEST_EVERY_MS = 24 * 60 * 60_000;
/**
 * How long one step should occupy the store. The number of rows follows from the measured time per row: a slow disk
 * gets few.
 */
const STEP_MS = 2;
const ROWS = { first: 50, min: 20, max: 200 } as const;
/**
 * A slow step says more about other work, or about a checkpoint of the WAL, than about its rows, so it has less weight.
 */
const WEIGHT = { ofFaster: 0.5, ofSlower: 0.05 } as const;
/** While others wait, each step is followed by a pause of this many times its own duration, within these bounds. */
const PAUSE_FACTOR = 4;
const PAUSE_MS = { min: 5, max: 100 } as const;
/** Webhooks examined in one step. */
const WEBHOOKS = 200;
const SPACE_BYTES = 256 * 1_024;

/**
 * A loop of passes. A pass deletes in steps, with a pause after each, until nothing expired is left. It needs no memory
 * of earlier passes: the remembered positions only save it from examining the same events again.
 */
export class Retention {
	readonly #parts: Parts;
	readonly #settings: RetentionSettings;
	readonly #near: Neighbours;
	readonly #loop: Periodic;
	#rows: number = ROWS.first;
	#rowMs = STEP_MS / ROWS.first;
	/** The last event that was examined, by kind and project. */
	readonly #positions = new Map<string, string>();
	#fromTheOldestAt = -Infinity;
	#sum: Purged = NOTHING_PURGED;

	constructor(parts: Parts, settings: RetentionSettings, near: Neighbours) {
		this.#parts = parts;
		this.#settings = settings;
		this.#near = near;
		this.#loop = new Periodic(parts, {
			firstAfterMs: FIRST_AFTER_MS,
			everyMs: EVERY_MS,
			work: () => this.#pass(),
			problem: "expired data could not be deleted",
		});
	}

	start(): void {
		this.#loop.start();
	}

	/** Resolves when the step under way is done. The next start goes on from there. */
	stop(): Promise<void> {
		return this.#loop.stop();
	}

	async #pass(): Promise<void> {
		const now = this.#parts.clock.now();
		if (now - this.#fromTheOldestAt >= FROM_THE_OLDEST_EVERY_MS) {
			this.#positions.clear();
			this.#fromTheOldestAt = now;
		}
		this.#sum = NOTHING_PURGED;
		// First, because the last deliveries of these webhooks were deleted by an earlier pass.
		await this.#purgeWebhooks();
		for (const project of this.#near.directory.projects()) {
			const { eventsBefore, payloadsBefore } = retentionLimits(this.#settings, project, now);
			if (eventsBefore !== null) await this.#purge("events", project.id, eventsBefore);
			if (payloadsBefore !== null) await this.#purge("payloads", project.id, payloadsBefore);
		}
		await this.#purgeProjects();
		const bytes = await this.#releaseSpace();
		if (this.#sum === NOTHING_PURGED && bytes === 0) return;
		this.#parts.observer.note("deleted expired data", { ...this.#sum, releasedBytes: bytes });
	}

	async #purge(kind: Kind, projectId: string, before: number): Promise<void> {
		const { clock, store } = this.#parts;
		const positionKey = `${kind} ${projectId}`;
		for (let done = false; this.#loop.running && !done;) {
			const after = this.#positions.get(positionKey) ?? null;
			const step = { projectId, at: clock.now(), before, after, limit: this.#rows };
			const result: PurgeResult = await this.#step(async () => {
				const startedAt = clock.monotonicMs();
				const result = await (kind === "events" ? store.purgeEvents(step) : store.purgePayloads(step));
				if (!result.done) this.#learn(clock.monotonicMs() - startedAt);
				return result;
			});
			if (result.after !== null) this.#positions.set(positionKey, result.after);
			this.#report(result.purged);
			({ done } = result);
		}
	}

	async #purgeWebhooks(): Promise<void> {
		let after: string | null = null;
		do {
			const from: string | null = after;
			after = await this.#step(() => this.#parts.store.purgeDeletedWebhooks(from, WEBHOOKS));
		} while (this.#loop.running && after !== null);
	}

	async #purgeProjects(): Promise<void> {
		for (let done = false; this.#loop.running && !done;) {
			const result = await this.#step(() => this.#parts.store.purgeDeletedProjects(this.#rows));
			this.#report(result.purged);
			({ done } = result);
		}
	}

	async #releaseSpace(): Promise<number> {
		let sum = 0;
		for (let bytes = 1; this.#loop.running && bytes > 0; sum += bytes) {
			bytes = await this.#step(() => this.#parts.store.releaseSpace(SPACE_BYTES));
			if (bytes > 0) this.#parts.observer.spaceReleased(bytes);
		}
		return sum;
	}

	#report(purged: Purged): void {
		const { events, deliveries, attempts, payloads } = purged;
		if (events + deliveries + attempts + payloads === 0) return;
		this.#parts.observer.purged(purged);
		this.#sum = {
			events: this.#sum.events + events,
			deliveries: this.#sum.deliveries + deliveries,
			attempts: this.#sum.attempts + attempts,
			payloads: this.#sum.payloads + payloads,
		};
	}

	/** Makes a step, and then lets other work go on. */
	async #step<T>(work: () => Promise<T>): Promise<T> {
		const { clock } = this.#parts;
		const startedAt = clock.monotonicMs();
		const result = await work();
		await this.#pause(clock.monotonicMs() - startedAt);
		return result;
	}

	/** Adapts the size of the next step to the duration of one that has used up its rows. */
	#learn(tookMs: number): void {
		const rowMs = tookMs / this.#rows;
		this.#rowMs += (rowMs - this.#rowMs) * (rowMs < this.#rowMs ? WEIGHT.ofFaster : WEIGHT.ofSlower);
		this.#rows = Math.round(Math.min(ROWS.max, Math.max(ROWS.min, STEP_MS / this.#rowMs)));
	}

	async #pause(tookMs: number): Promise<void> {
		if (!this.#loop.running) return;
		if (this.#near.committer.waitingSends === 0 && !this.#near.line.busy) await nextTurn(this.#parts.clock);
		else await this.#loop.pause(Math.min(PAUSE_MS.max, Math.max(PAUSE_MS.min, tookMs * PAUSE_FACTOR)));
	}
}
