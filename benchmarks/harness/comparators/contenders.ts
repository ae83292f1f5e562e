// Starts Fanfare and the job queues that it is compared with: each with a producer, a worker or server, and a database of its own.
import { findPostgresPrograms, HOW_TO_GET_POSTGRES } from "@fanfare/testkit/programs/find-postgres";
import { findRedisServer, HOW_TO_GET_REDIS } from "@fanfare/testkit/programs/find-redis";
import { startOwnPostgres } from "@fanfare/testkit/programs/postgres";
import { startRedis } from "@fanfare/testkit/programs/redis";

import type { JobProducerCalls } from "../../children/job-producer.ts";
import type { JobWorkerCalls } from "../../children/job-worker.ts";
import type { QueuePlace, ServerPlace } from "../../comparators/job-queue.ts";
import { findPackage, versionsOf, type PackageName } from "../../comparators/packages.ts";
import { POSTGRES_SETTINGS } from "../cluster/bench-cluster.ts";
import { Child } from "../process/child.ts";
import type { Resources } from "../process/resources.ts";
import { within } from "../process/within.ts";
import type { BenchServer } from "../server/bench-server.ts";
import type { Receiver } from "../server/receiver.ts";
import { sendBy, type Contender } from "./contender.ts";

export interface ContendersOptions {
	readonly resources: Resources;
	readonly receiver: Receiver;
	/** The directory for the data of Redis. */
	readonly parentDir: string;
	readonly startServer: () => Promise<BenchServer>;
}

const STARTED_WITHIN_MS = 60_000;
/** How Redis keeps the jobs: `always` as durably as Fanfare, `everysec` loses up to a second of accepted jobs with the machine. */
const REDIS_SYNCS = ["always", "everysec"] as const;

export class Contenders implements AsyncDisposable {
	readonly all: readonly Contender[];
	/** What runs, and what is missing and why. */
	readonly notes: readonly string[];
	readonly #server: BenchServer;
	readonly #projectId: string;
	readonly #started: AsyncDisposableStack;

	private constructor(
		parts: { readonly all: readonly Contender[]; readonly notes: readonly string[] },
		{ server, projectId }: { readonly server: BenchServer; readonly projectId: string },
		started: AsyncDisposableStack,
	) {
		this.all = parts.all;
		this.notes = parts.notes;
		this.#server = server;
		this.#projectId = projectId;
		this.#started = started;
	}

	/**
	 * Starts all that can be had on this machine.
	 *
	 * @example
	 * await using contenders = await Contenders.start({ resources, receiver, parentDir, startServer });
	 */
	static async start(options: ContendersOptions): Promise<Contenders> {
		await using started = new AsyncDisposableStack();
		const { fanfare, ...target } = await startFanfare(options, started);
		const all = [fanfare];
		const notes: string[] = [];
		for (const start of [startBullMq, startGraphileWorker]) {
			const queue = await start(options, started);
			all.push(...queue.contenders);
			notes.push(queue.note);
		}
		return new Contenders({ all, notes }, target, started.move());
	}

	/** Throws if Fanfare has deliveries that are not Succeeded. */
	async checkNothingPending(): Promise<void> {
		await this.#server.checkNothingPending(this.#projectId);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#started.disposeAsync();
	}
}

async function startFanfare(options: ContendersOptions, started: AsyncDisposableStack) {
	const server = started.use(await options.startServer());
	const { projectId, serverUrl, key } = await server.newProject(options.receiver.url);
	const producer = await startProducer({ name: "fanfare", serverUrl, key, projectId }, options, started);
	const fanfare: Contender = {
		name: "fanfare",
		label: "Fanfare",
		pids: { client: producer.pid, server: server.pid },
		prepare: async () => {},
		send: sendBy(producer),
	};
	return { fanfare, server, projectId };
}

/** The contenders that use one queue, or none and the reason. */
interface StartedQueue {
	readonly contenders: readonly Contender[];
	readonly note: string;
}

async function startBullMq(options: ContendersOptions, started: AsyncDisposableStack): Promise<StartedQueue> {
	if (findRedisServer() === null) return skipped("bullmq", HOW_TO_GET_REDIS);
	const found = await findPackage("bullmq");
	if (found.packagesDir === null) return skipped("bullmq", found.issue);
	const redis = started.use(await startRedis(options.parentDir));
	const place: QueuePlace = { name: "bullmq", packagesDir: found.packagesDir, database: String(redis.port) };
	const parts = await startQueue(place, redis.pid, options, started);
	const contenders = REDIS_SYNCS.map((syncs) => ({
		name: `bullmq-${syncs}`,
		label: `BullMQ, ${syncs}`,
		prepare: async () => void (await redis.command(`CONFIG SET appendfsync ${syncs}`)),
		...parts,
	}));
	return { contenders, note: `${versionsOf(found.packagesDir, "bullmq")}; ${await redis.version()}` };
}

async function startGraphileWorker(options: ContendersOptions, started: AsyncDisposableStack): Promise<StartedQueue> {
	if (findPostgresPrograms() === null) return skipped("graphile-worker", HOW_TO_GET_POSTGRES);
	const found = await findPackage("graphile-worker");
	if (found.packagesDir === null) return skipped("graphile-worker", found.issue);
	const { server, cluster } = await startOwnPostgres({ durable: true, settings: POSTGRES_SETTINGS });
	started.use(server);
	if (cluster.pid === null) throw new Error("PostgreSQL has ended");
	const place: QueuePlace = { name: "graphile-worker", packagesDir: found.packagesDir, database: server.url };
	const parts = await startQueue(place, cluster.pid, options, started);
	const contender = { name: "graphile-worker", label: "graphile-worker", prepare: async () => {}, ...parts };
	const [row] = await server.query("SHOW server_version");
	const versions = versionsOf(found.packagesDir, "graphile-worker");
	return { contenders: [contender], note: `${versions}; PostgreSQL ${String(row?.["server_version"])}` };
}

/** A producer and a worker. The producer is first, since it makes the tables. */
async function startQueue(
	place: QueuePlace,
	databasePid: number,
	options: ContendersOptions,
	started: AsyncDisposableStack,
): Promise<Pick<Contender, "pids" | "send">> {
	const producer = await startProducer(place, options, started);
	const worker = started.use(await Child.start<JobWorkerCalls>("job-worker", options.resources));
	const working = worker.call("work", place, options.receiver.url);
	await within(`starting the worker of ${place.name}`, STARTED_WITHIN_MS, working);
	const pids = { client: producer.pid, server: worker.pid, database: databasePid };
	return { pids, send: sendBy(producer) };
}

async function startProducer(
	place: ServerPlace | QueuePlace,
	{ resources }: ContendersOptions,
	started: AsyncDisposableStack,
): Promise<Child<JobProducerCalls>> {
	const producer = started.use(await Child.start<JobProducerCalls>("job-producer", resources));
	await within(`connecting to ${place.name}`, STARTED_WITHIN_MS, producer.call("open", place));
	return producer;
}

function skipped(name: PackageName, issue: string): StartedQueue {
	return { contenders: [], note: `${name} is skipped: ${issue}` };
}
