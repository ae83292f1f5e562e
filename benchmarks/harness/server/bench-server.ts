// The server under test: the real `fanfare` command in its own process, with its own data directory.
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Client } from "@fanfare/sdk";
import { processUsage } from "@fanfare/testkit/process-usage";
import { commandOf } from "@fanfare/testkit/programs/server-code";
import { quietDisk } from "@fanfare/testkit/report/machine";

import type { SeriesTarget } from "../../wire/bench-event.ts";
import { nowMs } from "../measure/clock.ts";
import { HOW_MANY_MESSAGES, LONGEST_TURN } from "../process/call-messages.ts";
import { givenImports } from "../process/given-imports.ts";
import type { Resources } from "../process/resources.ts";
import { copyStore, type PreparedStore } from "../store/store-copy.ts";
import { makeProject, type WebhookPlan } from "./webhook-plan.ts";

const END_WITH_PARENT = new URL("../process/end-with-parent.ts", import.meta.url).href;
const COUNT_MESSAGES = new URL("../process/count-messages.ts", import.meta.url).href;
const WATCH_TURNS = new URL("../process/watch-turns.ts", import.meta.url).href;
const START_MS = 60_000;
const STOP_MS = 15_000;
/**
 * The last outcomes are written after the receiver has answered, and a delivery whose attempt timed out is attempted again. Only a
 * run that fails waits this long.
 */
const WRITTEN_MS = 60_000;
const KEPT_OUTPUT = 4_096;
/** Written to `/proc/<pid>/clear_refs`, this sets the peak of the resident memory to its current value (proc(5)). */
const RESET_PEAK = "5";

/** The file system in memory of Linux. */
const IN_MEMORY = "/dev/shm";

/** Options for a scenario's server. */
export interface ServerStart {
	/** The server starts on a copy of this store. Defaults to an empty data directory. */
	readonly store?: PreparedStore;
	/** Starts on `store` itself, which must be the copy of an earlier server of this scenario. Defaults to false. */
	readonly inPlace?: boolean;
	/** Keeps the data directory when the server is disposed. Defaults to false. */
	readonly keepData?: boolean;
	/** Counts the messages between its threads, which costs a little. Defaults to false. */
	readonly countMessages?: boolean;
	/** Measures the CPU time of each turn of its event loop, which costs a little. Defaults to false. */
	readonly watchTurns?: boolean;
	/** The most MB of its heap (`--max-old-space-size`). Defaults to what Node chooses. */
	readonly heapMb?: number;
	/** Creates the data directory in memory, where there is such a file system: for a server that only fills it. Defaults to false. */
	readonly inMemory?: boolean;
	/** Its admin key. Defaults to that of `store`, or else to a new one. */
	readonly key?: string;
	/** Further settings, by environment variable. */
	readonly settings?: Readonly<Record<string, string>>;
}

export interface BenchServerOptions extends ServerStart {
	readonly resources: Resources;
	/** The root of the checkout whose server runs. */
	readonly codeDir: string;
	/** The directory for its data directory. */
	readonly parentDir: string;
	/** The directory for a CPU profile, which is written when the server stops. Null: no profile. */
	readonly profileDir: string | null;
}

/** A project for the load generator to send to. */
export type SendTarget = Omit<SeriesTarget, "series">;

interface Parts {
	readonly url: string;
	readonly key: string;
	readonly dataDir: string;
	readonly process: ChildProcess;
	readonly died: Promise<never>;
	/** On the clock of `nowMs`, like `listeningAt`. */
	readonly spawnedAt: number;
	readonly listeningAt: number;
	readonly removeData: () => void;
}

export class BenchServer implements AsyncDisposable {
	readonly url: string;
	readonly key: string;
	readonly dataDir: string;
	/** When its process was started, and when it printed that it listens, on the clock of `nowMs`. */
	readonly spawnedAt: number;
	readonly listeningAt: number;
	readonly #process: ChildProcess;
	readonly #removeData: () => void;
	readonly #died: Promise<never>;

	private constructor(parts: Parts) {
		this.url = parts.url;
		this.key = parts.key;
		this.dataDir = parts.dataDir;
		this.spawnedAt = parts.spawnedAt;
		this.listeningAt = parts.listeningAt;
		this.#process = parts.process;
		this.#died = parts.died;
		this.#removeData = parts.removeData;
	}

	static async start(options: BenchServerOptions): Promise<BenchServer> {
		const { resources, codeDir, profileDir, store, settings = {}, keepData = false } = options;
		const dataDir = await dataDirOf(options);
		const key = options.key ?? store?.key ?? newKey();
		const profile = profileDir === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`];
		const heap = options.heapMb === undefined ? [] : [`--max-old-space-size=${options.heapMb}`];
		const preloads = preloadsOf(options).map((file) => `--import=${file}`);
		const spawnedAt = nowMs();
		const child = spawn(
			process.execPath,
			[
				"--conditions=@fanfare/source",
				...givenImports(),
				...heap,
				...preloads,
				...profile,
				commandOf(codeDir),
				"serve",
			],
			{ env: environment(dataDir, key, settings), stdio: ["ignore", "ignore", "pipe", "ipc"] },
		);
		resources.track(child);
		const { url, died } = await started(child);
		const removeData = () => keepData || resources.removeDirectory(dataDir);
		return new BenchServer({ url, key, dataDir, process: child, died, spawnedAt, listeningAt: nowMs(), removeData });
	}

	get client(): Client {
		return new Client(this.key, { endpoint: this.url });
	}

	get pid(): number {
		const { pid } = this.#process;
		if (pid === undefined) throw new Error("the server's process has not started");
		return pid;
	}

	/** The promise's result. Rejects if the server ends first. */
	whileAlive<T>(promise: Promise<T>): Promise<T> {
		return Promise.race([promise, this.#died]);
	}

	/** Creates a project with webhooks. With several, each gets the events of its own number from the load generator. */
	async newProject(
		endpoint: string | WebhookPlan["endpoint"],
		webhooks = 1,
		more: Pick<WebhookPlan, "failAfterMs"> = {},
	): Promise<SendTarget> {
		const endpointOf = typeof endpoint === "string" ? () => endpoint : endpoint;
		const plan: WebhookPlan = { count: webhooks, endpoint: endpointOf, wants: "own", ...more };
		const { projectId } = await makeProject(this.client, plan);
		return this.target(projectId, webhooks);
	}

	target(projectId: string, spread = 1): SendTarget {
		return { serverUrl: this.url, key: this.key, projectId, spread };
	}

	/** Throws if deliveries stay Pending or Failed on the server although the receiver has every event. */
	async checkNothingPending(projectId: string): Promise<void> {
		const { deliveries } = this.client.project(projectId);
		const has = async (status: "Pending" | "Failed") => (await deliveries.list({ status, limit: 1 })).data.length > 0;
		const fail = (status: string) => {
			throw new Error(`the receiver has every event, but deliveries on the server are ${status}`);
		};
		const giveUpAt = performance.now() + WRITTEN_MS;
		while (await has("Pending")) {
			if (performance.now() > giveUpAt) fail("Pending");
			await sleep(50);
		}
		if (await has("Failed")) fail("Failed");
	}

	/** Messages between the server's threads so far. Needs `countMessages`. */
	async messages(): Promise<number> {
		return this.#ask(HOW_MANY_MESSAGES);
	}

	/** The most CPU time of the main thread in one turn of its event loop since the last call. Needs `watchTurns`. */
	async longestTurnMs(): Promise<number> {
		return (await this.#ask(LONGEST_TURN)) / 1_000;
	}

	async #ask(question: string): Promise<number> {
		const answer = once(this.#process, "message");
		this.#process.send(question);
		const [value] = await this.whileAlive(answer);
		return Number(value);
	}

	/** A value of the server's metrics by its name, labels included. Throws if there is none. */
	async metric(name: string): Promise<number> {
		const response = await fetch(`${this.url}/metrics`, { headers: { authorization: `Bearer ${this.key}` } });
		const line = (await response.text()).split("\n").find((text) => text.startsWith(`${name} `));
		if (line === undefined) throw new Error(`the server has no metric ${name}`);
		return Number(line.slice(name.length + 1));
	}

	async residentMb(): Promise<number> {
		return (await processUsage(this.pid)).residentMb;
	}

	async peakMb(): Promise<number> {
		return (await processUsage(this.pid)).peakMb;
	}

	/** Makes `peakMb` count from now on. Does nothing where the system can't do that. */
	async forgetPeak(): Promise<void> {
		const file = `/proc/${this.pid}/clear_refs`;
		if (existsSync(file)) await writeFile(file, RESET_PEAK);
	}

	/** Ends the server as a crash does. */
	async kill(): Promise<void> {
		const exited = once(this.#process, "exit");
		this.#process.kill("SIGKILL");
		await exited;
	}

	/** Stops the server and removes its data directory. */
	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
		this.#removeData();
	}

	/** Stops the server as an operator would. One that does not stop in time is killed. */
	async stop(): Promise<void> {
		const { exitCode, signalCode } = this.#process;
		if (exitCode === null && signalCode === null) {
			const exited = once(this.#process, "exit");
			const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_MS);
			this.#process.kill("SIGTERM");
			await exited;
			clearTimeout(timer);
		}
	}
}

/** Settings of a server whose customers have webhooks on this machine. Version 0.1 had no customers, and refuses them. */
export const WITH_CUSTOMERS = { FANFARE_ALLOW_FOR_CUSTOMERS: "true" };

/** A key for the API. */
export function newKey(): string {
	return `sk_${randomBytes(32).toString("base64url")}`;
}

function preloadsOf({ countMessages = false, watchTurns = false }: ServerStart): string[] {
	return [END_WITH_PARENT, ...(countMessages ? [COUNT_MESSAGES] : []), ...(watchTurns ? [WATCH_TURNS] : [])];
}

async function dataDirOf({ store, inPlace = false, inMemory = false, parentDir }: BenchServerOptions): Promise<string> {
	if (store === undefined) return mkdtempSync(join(inMemory && existsSync(IN_MEMORY) ? IN_MEMORY : parentDir, "data-"));
	if (inPlace) return store.dataDir;
	const dataDir = copyStore(store, parentDir);
	await quietDisk(parentDir);
	return dataDir;
}

/** The environment without the caller's `FANFARE_*` variables, so that the defaults are measured. */
function environment(dataDir: string, key: string, settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
	const others = Object.entries(process.env).filter(([name]) => !name.startsWith("FANFARE_"));
	return {
		// What `fanfare serve` sets for itself by starting again, which would end the channel to it.
		MALLOC_ARENA_MAX: "2",
		...Object.fromEntries(others),
		FANFARE_PORT: "0",
		FANFARE_DATA_DIR: dataDir,
		FANFARE_ADMIN_KEY: key,
		FANFARE_ALLOW_HTTP: "true",
		FANFARE_ALLOW_NETWORKS: "127.0.0.0/8",
		...settings,
	};
}

/** Waits for the line that says where the server listens. `died` rejects with the last output when the process ends. */
async function started(child: ChildProcess): Promise<{ url: string; died: Promise<never> }> {
	let output = "";
	const listening = Promise.withResolvers<string>();
	child.stderr?.setEncoding("utf8").on("data", (text: string) => {
		output = (output + text).slice(-KEPT_OUTPUT);
		const url = /listens on (\S+)/.exec(output)?.[1];
		if (url !== undefined) listening.resolve(url);
	});
	const died = new Promise<never>((_, reject) => {
		child.once("exit", (code, signal) => {
			reject(new Error(`the server ended (${signal ?? `exit code ${code}`}); its last output:\n${output}`));
		});
	});
	died.catch(() => undefined); // the server also ends when it is stopped on purpose
	const timer = setTimeout(() => {
		listening.reject(new Error(`the server did not start within ${START_MS / 1_000} s; its output:\n${output}`));
	}, START_MS);
	try {
		return { url: await Promise.race([listening.promise, died]), died };
	} finally {
		clearTimeout(timer);
	}
}
