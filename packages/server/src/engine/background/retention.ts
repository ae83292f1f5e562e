// Retention: deletes what has served its time, in small steps between which everything else goes on.
//
// States: stopped ──start──▶ waiting ──time──▶ passing (step, pause, step, …) ──nothing left──▶ waiting
// A pass needs no memory of earlier ones. That it remembers how far it came only saves it from looking at the same events again.
import { retentionLimits, type RetentionSettings } from "../../core/policies/retention.ts";
import { NOTHING_PURGED, type Purged, type PurgeResult } from "../../ports/store/retention.ts";
import type { Projects } from "../calls.ts";
import type { EngineParts } from "../parts.ts";

interface Neighbours {
	readonly projects: Pick<Projects, "list">;
	/** Whether anybody waits for the process or the store. */
	readonly busy: () => boolean;
}

type Kind = "events" | "payloads";

const FIRST_AFTER_MS = 5_000;
const EVERY_MS = 10 * 60_000;
/** Then also events are looked at again that had to stay when they were looked at. */
const FROM_THE_OLDEST_EVERY_MS = 24 * 60 * 60_000;
/** How long a step should keep the store from everybody else. The number of rows follows from what one has cost: on a slow disk they are few. */
const STEP_MS = 2;
const ROWS = { first: 50, min: 20, max: 200 } as const;
/** A step that took long tells more of the others' work, or of the log being brought into the file, than of its rows. */
const WEIGHT = { ofFaster: 0.5, ofSlower: 0.05 } as const;
/** While others wait, a step is followed by a pause of so many times its length. */
const PAUSE_FACTOR = 4;
const PAUSE_MS = { min: 5, max: 100 } as const;
/** Webhooks looked at in one step. */
const WEBHOOKS = 200;
const SPACE_BYTES = 256 * 1_024;

export class Retention {
	readonly #parts: EngineParts;
	readonly #settings: RetentionSettings;
	readonly #near: Neighbours;
	#running = false;
	#working: Promise<void> = Promise.resolve();
	/** Ends the wait for the next pass, or the pause between two steps. */
	#cancel: () => void = () => {};
	#rows: number = ROWS.first;
	#rowMs = STEP_MS / ROWS.first;
	/** The last event that was looked at, by project and kind. */
	readonly #marks = new Map<string, string>();
	#fromTheOldestAt = -Infinity;
	#sum: Purged = NOTHING_PURGED;

	constructor(parts: EngineParts, settings: RetentionSettings, near: Neighbours) {
		this.#parts = parts;
		this.#settings = settings;
		this.#near = near;
	}

	start(): void {
		if (this.#running) return;
		this.#running = true;
		this.#plan(FIRST_AFTER_MS);
	}

	/** Resolves when the step under way is done. The next start goes on. */
	async stop(): Promise<void> {
		this.#running = false;
		this.#cancel();
		await this.#working;
	}

	#plan(delayMs: number): void {
		this.#cancel = this.#parts.clock.after(delayMs, () => {
			this.#working = this.#pass()
				.catch((error: unknown) => this.#parts.observer.problem("what has served its time could not be deleted", error))
				.finally(() => {
					if (this.#running) this.#plan(EVERY_MS);
				});
		});
	}

	async #pass(): Promise<void> {
		const now = this.#parts.clock.now();
		if (now - this.#fromTheOldestAt >= FROM_THE_OLDEST_EVERY_MS) {
			this.#marks.clear();
			this.#fromTheOldestAt = now;
		}
		this.#sum = NOTHING_PURGED;
		// First: what goes here had its last delivery deleted by an earlier pass.
		await this.#purgeWebhooks();
		for (const project of this.#near.projects.list()) {
			const { eventsBefore, payloadsBefore } = retentionLimits(this.#settings, project, now);
			if (eventsBefore !== null) await this.#purge("events", project.id, eventsBefore);
			if (payloadsBefore !== null) await this.#purge("payloads", project.id, payloadsBefore);
		}
		await this.#purgeProjects();
		const bytes = await this.#releaseSpace();
		if (this.#sum === NOTHING_PURGED && bytes === 0) return;
		this.#parts.observer.note("deleted what has served its time", { ...this.#sum, releasedBytes: bytes });
	}

	async #purge(kind: Kind, projectId: string, before: number): Promise<void> {
		const { store } = this.#parts;
		const mark = `${kind} ${projectId}`;
		for (let done = false; this.#running && !done;) {
			const step = { projectId, before, after: this.#marks.get(mark) ?? null, limit: this.#rows };
			const result: PurgeResult = await this.#step(async () => {
				const startedAt = performance.now();
				const result = await (kind === "events" ? store.purgeEvents(step) : store.purgePayloads(step));
				if (!result.done) this.#learn(performance.now() - startedAt);
				return result;
			});
			if (result.after !== null) this.#marks.set(mark, result.after);
			this.#report(result.purged);
			({ done } = result);
		}
	}

	async #purgeWebhooks(): Promise<void> {
		let after: string | null = null;
		do {
			const from: string | null = after;
			after = await this.#step(() => this.#parts.store.purgeDeletedWebhooks(from, WEBHOOKS));
		} while (this.#running && after !== null);
	}

	async #purgeProjects(): Promise<void> {
		for (let done = false; this.#running && !done;) {
			const result = await this.#step(() => this.#parts.store.purgeDeletedProjects(this.#rows));
			this.#report(result.purged);
			({ done } = result);
		}
	}

	async #releaseSpace(): Promise<number> {
		let sum = 0;
		for (let bytes = 1; this.#running && bytes > 0; sum += bytes) {
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

	/** Makes a step, and lets the others have their turn. */
	async #step<T>(work: () => Promise<T>): Promise<T> {
		const startedAt = performance.now();
		const result = await work();
		await this.#pause(performance.now() - startedAt);
		return result;
	}

	/** Sees to the size of the next step after one that has used up its rows. */
	#learn(tookMs: number): void {
		const rowMs = tookMs / this.#rows;
		this.#rowMs += (rowMs - this.#rowMs) * (rowMs < this.#rowMs ? WEIGHT.ofFaster : WEIGHT.ofSlower);
		this.#rows = Math.round(Math.min(ROWS.max, Math.max(ROWS.min, STEP_MS / this.#rowMs)));
	}

	#pause(tookMs: number): Promise<void> {
		if (!this.#running) return Promise.resolve();
		return new Promise((resolve) => {
			if (!this.#near.busy()) {
				setImmediate(resolve);
				return;
			}
			const cancel = this.#parts.clock.after(
				Math.min(PAUSE_MS.max, Math.max(PAUSE_MS.min, tookMs * PAUSE_FACTOR)),
				resolve,
			);
			this.#cancel = () => {
				cancel();
				resolve();
			};
		});
	}
}
