// The store of version 0.1 (commit 3aa84d3), of which today's format is the successor, in the form that the benchmarks use.
import type { Records as TodaysRecords } from "../../../packages/server/src/ports/contract/store/records/records.ts";
import type { DeliveryUpdate, NewEvent } from "../../../packages/server/src/ports/store/accept.ts";
import type { Store } from "../../../packages/server/src/ports/store/store.ts";
import type { MadeProject } from "../server/webhook-plan.ts";

/** Version 0.1. */
export const FIRST_COMMIT = "3aa84d3";

/** What the benchmarks call of a store, as they call it today. */
export type BenchedStore = Pick<
	Store,
	"commit" | "claimDue" | "rollUpStats" | "statusCounts" | "directoryVersions" | "close"
>;

/** What differs in 0.1: claims resolve with the deliveries alone, and counts are asked for by the project's id. */
export interface FirstStore extends Omit<BenchedStore, "claimDue" | "statusCounts" | "directoryVersions"> {
	claimDue(request: object): Promise<Awaited<ReturnType<Store["claimDue"]>>["deliveries"]>;
	statusCounts(projectId: string, webhookId: null): ReturnType<Store["statusCounts"]>;
}

/** What the test data of the port's contract was in 0.1. */
export interface FirstSamples {
	readonly Samples: new () => {
		now: number;
		event(projectId: string, options: object): NewEvent;
		outcome(deliveryId: string, number: number, verdict?: unknown): DeliveryUpdate;
	};
	readonly fillStore: (store: FirstStore, webhooks: number) => Promise<MadeProject>;
}

/** Its records, as today's are used. Customers and tags did not exist, and are left out. */
export function recordsOf({ Samples }: FirstSamples): Pick<TodaysRecords, "now" | "event" | "outcome"> {
	return new Samples();
}

/** The store, as today's is called. It had one project in the benchmarks, and no versions. */
export function asToday(store: FirstStore, projectId: string): BenchedStore {
	return {
		commit: (batch) => store.commit(batch),
		claimDue: async (request) => {
			const deliveries = await store.claimDue(request);
			return { deliveries } as Awaited<ReturnType<Store["claimDue"]>>;
		},
		rollUpStats: (step) => store.rollUpStats(step),
		statusCounts: () => store.statusCounts(projectId, null),
		directoryVersions: () =>
			Promise.resolve({ projects: [{ projectId, version: 1 }] } as unknown as Awaited<
				ReturnType<Store["directoryVersions"]>
			>),
		close: () => store.close(),
	};
}
