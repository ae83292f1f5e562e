// Retention: deletes events, payloads and audit entries that have expired, and what is left of deleted projects, in small steps between which
// other work goes on.
import {
	auditLimit,
	retentionLimits,
	type RetentionLimits,
	type RetentionSettings,
} from "../../core/policies/retention.ts";
import type { Project } from "../../core/workspace.ts";
import type { LifecycleStore } from "../../ports/store/lifecycle.ts";
import {
	NOTHING_PURGED,
	type DeletedProjectsStep,
	type Purged,
	type PurgeReplays,
	type PurgeResult,
	type RetentionStore,
} from "../../ports/store/retention.ts";
import type { Directory } from "../directory/directory.ts";
import type { PartsOn } from "../parts.ts";
import { GentleSteps, type LiveTraffic } from "./gentle-steps.ts";
import type { Overwriter } from "./overwriter.ts";
import { Periodic } from "./periodic.ts";

type Parts = Pick<
	PartsOn<RetentionStore & Pick<LifecycleStore, "probe">>,
	"store" | "clock" | "observer" | "membership"
>;

interface Neighbours extends LiveTraffic {
	readonly directory: Pick<Directory, "project" | "projects" | "versionOf">;
	readonly overwriter: Pick<Overwriter, "noteErased">;
}

type Kind = "events" | "payloads";

const FIRST_AFTER_MS = 5_000;
const EVERY_MS = 10 * 60_000;
/** For how long a project that is over its quota should wait while a pass is under way. */
const WHILE_DELETING_MS = 10_000;
/** How long it takes until the data of deleted projects is looked at again, if some of it could not be deleted yet. */
const DELETED_AGAIN_MS = 10_000;
/** How often it is looked whether this process knows of all changes again. */
const LOOK_AGAIN_MS = 1_000;
/**
 * How often a pass starts from the oldest event again, to look once more at expired events that could not be deleted
 * before.
 */
const FROM_THE_OLDEST_EVERY_MS = 24 * 60 * 60_000;
/** Webhooks examined in one step. */
const WEBHOOKS = 200;
/**
 * How long the record of a deleted webhook is kept, without its secrets. A process that was cut off from the store for so long, and then goes
 * on, would not learn of the deletion: its sends to that webhook would be refused until it is started again.
 */
const DELETED_WEBHOOKS_KEPT_MS = 24 * 60 * 60_000;
/** Replays looked at in one step. */
const REPLAYS = 200;
/** Replays of a project that are kept, whatever its retention is. Of those that have ended, the oldest go first. */
const KEPT_REPLAYS = 10_000;
/** Audit entries that a pass deletes, so that nothing else waits for long if millions are too old after an upgrade. */
const AUDIT_ENTRIES_PER_PASS = 20_000;
/** If so many projects fail one after the other, it may be the store that fails: it is asked. */
const FAILED_IN_ROW = 3;
const SPACE_BYTES = 256 * 1_024;
/**
 * How many rows are deleted for each that is written while a pass is under way, for each kind of retention: a row costs up to 1.2, since it is
 * also read. Otherwise the store would grow for as long as events come in at the limit.
 */
const ROWS_PER_WRITTEN = 1.25;

/**
 * A loop of passes. A pass deletes in steps, with a pause after each, until nothing expired is left. It needs no memory
 * of earlier passes: the remembered positions only save it from examining the same events again.
 *
 * Another loop deletes what is left of deleted projects, at once, and again and again until nothing of them is left.
 */
export class Retention {
	readonly #parts: Parts;
	readonly #settings: RetentionSettings;
	readonly #near: Neighbours;
	readonly #loop: Periodic;
	readonly #steps: GentleSteps;
	readonly #deletedLoop: Periodic;
	readonly #deletedSteps: GentleSteps;
	/** Whether there may be deleted projects in the store. */
	#hasDeleted = true;
	/** The last event that was examined, by project and kind. */
	readonly #positions = new Map<string, Map<Kind, string>>();
	/** When a walk that began with the oldest event has ended, by project and kind. Only these look at events whose ids are ahead of their dates. */
	readonly #fromTheOldestAt = new Map<string, Map<Kind, number>>();
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
		this.#steps = new GentleSteps({ clock: parts.clock, pause: (delayMs) => this.#loop.pause(delayMs) }, near);
		this.#deletedLoop = new Periodic(parts, {
			everyMs: DELETED_AGAIN_MS,
			work: () => this.#purgeProjects(),
			problem: "the data of deleted projects could not be deleted yet",
		});
		this.#deletedSteps = new GentleSteps(
			{ clock: parts.clock, pause: (delayMs) => this.#deletedLoop.pause(delayMs) },
			near,
		);
	}

	start(): void {
		this.#hasDeleted = true;
		this.#loop.start();
		this.#deletedLoop.start();
	}

	/** A project was deleted, here or by another process. Its data goes now, if this process has the duty. */
	projectDeleted(): void {
		this.#hasDeleted = true;
		this.#deletedLoop.hurry();
	}

	/**
	 * The time until the next pass begins, in milliseconds. While one is under way, it deletes what has expired already. If another
	 * process has the duty, a pass begins within this time at the latest.
	 */
	nextPassMs(): number {
		const nextMs = this.#loop.nextRunMs ?? EVERY_MS;
		return nextMs === 0 ? WHILE_DELETING_MS : nextMs;
	}

	/** Resolves when the steps under way are done. The next start goes on from there. */
	async stop(): Promise<void> {
		await Promise.all([this.#loop.stop(), this.#deletedLoop.stop()]);
	}

	async #pass(): Promise<void> {
		const now = this.#parts.clock.now();
		this.#sum = NOTHING_PURGED;
		const limitsOf = (project: Project) => retentionLimits(this.#settings, project, now);
		const all = this.#near.directory.projects();
		this.#forgetOthers(new Set(all.map(({ id }) => id)));
		const kinds = [
			all.some((project) => limitsOf(project).eventsBefore !== null),
			all.some((project) => limitsOf(project).payloadsBefore !== null),
		];
		const perWritten = kinds.filter(Boolean).length * ROWS_PER_WRITTEN;
		// One that fails holds up no other.
		const failures: unknown[] = [];
		const failed = (error: unknown): 0 => {
			failures.push(error);
			return 0;
		};
		// First, because the last deliveries of these webhooks were deleted by an earlier pass.
		await this.#purgeWebhooks().catch(failed);
		this.#steps.keepUp(perWritten);
		await this.#purgeAll(all, now).catch(failed);
		// Of what had expired, nothing is left that these steps could make up for.
		this.#steps.keepUp(perWritten);
		// If this process has not learned of a deletion.
		this.#hasDeleted = true;
		const auditEntries = await this.#purgeAudit().catch(failed);
		this.#steps.keepUp(0);
		const bytes = await this.#releaseSpace().catch(failed);
		if (this.#sum !== NOTHING_PURGED || auditEntries > 0 || bytes > 0) {
			this.#parts.observer.note("deleted expired data", { ...this.#sum, auditEntries, releasedBytes: bytes });
		}
		if (failures.length > 0) throw failures[0];
	}

	/** The data of these projects. One that fails holds up no other, while the store can be written. Throws the first error at the end. */
	async #purgeAll(projects: readonly Project[], now: number): Promise<void> {
		const { clock, store } = this.#parts;
		const failures: unknown[] = [];
		let failedInRow = 0;
		for (const { id } of projects) {
			const before = failures.length;
			const failed = (error: unknown): void => void failures.push(error);
			await this.#purge("events", id, now).catch(failed);
			await this.#purge("payloads", id, now).catch(failed);
			await this.#purgeReplays(id, now).catch(failed);
			failedInRow = failures.length > before ? failedInRow + 1 : 0;
			if (failedInRow < FAILED_IN_ROW) continue;
			// Otherwise the projects after them would never have their turn, since the next pass begins with the same ones.
			await this.#steps.make(() => store.probe(clock.now()));
			failedInRow = 0;
		}
		if (failures.length > 0) throw failures[0];
	}

	/**
	 * Up to when a pass that began at `now` deletes data of a project. Asked before each step, since longer times may have been set
	 * meanwhile: for the project, or for the server. Null if the project was deleted. Waits while this process may not know what others have
	 * set, and ends with null if it is being stopped.
	 */
	async #limitsOf(projectId: string, now: number): Promise<RetentionLimits | null> {
		while (this.#loop.running && this.#parts.membership?.isMember() === false) await this.#loop.pause(LOOK_AGAIN_MS);
		if (!this.#loop.running) return null;
		const { directory } = this.#near;
		if (directory.versionOf(projectId) === 0) return null;
		return retentionLimits(this.#settings, directory.project(projectId), now);
	}

	async #purge(kind: Kind, projectId: string, now: number): Promise<void> {
		const { clock, store } = this.#parts;
		const skipAhead = now - (this.#fromTheOldestAt.get(projectId)?.get(kind) ?? -Infinity) < FROM_THE_OLDEST_EVERY_MS;
		let after = skipAhead ? (this.#positions.get(projectId)?.get(kind) ?? null) : null;
		for (let done = false; this.#loop.running && !done;) {
			const limits = await this.#limitsOf(projectId, now);
			const before = (kind === "events" ? limits?.eventsBefore : limits?.payloadsBefore) ?? null;
			if (before === null) return;
			const from = after;
			const result: PurgeResult = await this.#steps.make(
				(limit) => {
					const step = { projectId, at: clock.now(), before, after: from, skipAhead, limit };
					return kind === "events" ? store.purgeEvents(step) : store.purgePayloads(step);
				},
				({ done }) => !done,
			);
			({ after, done } = result);
			// On its way to events whose ids are ahead, a walk passes some that a later pass has to look at.
			if (after !== null && (done || skipAhead)) note(this.#positions, projectId, kind, after);
			if (done && !skipAhead) note(this.#fromTheOldestAt, projectId, kind, now);
			this.#sum = this.#reported(result.purged, this.#sum);
		}
	}

	#forgetOthers(projects: ReadonlySet<string>): void {
		for (const map of [this.#positions, this.#fromTheOldestAt]) {
			for (const projectId of map.keys()) if (!projects.has(projectId)) map.delete(projectId);
		}
	}

	/** A replay that has ended stays as long as events do. */
	async #purgeReplays(projectId: string, now: number): Promise<void> {
		let after: string | null = null;
		do {
			const limits = await this.#limitsOf(projectId, now);
			if (limits === null) return;
			const before = limits.eventsBefore;
			const from: string | null = after;
			const step: PurgeReplays = { projectId, before, keep: KEPT_REPLAYS, after: from, limit: REPLAYS };
			after = await this.#steps.make(() => this.#parts.store.purgeReplays(step));
		} while (this.#loop.running && after !== null);
	}

	async #purgeWebhooks(): Promise<void> {
		let after: string | null = null;
		do {
			const from: string | null = after;
			const deletedBefore = this.#parts.clock.now() - DELETED_WEBHOOKS_KEPT_MS;
			after = await this.#steps.make(() => this.#parts.store.purgeDeletedWebhooks(from, WEBHOOKS, deletedBefore));
		} while (this.#loop.running && after !== null);
	}

	/** What waits for the end of a delivery stays until a later run. */
	async #purgeProjects(): Promise<void> {
		if (!this.#hasDeleted) return;
		this.#hasDeleted = false;
		let left = true;
		let after: string | null = null;
		let sum = NOTHING_PURGED;
		try {
			for (let done = false; this.#deletedLoop.running && !done;) {
				const from: string | null = after;
				const result: DeletedProjectsStep = await this.#deletedSteps.make(
					(rows) => this.#parts.store.purgeDeletedProjects(from, rows),
					({ isFull }) => isFull,
				);
				// Also names and addresses that people have written.
				if (result.hasDeleted) this.#near.overwriter.noteErased();
				sum = this.#reported(result.purged, sum);
				({ after, done, left } = result);
			}
		} finally {
			if (left) this.#hasDeleted = true;
			if (sum !== NOTHING_PURGED) this.#parts.observer.note("deleted the data of deleted projects", { ...sum });
		}
	}

	/** Deletes some of the entries that are too old; the next pass goes on. Returns how many. */
	async #purgeAudit(): Promise<number> {
		let sum = 0;
		for (let done = false; this.#loop.running && !done && sum < AUDIT_ENTRIES_PER_PASS;) {
			const before = auditLimit(this.#settings, this.#parts.clock.now());
			if (before === null) break;
			let limit = 0;
			const deleted = await this.#steps.make(
				(rows) => this.#parts.store.purgeAuditEntries(before, (limit = rows)),
				(count) => count === limit,
			);
			if (deleted > 0) this.#near.overwriter.noteErased();
			sum += deleted;
			done = deleted < limit;
		}
		return sum;
	}

	async #releaseSpace(): Promise<number> {
		let sum = 0;
		for (let bytes = 1; this.#loop.running && bytes > 0; sum += bytes) {
			bytes = await this.#steps.make(() => this.#parts.store.releaseSpace(SPACE_BYTES));
			if (bytes > 0) this.#parts.observer.spaceReleased(bytes);
		}
		return sum;
	}

	/** Reports what a step has deleted. Returns the sum of it and what was deleted before. */
	#reported(purged: Purged, before: Purged): Purged {
		const { events, deliveries, attempts, payloads } = purged;
		if (events + deliveries + attempts + payloads === 0) return before;
		this.#near.overwriter.noteErased();
		this.#parts.observer.purged(purged);
		return {
			events: before.events + events,
			deliveries: before.deliveries + deliveries,
			attempts: before.attempts + attempts,
			payloads: before.payloads + payloads,
		};
	}
}

function note<T>(map: Map<string, Map<Kind, T>>, projectId: string, kind: Kind, value: T): void {
	const kinds = map.get(projectId) ?? new Map<Kind, T>();
	map.set(projectId, kinds.set(kind, value));
}
