// The store's own CPU time for a delivery: accepting it, claiming it where that is needed, and recording its first success. In one
// thread and without the engine, so that neither messages between threads nor HTTP are part of it.
import type { StoreFloorLoad, StoreLoad } from "../../children/store-runner.ts";
import { named } from "../../harness/measure/steady.ts";
import type { Measurements, ResultLine, RunContext, Scenario } from "../../scenario.ts";

export const DEFAULT_STORE_WEBHOOKS = 100;
const FAN_OUT = 1_000;
const EVENTS_PER_COMMIT = 64;

interface Case {
	readonly kind: StoreLoad["kind"];
	readonly label: string;
	readonly eventsPerCommit: number;
	/** V8 has compiled everything after about 20,000 deliveries. */
	readonly warmUpEvents: number;
	readonly events: number;
	readonly atMostUs: number;
}

const MANY = { eventsPerCommit: EVENTS_PER_COMMIT, warmUpEvents: 20_000, events: 50_000 };
/** The floor has little code to compile. */
const FLOOR = { ...MANY, warmUpEvents: 5_000 };

const CASES: readonly Case[] = [
	{ kind: "one-event", label: "one event", ...MANY, atMostUs: 14.5 },
	{ kind: "fan-out", label: "fan-out", eventsPerCommit: 1, warmUpEvents: 20, events: 100, atMostUs: 5.5 },
	{ kind: "overflow", label: "overflow", ...MANY, atMostUs: 14.5 },
];

export const storeSql: Scenario = {
	name: "store-sql",
	group: "speed",
	summary: `the store alone, synced, by delivery: commits of ${EVENTS_PER_COMMIT} events; one to ${FAN_OUT} webhooks; accepted without room`,
	takes: "webhooks",
	results: [
		...CASES.map(({ kind, label, atMostUs }): ResultLine => {
			const limit = { atMost: atMostUs };
			return { measurement: `${kind}.cpuUs`, label: `${label}: store's CPU`, unit: "µs", limit };
		}),
		{ measurement: "floorUs", label: "bare insert of the body: CPU", unit: "µs" },
		...CASES.flatMap(({ kind, label }): ResultLine[] => [
			{ measurement: `${kind}.systemUs`, label: `${label}: CPU in the kernel`, unit: "µs" },
			{ measurement: `${kind}.writtenBytes`, label: `${label}: written`, unit: "bytes", mayBeSkipped: true },
			{ measurement: `${kind}.fileBytes`, label: `${label}: size of the file`, unit: "bytes" },
			{ measurement: `${kind}.rollUpUs`, label: `${label}: CPU of rolling up stats`, unit: "µs" },
		]),
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const floorUs = await context.measureStoreFloor(sized(context, FLOOR));
	const result: Record<string, number> = { sent: 0, received: 0, floorUs };
	for (const each of CASES) {
		const { deliveries, succeeded, ...measured } = await measure(context, each);
		result["sent"] = (result["sent"] ?? 0) + deliveries;
		result["received"] = (result["received"] ?? 0) + succeeded;
		Object.assign(result, named(each.kind, measured));
	}
	const isSkipped = CASES.some(({ kind }) => Number.isNaN(result[`${kind}.writtenBytes`]));
	if (isSkipped) context.note("written bytes are skipped: there is no /proc here");
	return result;
}

async function measure(context: RunContext, each: Case) {
	const webhooks =
		each.kind === "fan-out" ? context.size(FAN_OUT) : (context.webhooks ?? context.size(DEFAULT_STORE_WEBHOOKS));
	const reading = await context.measureStore({ kind: each.kind, webhooks, ...sized(context, each) });
	const { deliveries, succeeded } = reading;
	return {
		deliveries,
		succeeded,
		cpuUs: reading.cpuUs / deliveries,
		systemUs: reading.systemUs / deliveries,
		writtenBytes: reading.writtenBytes / deliveries,
		fileBytes: reading.fileBytesPerDelivery,
		rollUpUs: reading.rollUpUsPerDelivery,
	};
}

function sized({ size }: RunContext, { eventsPerCommit, warmUpEvents, events }: StoreFloorLoad): StoreFloorLoad {
	return { eventsPerCommit, warmUpEvents: size(warmUpEvents), events: size(events) };
}
