// Webhooks by graphile-worker, with the settings of its page on performance: a local queue, and completed jobs written together.
import { jobOf, type Job, type Producer, type QueuePlace } from "./job-queue.ts";
import { load } from "./packages.ts";

/** The part of the package that is used here. */
interface GraphileWorker {
	makeWorkerUtils(options: { readonly connectionString: string }): Promise<WorkerUtils>;
	run(options: {
		readonly preset: { readonly worker: Readonly<Record<string, unknown>> };
		readonly taskList: Readonly<Record<string, (payload: Job) => Promise<void>>>;
	}): Promise<{ readonly promise: Promise<void> }>;
}
interface WorkerUtils {
	migrate(): Promise<void>;
	addJob(identifier: string, payload: Job): Promise<unknown>;
	addJobs(jobs: readonly { readonly identifier: string; readonly payload: Job }[]): Promise<unknown>;
}

const TASK = "deliver";
export const GRAPHILE_CONCURRENCY = 24;
const SETTINGS = {
	concurrentJobs: GRAPHILE_CONCURRENCY,
	maxPoolSize: GRAPHILE_CONCURRENCY + 1,
	localQueue: { size: 500 },
	completeJobBatchDelay: 0,
	failJobBatchDelay: 0,
};

/** A job is tried 25 times if nothing else is said. */
export async function openGraphileWorker({ packagesDir, database }: QueuePlace): Promise<Producer> {
	const graphile = load(packagesDir, "graphile-worker") as GraphileWorker;
	const utils = await graphile.makeWorkerUtils({ connectionString: database });
	await utils.migrate();
	return {
		async send([first, ...more]) {
			if (first === undefined) return;
			if (more.length === 0) await utils.addJob(TASK, jobOf(first));
			else await utils.addJobs([first, ...more].map((event) => ({ identifier: TASK, payload: jobOf(event) })));
		},
	};
}

/** Works on the queue until the process ends. */
export async function workOnGraphileWorker(
	{ packagesDir, database }: QueuePlace,
	deliver: (job: Job) => Promise<void>,
): Promise<void> {
	// As in its own performance test: no line of log for each job.
	process.env["NO_LOG_SUCCESS"] = "1";
	const graphile = load(packagesDir, "graphile-worker") as GraphileWorker;
	const runner = await graphile.run({
		preset: { worker: { connectionString: database, ...SETTINGS } },
		taskList: { [TASK]: deliver },
	});
	// It ends only with an error, which must end the process.
	void runner.promise;
}
