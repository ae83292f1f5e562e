// Changes of many deliveries that are under way in this tab: at most one for each list. They go on while other screens are shown, and what
// has ended without being done stays until somebody goes on with it or dismisses it. They are in the query cache.
import { hashKey, skipToken, useQuery, type QueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";

import { filterPart, type DeliveriesSearch } from "../../../app/search.ts";
import { counted } from "../../../parts/text/format.ts";
import { DOING, DONE, type Action } from "./actions.ts";
import type { ChangeSteps } from "./steps.ts";

/**
 * States of a change:
 *
 * - running: from its start until all is done, when it leaves with a message.
 * - stopping: somebody has stopped it, and its last calls are not answered yet.
 * - ended: it was stopped, or a call has failed. It runs again if somebody goes on with it.
 */
export interface BulkChange {
	readonly id: string;
	readonly projectId: string;
	readonly action: Action;
	/** Of which list: see `listOf`. */
	readonly list: string;
	/** Its name: see `listWords`. Empty if it needs none. */
	readonly listName: string;
	/** What is changed, such as `all Failed that match`. */
	readonly object: string;
	readonly state: "running" | "stopping" | "ended";
	/** Why it has ended; null if somebody has stopped it. */
	readonly error: unknown;
	readonly changed: number;
	readonly refused: number;
	/** Null if it is not known. */
	readonly left: number | null;
}

/** A change to start. */
interface WantedChange extends Pick<BulkChange, "projectId" | "action" | "list" | "listName" | "object"> {
	readonly steps: ChangeSteps;
	/** Called when all is done. */
	readonly onDone: () => void;
}

const KEY = ["bulk-changes"] as const;
const NONE: readonly BulkChange[] = [];

/** The list that a search shows, whatever its statuses: deliveries go from one status to another by such a change. */
export function listOf(search: DeliveriesSearch): string {
	const { status: _, ...filter } = filterPart(search);
	return hashKey([filter]);
}

/**
 * The changes of this tab.
 *
 * @example
 * changes.start({ projectId, action: "retry", list: listOf(search), listName: "", object: "12 selected", steps, onDone });
 */
export class BulkChanges {
	readonly #queryClient: QueryClient;
	readonly #tell: (text: string, projectId: string) => void;
	readonly #wanted = new Map<string, WantedChange>();
	#started = 0;

	/** @param tell shows a message, of a project */
	constructor(queryClient: QueryClient, tell: (text: string, projectId: string) => void) {
		this.#queryClient = queryClient;
		this.#tell = tell;
	}

	/** Whether a change of the list may be started. If not, that is said. */
	mayStart(projectId: string, list: string): boolean {
		const other = this.#all.find((one) => isOf(one, projectId, list) && isUnderWay(one));
		if (other === undefined) return true;
		this.#tell(`${DOING[other.action]} ${other.object} is still under way`, projectId);
		return false;
	}

	/** Starts a change, unless another one of its list is under way, which is said. */
	start(wanted: WantedChange): void {
		const { projectId, action, list, listName, object, steps } = wanted;
		if (!this.mayStart(projectId, list)) return;
		const id = String(++this.#started);
		this.#wanted.set(id, wanted);
		const what = { id, projectId, action, list, listName, object };
		this.#set((all) => [...all, { ...what, state: "running", error: null, ...countsOf(steps) }]);
		void this.#run(id, wanted);
	}

	/** Has an ended change run again, with what is left. */
	goOn(id: string): void {
		const wanted = this.#wanted.get(id);
		if (wanted === undefined || !this.mayStart(wanted.projectId, wanted.list)) return;
		this.#change(id, { state: "running", error: null });
		void this.#run(id, wanted);
	}

	/** Ends a running change after the calls that it has made. */
	stop(id: string): void {
		if (this.#find(id)?.state === "running") this.#change(id, { state: "stopping" });
	}

	/** Takes an ended change away. */
	dismiss(id: string): void {
		this.#wanted.delete(id);
		this.#set((all) => all.filter((one) => one.id !== id));
	}

	async #run(id: string, wanted: WantedChange): Promise<void> {
		const { projectId, steps } = wanted;
		let isMore = true;
		let error: unknown = null;
		try {
			// It is gone from the cache if somebody has signed out, or signed in with another key.
			while (isMore && this.#find(id)?.state === "running") {
				isMore = await steps.next();
				this.#change(id, countsOf(steps));
			}
		} catch (reason) {
			error = reason;
		}
		if (isMore) this.#change(id, { ...countsOf(steps), state: "ended", error });
		else this.#done(id, wanted);
		if (this.#find(id) === undefined) this.#wanted.delete(id);
		// Some may have been changed, whatever has come of the others.
		await this.#queryClient.invalidateQueries({ queryKey: ["project", projectId] });
	}

	#done(id: string, { projectId, action, steps: { changed, refused }, onDone }: WantedChange): void {
		if (this.#find(id) !== undefined) {
			const left = refused === 0 ? "" : `, ${counted(refused, "other", "others")} could not be`;
			this.#tell(`${counted(changed, "delivery is", "deliveries are")} ${DONE[action]}${left}`, projectId);
		}
		this.dismiss(id);
		onDone();
	}

	get #all(): readonly BulkChange[] {
		return this.#queryClient.getQueryData<readonly BulkChange[]>(KEY) ?? NONE;
	}

	#find(id: string): BulkChange | undefined {
		return this.#all.find((one) => one.id === id);
	}

	#change(id: string, part: Partial<BulkChange>): void {
		this.#set((all) => all.map((one) => (one.id === id ? { ...one, ...part } : one)));
	}

	#set(map: (all: readonly BulkChange[]) => readonly BulkChange[]): void {
		this.#queryClient.setQueryData<readonly BulkChange[]>(KEY, map(this.#all));
	}
}

function countsOf({ changed, refused, left }: ChangeSteps): Pick<BulkChange, "changed" | "refused" | "left"> {
	return { changed, refused, left };
}

function isUnderWay({ state }: BulkChange): boolean {
	return state !== "ended";
}

function isOf(one: BulkChange, projectId: string, list: string): boolean {
	return one.projectId === projectId && one.list === list;
}

export function useBulkChanges(): readonly BulkChange[] {
	const { data = NONE } = useQuery<readonly BulkChange[]>({
		queryKey: KEY,
		queryFn: skipToken,
		gcTime: Number.POSITIVE_INFINITY,
	});
	return data;
}

/** Whether any change is under way. */
export function useAnyUnderWay(): boolean {
	return useBulkChanges().some(isUnderWay);
}

/** Whether a change of the list is under way, and what starts one. */
export function useListChange(projectId: string, list: string): readonly [isUnderWay: boolean, changes: BulkChanges] {
	const { changes } = useRouter().options.context;
	return [useBulkChanges().some((one) => isOf(one, projectId, list) && isUnderWay(one)), changes];
}
