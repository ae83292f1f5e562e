// What is remembered of the schemas whose checks were slow lately, divided by project.
import { createHash } from "node:crypto";

import { LRUCache } from "lru-cache";

import type { Clock } from "../../core/clock.ts";

export interface SlowSchemasOptions {
	readonly clock: Pick<Clock, "monotonicMs">;
	/** For how long slow checks are remembered, and schemas are refused. */
	readonly windowMs: number;
	/**
	 * The most projects of which something is remembered: of more, the one is forgotten whose last slow or refused check is the longest ago.
	 * Defaults to `MAX_PROJECTS`.
	 */
	readonly maxProjects?: number | undefined;
	/**
	 * The most schemas of a project that are remembered as slow, and the most that are refused: of more, those from the longest ago are
	 * forgotten. Defaults to 1,000.
	 */
	readonly maxSchemas?: number | undefined;
}

/** The most projects whose slow checks are remembered. */
export const MAX_PROJECTS = 10_000;
const MAX_SCHEMAS = 1_000;

/** The schemas of one project, by a hash of their text. */
interface OfProject {
	/** When the last check was slow or refused for the first time, by the monotonic clock. */
	lastMs: number;
	/** The time that slow checks have taken. */
	readonly spentMs: LRUCache<string, number>;
	/** Those that are refused, with the message. */
	readonly refused: LRUCache<string, string>;
}

/**
 * Each project has a share of its own, so that one with ever new slow schemas pushes out nothing of others. Only what is younger than the
 * window takes memory, and a thread can't make many slow checks in that time.
 */
export class SlowSchemas {
	readonly #options: SlowSchemasOptions;
	/** Those of which something is younger than the window, in the order of `lastMs`. */
	readonly #projects = new Map<string, OfProject>();

	constructor(options: SlowSchemasOptions) {
		this.#options = options;
	}

	/** Adds to the time that the slow checks by a schema have taken. Returns the sum since the first one of the window. */
	spend(projectId: string, schemaJson: string, ms: number): number {
		const { spentMs } = this.#of(projectId);
		return addMs(spentMs, hashOf(schemaJson), ms);
	}

	/** Refuses a schema of a project for as long as the window is, and forgets what its checks have taken. */
	refuse(projectId: string, schemaJson: string, message: string): void {
		const { spentMs, refused } = this.#of(projectId);
		const hash = hashOf(schemaJson);
		spentMs.delete(hash);
		refused.set(hash, message);
	}

	/** Why a project's checks by a schema are refused at present; undefined if they are not. */
	refusal(projectId: string, schemaJson: string): string | undefined {
		const refused = this.#projects.get(projectId)?.refused;
		// A hash takes as long as a schema is, so it is made only for projects that need it.
		return refused === undefined || refused.size === 0 ? undefined : refused.get(hashOf(schemaJson));
	}

	/** How many projects and schemas are remembered, a slow and refused one twice, and for how many entries in all memory is taken. */
	get remembered(): { readonly projects: number; readonly schemas: number; readonly entries: number } {
		const ofProjects = [...this.#projects.values()].flatMap(({ spentMs, refused }) => [spentMs, refused]);
		const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
		return {
			projects: this.#projects.size,
			schemas: sum(ofProjects.map(({ size }) => size)),
			// With `max`, an LRU cache takes the memory of so many entries from the beginning.
			entries: this.#projects.size + sum(ofProjects.map(({ max, size }) => Math.max(max, size))),
		};
	}

	/** The share of a project of which something is remembered now. */
	#of(projectId: string): OfProject {
		const { clock, maxProjects = MAX_PROJECTS, maxSchemas = MAX_SCHEMAS } = this.#options;
		const lastMs = clock.monotonicMs();
		this.#forget(lastMs);
		const own = this.#projects.get(projectId) ?? {
			lastMs,
			spentMs: this.#recent<number>(maxSchemas),
			refused: this.#recent<string>(maxSchemas),
		};
		own.lastMs = lastMs;
		own.spentMs.purgeStale();
		own.refused.purgeStale();
		// It is the last one now.
		this.#projects.delete(projectId);
		this.#projects.set(projectId, own);
		const [first] = this.#projects.keys();
		if (first !== undefined && this.#projects.size > maxProjects) this.#projects.delete(first);
		return own;
	}

	/** Forgets the projects of which nothing is younger than the window. */
	#forget(nowMs: number): void {
		for (const [projectId, { lastMs }] of this.#projects) {
			if (nowMs - lastMs <= this.#options.windowMs) return;
			this.#projects.delete(projectId);
		}
	}

	#recent<V extends {}>(max: number): LRUCache<string, V> {
		const { clock, windowMs } = this.#options;
		const perf = { now: () => clock.monotonicMs() };
		// Not with `max`: see `remembered`.
		return new LRUCache({ maxSize: max, sizeCalculation: () => 1, ttl: windowMs, ttlResolution: 0, perf });
	}
}

/** Adds to what is remembered since the first slow check of the window. Returns the sum. */
export function addMs(spent: LRUCache<string, number>, name: string, ms: number): number {
	const sum = (spent.get(name) ?? 0) + ms;
	spent.set(name, sum, { noUpdateTTL: true });
	return sum;
}

/** Short, whatever the schema: many of them are kept. */
function hashOf(schemaJson: string): string {
	return createHash("sha256").update(schemaJson).digest("base64");
}
