// Stands in for the package `graphile-worker` in tests, on a real PostgreSQL: a table of jobs that is emptied again and again.
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { PostgresServer } from "@fanfare/testkit/programs/postgres";

type Task = (payload: unknown) => Promise<void>;
interface Job {
	readonly identifier: string;
	readonly payload: unknown;
}

const LOOK_EVERY_MS = 20;

appendFileSync(process.env["FAKES_LOG"] ?? "/dev/null", `${process.pid}\n`);

export async function makeWorkerUtils({ connectionString }: { readonly connectionString: string }) {
	const database = new PostgresServer(connectionString, null);
	const addJobs = async (jobs: readonly Job[]) => {
		const values = jobs.map((job) => `('${JSON.stringify(job).replaceAll("'", "''")}')`);
		await database.query(`INSERT INTO jobs (job) VALUES ${values.join(", ")}`);
	};
	return {
		migrate: async () => void (await database.query("CREATE TABLE jobs (job text NOT NULL)")),
		addJob: (identifier: string, payload: unknown) => addJobs([{ identifier, payload }]),
		addJobs,
	};
}

export async function run(options: {
	readonly preset: { readonly worker: { readonly connectionString: string } };
	readonly taskList: Readonly<Record<string, Task>>;
}) {
	const database = new PostgresServer(options.preset.worker.connectionString, null);
	const promise = (async () => {
		for (;;) {
			const rows = await database.query("DELETE FROM jobs RETURNING job");
			const jobs = rows.map(({ job }) => JSON.parse(String(job)) as Job);
			await Promise.all(jobs.map(async ({ identifier, payload }) => options.taskList[identifier]?.(payload)));
			await sleep(LOOK_EVERY_MS);
		}
	})();
	return { promise };
}
