// A process as an application would be: it has events, and gives them to Fanfare or to a job queue, on a schedule or as fast as it can.
import { openBullMq } from "../comparators/bullmq.ts";
import { openFanfare } from "../comparators/fanfare.ts";
import { openGraphileWorker } from "../comparators/graphile-worker.ts";
import type { BenchEvent, Producer, QueuePlace, ServerPlace } from "../comparators/job-queue.ts";
import { nowMs } from "../harness/measure/clock.ts";
import { serveCalls } from "../harness/process/serve-calls.ts";
import { bodyTemplate, numberText } from "../wire/bench-event.ts";

export interface PacedLoad {
	/** From `Receiver.newSeries`. */
	readonly series: number;
	readonly count: number;
	/** Events of one call, which are due together. */
	readonly batchSize: number;
	readonly ratePerS: number;
}

export interface FlatOutLoad extends Omit<PacedLoad, "ratePerS"> {
	/** Calls in flight at a time. */
	readonly calls: number;
}

export interface JobProducerCalls {
	open(place: ServerPlace | QueuePlace): Promise<void>;
	/** Event *n* is due at `dueAt[n]`, even if earlier events are not accepted yet. */
	paced(load: PacedLoad): Promise<{ readonly dueAt: Float64Array; readonly acceptedAt: Float64Array }>;
	/** Sends all events as fast as they are accepted. */
	flatOut(load: FlatOutLoad): Promise<{ readonly startedAt: number }>;
}

/** From the call to the first event of the schedule. */
const LEAD_MS = 50;

const { type, data } = JSON.parse(bodyTemplate(0).bytes.toString()) as BenchEvent;
let producer: Producer | null = null;

async function open(place: ServerPlace | QueuePlace): Promise<void> {
	producer = await openerOf(place);
}

async function openerOf(place: ServerPlace | QueuePlace): Promise<Producer> {
	switch (place.name) {
		case "fanfare":
			return openFanfare(place);
		case "bullmq":
			return openBullMq(place);
		case "graphile-worker":
			return openGraphileWorker(place);
	}
}

async function send(series: number, first: number, count: number): Promise<void> {
	if (producer === null) throw new Error("the producer is not open");
	const events = Array.from({ length: count }, (_, index) => ({
		type,
		data: { ...data, seq: numberText(series, first + index) },
	}));
	await producer.send(events);
}

async function paced({ series, count, batchSize, ratePerS }: PacedLoad): ReturnType<JobProducerCalls["paced"]> {
	const startAt = nowMs() + LEAD_MS;
	const timeOf = (index: number) => startAt + ((index - (index % batchSize)) / ratePerS) * 1_000;
	const dueAt = Float64Array.from({ length: count }, (_, index) => timeOf(index));
	const acceptedAt = new Float64Array(count);
	const sends: Promise<void>[] = [];
	const sendFrom = async (first: number) => {
		await send(series, first, Math.min(batchSize, count - first));
		acceptedAt.fill(nowMs(), first, first + batchSize);
	};
	await new Promise<void>((resolve) => {
		let next = 0;
		const sendDue = () => {
			for (; next < count && timeOf(next) <= nowMs(); next += batchSize) sends.push(sendFrom(next));
			if (next >= count) resolve();
			else setTimeout(sendDue, Math.max(0, Math.ceil(timeOf(next) - nowMs())));
		};
		sendDue();
	});
	await Promise.all(sends);
	return { dueAt, acceptedAt };
}

async function flatOut({ series, count, batchSize, calls }: FlatOutLoad): ReturnType<JobProducerCalls["flatOut"]> {
	const startedAt = nowMs();
	let next = 0;
	const run = async () => {
		for (let first = next; first < count; first = next) {
			next += batchSize;
			await send(series, first, Math.min(batchSize, count - first));
		}
	};
	await Promise.all(Array.from({ length: calls }, run));
	return { startedAt };
}

serveCalls<JobProducerCalls>({ open, paced, flatOut });
