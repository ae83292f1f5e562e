// How many exports run at once: a few of the workspace and in each project, whose customers have their own.
import { customerOf, projectOf, type Scope } from "../../../core/access/principal.ts";
import type { Clock } from "../../../core/clock.ts";
import { FanfareError } from "../../../core/errors.ts";

/** The most exports at once. An export holds up to a page of rows in memory. */
export const EXPORT_LIMITS = {
	/** Of what belongs to the whole workspace. */
	workspace: 2,
	/** With keys, in each project. */
	project: 2,
	/** With tokens, for each customer, and for all customers of a project together. */
	customer: 1,
	customers: 8,
	/** In the whole server. */
	all: 100,
} as const;

/** An export whose client has read nothing for so long gives its place to one that needs it. */
const IDLE_MS = 10_000;
const RETRY_AFTER_MS = 5_000;

/** The place of one export. */
export interface ExportPlace {
	/** Reads in turn with the other exports of the project, or of the workspace, one after the other: any other read of it waits for one of them at most. */
	readonly read: <T>(task: () => Promise<T>) => Promise<T>;
	/** Whether the export waits for its client, and not for the store. */
	readonly waits: (isWaiting: boolean) => void;
	/** Gives the place back. May be called more than once. */
	readonly release: () => void;
}

interface Taken {
	/** Null for an export of the workspace. */
	readonly projectId: string | null;
	readonly customerId: string | null;
	/** Since when it waits for its client, in monotonic time; null while it reads. */
	idleSince: number | null;
	readonly end: () => void;
}

/** A number of exports that may not grow beyond `max`. */
interface Group {
	readonly max: number;
	readonly has: (taken: Taken) => boolean;
}

/** Counts the exports that run. */
export class ExportPlaces {
	readonly #clock: Pick<Clock, "monotonicMs">;
	readonly #taken = new Set<Taken>();
	/** The end of the last read of each project that has one, and of the workspace (null), as a promise that never rejects. */
	readonly #reads = new Map<string | null, Promise<void>>();

	constructor(clock: Pick<Clock, "monotonicMs">) {
		this.#clock = clock;
	}

	/** How many exports run. */
	get size(): number {
		return this.#taken.size;
	}

	/**
	 * Takes a place; the scope is null for an export of the workspace. `end` is called if the export must give it up: it has lost it
	 * then. Throws `too_many_exports` if all places are taken by exports that are being read.
	 */
	take(scope: Scope | null, end: () => void): ExportPlace {
		for (const group of groupsOf(scope)) this.#makeRoom(group);
		const projectId = scope === null ? null : projectOf(scope);
		const customerId = scope === null ? null : customerOf(scope);
		const own: Taken = { projectId, customerId, idleSince: null, end };
		this.#taken.add(own);
		return {
			read: (task) => this.#read(projectId, task),
			waits: (isWaiting) => (own.idleSince = isWaiting ? this.#clock.monotonicMs() : null),
			release: () => this.#taken.delete(own),
		};
	}

	#read<T>(projectId: string | null, task: () => Promise<T>): Promise<T> {
		const result = (this.#reads.get(projectId) ?? Promise.resolve()).then(task);
		const forget = (): void => {
			if (this.#reads.get(projectId) === ended) this.#reads.delete(projectId);
		};
		const ended = result.then(forget, forget);
		this.#reads.set(projectId, ended);
		return result;
	}

	#makeRoom({ max, has }: Group): void {
		const members = [...this.#taken].filter(has);
		if (members.length < max) return;
		const idleBefore = this.#clock.monotonicMs() - IDLE_MS;
		const [idle] = members
			.filter(({ idleSince }) => idleSince !== null && idleSince <= idleBefore)
			.sort((a, b) => Number(a.idleSince) - Number(b.idleSince));
		if (idle === undefined) throw tooManyExports();
		this.#taken.delete(idle);
		idle.end();
	}
}

/** What limits the exports of a scope, from the smallest group on. */
function groupsOf(scope: Scope | null): Group[] {
	const all = { max: EXPORT_LIMITS.all, has: () => true };
	if (scope === null) return [{ max: EXPORT_LIMITS.workspace, has: (taken) => taken.projectId === null }, all];
	const [projectId, customerId] = [projectOf(scope), customerOf(scope)];
	const isOfProject = (taken: Taken) => taken.projectId === projectId;
	if (customerId === null) {
		const has = (taken: Taken) => isOfProject(taken) && taken.customerId === null;
		return [{ max: EXPORT_LIMITS.project, has }, all];
	}
	return [
		{ max: EXPORT_LIMITS.customer, has: (taken) => isOfProject(taken) && taken.customerId === customerId },
		{ max: EXPORT_LIMITS.customers, has: (taken) => isOfProject(taken) && taken.customerId !== null },
		all,
	];
}

function tooManyExports(): FanfareError {
	const message = "Too many exports run already. Try again when one of them has ended.";
	return new FanfareError("too_many_exports", message, { retryAfterMs: RETRY_AFTER_MS });
}
