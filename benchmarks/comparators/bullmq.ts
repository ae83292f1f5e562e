// Webhooks by BullMQ, as its documentation says: added in bulk, retried with exponential backoff, a handful of completed jobs kept.
import { jobOf, type Job, type Producer, type QueuePlace } from "./job-queue.ts";
import { load } from "./packages.ts";

/** The part of the package that is used here. */
interface BullMq {
	readonly Queue: new (name: string, options: object) => Queue;
	readonly Worker: new (name: string, work: (job: { readonly data: Job }) => Promise<void>, options: object) => Worker;
}
interface Queue {
	add(name: string, data: Job): Promise<unknown>;
	addBulk(jobs: readonly { readonly name: string; readonly data: Job }[]): Promise<unknown>;
	on(event: "error", listener: (error: Error) => void): void;
	waitUntilReady(): Promise<unknown>;
}
type Worker = Pick<Queue, "on" | "waitUntilReady">;

const QUEUE = "webhooks";
const JOB = "deliver";
/** "Something between 100 and 300 is a quite standard setting" for jobs that wait for others (Parallelism and Concurrency). */
export const BULLMQ_CONCURRENCY = 100;
const JOB_OPTIONS = {
	attempts: 5,
	backoff: { type: "exponential", delay: 1_000 },
	removeOnComplete: { count: 1_000 },
	removeOnFail: { count: 5_000 },
};

export async function openBullMq({ packagesDir, database }: QueuePlace): Promise<Producer> {
	const { Queue } = load(packagesDir, "bullmq") as BullMq;
	const queue = new Queue(QUEUE, { connection: connectionTo(database), defaultJobOptions: JOB_OPTIONS });
	queue.on("error", fail);
	await queue.waitUntilReady();
	return {
		async send([first, ...more]) {
			if (first === undefined) return;
			if (more.length === 0) await queue.add(JOB, jobOf(first));
			else await queue.addBulk([first, ...more].map((event) => ({ name: JOB, data: jobOf(event) })));
		},
	};
}

/** Works on the queue until the process ends. */
export async function workOnBullMq(
	{ packagesDir, database }: QueuePlace,
	deliver: (job: Job) => Promise<void>,
): Promise<void> {
	const { Worker } = load(packagesDir, "bullmq") as BullMq;
	const options = { connection: connectionTo(database), concurrency: BULLMQ_CONCURRENCY };
	const worker = new Worker(QUEUE, ({ data }) => deliver(data), options);
	worker.on("error", fail);
	await worker.waitUntilReady();
}

function connectionTo(port: string): object {
	return { host: "127.0.0.1", port: Number(port) };
}

/** Ends the process: a measurement with errors means nothing. */
function fail(error: Error): never {
	throw error;
}
