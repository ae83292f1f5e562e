// Test data for the contract of replays: events with every outcome.
import type { Delivery } from "../../../../core/delivery.ts";
import type { Replay, ReplayFilter } from "../../../../core/replay.ts";
import type { CurrentStore } from "./records.ts";
import { ANY_DELIVERY, fillStore, NEWEST, type World } from "./records.ts";

/** Matches every outcome and every type. */
export const EVERYTHING: Omit<ReplayFilter, "since" | "until"> = {
	outcomes: ["Succeeded", "Failed", "Cancelled", "Missed"],
	eventTypes: null,
	missedEventTypes: null,
};

/** The options of a replay without an audit entry, however many others run. */
export const ANY_NUMBER = { limit: Infinity, projectLimit: Infinity, entry: null } as const;

/** The limits of a step; each is 100 if omitted. */
interface StepLimits {
	readonly scanLimit?: number;
	readonly deliveryLimit?: number;
	/** If omitted, new ids are made. */
	readonly deliveryIds?: readonly string[];
}

/** A filled store, and short forms of the calls about replays. */
export interface ReplayWorld extends World {
	readonly makeReplay: (filter?: Partial<ReplayFilter>, changes?: Partial<Replay>) => Replay;
	/** Makes a replay and inserts it. */
	readonly begin: (
		filter?: Partial<ReplayFilter>,
		changes?: Partial<Replay>,
		eventIds?: readonly string[] | null,
	) => Promise<Replay>;
	readonly step: (replay: Replay, limits?: StepLimits) => Promise<Replay | null>;
	/** Commits an event without deliveries and returns its id. */
	readonly miss: (type?: string) => Promise<string>;
	/** Commits an event whose delivery to the first webhook became final with one attempt. Returns the event's id. */
	readonly deliver: (responseCode: number, type?: string) => Promise<string>;
	/** The Pending deliveries that replays made for the first webhook, oldest first. */
	readonly replayed: () => Promise<Delivery[]>;
}

export async function openReplayWorld(current: CurrentStore, webhookCount = 1): Promise<ReplayWorld> {
	const world = await fillStore(current(), webhookCount);
	const { store, records, projectId, scope, webhookId } = world;
	const makeReplay: ReplayWorld["makeReplay"] = (filter = {}, changes = {}) => ({
		id: records.ids.make("replay", records.now),
		projectId,
		webhookId,
		customerId: null,
		filter: { ...EVERYTHING, since: 0, until: records.now + 1, ...filter },
		chosenCount: null,
		status: "Running",
		scannedCount: 0,
		deliveryCount: 0,
		firstEventDate: null,
		lastEventDate: null,
		position: null,
		createDate: records.now,
		updateDate: records.now,
		endDate: null,
		...changes,
	});
	const send = async (type: string, webhookIds: readonly string[]) => {
		const sent = records.event(projectId, { type, webhookIds });
		await store.commit({ events: [sent], updates: [] });
		return sent;
	};
	return {
		...world,
		makeReplay,
		async begin(filter, changes, eventIds = null) {
			const replay = makeReplay(filter, changes);
			await store.insertReplays([{ replay, eventIds, ...ANY_NUMBER }]);
			return replay;
		},
		step: ({ id: replayId }, { scanLimit = 100, deliveryLimit: length = 100, deliveryIds } = {}) =>
			store.stepReplay({
				replayId,
				at: records.now,
				scanLimit,
				deliveryIds: deliveryIds ?? Array.from({ length }, () => records.ids.make("dlv", records.now)),
			}),
		miss: async (type = "a.b") => (await send(type, [])).event.id,
		async deliver(responseCode, type = "a.b") {
			const { event, deliveries } = await send(type, [webhookId]);
			const id = deliveries[0]?.id ?? "";
			const verdict = { kind: responseCode === 410 ? "gone" : "success", responseCode } as const;
			await world.update(records.outcome(id, 1, verdict));
			return event.id;
		},
		async replayed() {
			const { rows } = await store.deliveries(scope, { ...ANY_DELIVERY, webhookId }, NEWEST);
			return rows.filter(({ trigger, status }) => trigger === "replay" && status === "Pending").toReversed();
		},
	};
}
