// A process that works on the jobs of a queue: it delivers them.
import { BULLMQ_CONCURRENCY, workOnBullMq } from "../comparators/bullmq.ts";
import { newDelivery } from "../comparators/deliver.ts";
import { GRAPHILE_CONCURRENCY, workOnGraphileWorker } from "../comparators/graphile-worker.ts";
import type { QueuePlace } from "../comparators/job-queue.ts";
import { serveCalls } from "../harness/process/serve-calls.ts";

export interface JobWorkerCalls {
	/** Works on the queue from now on, until the process ends. */
	work(place: QueuePlace, receiverUrl: string): Promise<void>;
}

function work(place: QueuePlace, receiverUrl: string): Promise<void> {
	switch (place.name) {
		case "bullmq":
			return workOnBullMq(place, newDelivery(receiverUrl, BULLMQ_CONCURRENCY));
		case "graphile-worker":
			return workOnGraphileWorker(place, newDelivery(receiverUrl, GRAPHILE_CONCURRENCY));
	}
}

serveCalls<JobWorkerCalls>({ work });
