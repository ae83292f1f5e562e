// Those who deliver the same events in turns: the floor, Fanfare, and other job queues, each with its own processes.
import type { FloorPumpCalls } from "../../children/floor-pump.ts";
import type { JobProducerCalls } from "../../children/job-producer.ts";
import { BODY_BYTES } from "../../wire/bench-event.ts";
import type { Child } from "../process/child.ts";
import { within } from "../process/within.ts";
import type { Receiver } from "../server/receiver.ts";

/** A load that all contenders get. */
export interface Load {
	/** Events per second; null: all of them as fast as they are accepted. */
	readonly ratePerS: number | null;
	readonly batchSize: number;
	readonly count: number;
}

/** The application, what delivers, and the database. */
export const ROLES = ["client", "server", "database"] as const;
export type Role = (typeof ROLES)[number];

/** What was sent, on the clock of `nowMs`. */
export interface Sent {
	readonly count: number;
	readonly startedAt: number;
	/** When each event was due, and when it was accepted; null if they had no schedule. */
	readonly times: { readonly dueAt: Float64Array; readonly acceptedAt: Float64Array } | null;
}

export interface Contender {
	/** In the names of measurements. */
	readonly name: string;
	/** For people. */
	readonly label: string;
	/** The main process of each role. */
	readonly pids: Readonly<Partial<Record<Role, number>>>;
	/** Is called before each turn. */
	readonly prepare: () => Promise<void>;
	/** Sends a series, and resolves when everything is accepted. */
	readonly send: (load: Load, series: number) => Promise<Sent>;
}

/** Calls of a closed loop that are in flight at a time. */
const CALLS = 8;
const FLOOR_CONNECTIONS = 64;
/** For how long the floor POSTs when the others have a number of events to deliver. */
const FLOOR_S = 1;

/** Only a run that fails waits this long. */
const SENT_WITHIN_MS = 180_000;

/** Sends to a contender from a producer's process. */
export function sendBy(producer: Child<JobProducerCalls>): Contender["send"] {
	return async ({ ratePerS, batchSize, count }, series) => {
		const accepted = <T>(call: Promise<T>) => within("accepting the jobs", SENT_WITHIN_MS, call);
		if (ratePerS === null) {
			const { startedAt } = await accepted(producer.call("flatOut", { series, count, batchSize, calls: CALLS }));
			return { count, startedAt, times: null };
		}
		const times = await accepted(producer.call("paced", { series, count, batchSize, ratePerS }));
		return { count, startedAt: times.dueAt[0] ?? 0, times };
	};
}

/** The floor: it POSTs one by one, since it has nobody to give a batch to. */
export function floorContender(pump: Child<FloorPumpCalls>, receiver: Receiver, maxSeconds: number): Contender {
	const target = { url: receiver.url, connections: FLOOR_CONNECTIONS, bodyBytes: BODY_BYTES };
	return {
		name: "floor",
		label: "the floor",
		pids: { client: pump.pid },
		prepare: async () => {},
		async send({ ratePerS, count }, series) {
			if (ratePerS === null) {
				const seconds = Math.min(FLOOR_S, maxSeconds);
				const { posted, startedAt } = await pump.call("pump", { ...target, series, seconds });
				return { count: posted, startedAt, times: null };
			}
			await pump.call("pace", { ...target, series, ratePerS, count });
			return { count, startedAt: Number.NaN, times: null };
		},
	};
}
