// The installation: which parts there are, in which order they start, and how they reach each other.
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";

import { FanfareProcess } from "@fanfare/testkit/fanfare-process";
import { freePort } from "@fanfare/testkit/programs/free-port";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";

import { Address, ReadyTargets } from "./address.ts";
import { Database } from "./database.ts";
import { createNats, type NatsNodes } from "./nats.ts";
import { Part, pause, type PartEvent, type Runnable } from "./part.ts";

const ROLES = { "api-1": "api", "api-2": "api", "worker-1": "worker", "worker-2": "worker" } as const;
const WHAT = { api: "takes calls and sends", worker: "delivers" } as const;
const READY_MS = 60_000;
const LOOK_MS = 50;
/** In-flight attempts may finish; the default is 30 s. */
const GRACE_MS = 5_000;

export class Installation implements AsyncDisposable {
	/** The address of the load balancer. */
	readonly url: string;
	readonly adminKey: string;
	readonly parts: readonly Part[];
	readonly database: Database;
	/** Why there is no NATS; null if there is. */
	readonly natsIssue: string | null;
	readonly #processes: readonly Part[];
	readonly #nats: readonly Part[];
	readonly #balancer: Address;
	readonly #ready: ReadyTargets;
	readonly #dir: TemporaryDir;

	private constructor(
		database: Database,
		nats: NatsNodes,
		processes: readonly Part[],
		{ balancer, ready, dir, adminKey }: { balancer: Address; ready: ReadyTargets; dir: TemporaryDir; adminKey: string },
	) {
		this.database = database;
		this.parts = [...database.parts, ...nats.parts, ...processes];
		this.natsIssue = nats.issue;
		this.#processes = processes;
		this.#nats = nats.parts;
		this.adminKey = adminKey;
		this.url = `http://127.0.0.1:${balancer.port}`;
		this.#balancer = balancer;
		this.#ready = ready;
		this.#dir = dir;
	}

	/** Starts everything: the database and its standby first, then NATS, then the processes. `told` hears of every end and start. */
	static async start(told: (part: Part, event: PartEvent) => void): Promise<Installation> {
		const dir = new TemporaryDir();
		const database = await Database.create(told);
		await database.start();
		const nats = await createNats(told);
		await Promise.all(nats.parts.map((part) => part.start()));
		const natsUrl = nats.url();
		const adminKey = `sk_${randomBytes(32).toString("base64url")}`;
		const settings = {
			FANFARE_DATABASE_URL: await database.makeUrl(),
			...(natsUrl !== null && { FANFARE_NATS_URL: natsUrl }),
			FANFARE_MASTER_KEY: randomBytes(32).toString("base64"),
			FANFARE_ADMIN_KEY: adminKey,
			FANFARE_SHUTDOWN_GRACE_MS: String(GRACE_MS),
			FANFARE_LOG_LEVEL: "warn",
			// The receiver is on this machine and uses plain HTTP. Elsewhere, leave both unset.
			FANFARE_ALLOW_HTTP: "true",
			FANFARE_ALLOW_NETWORKS: "127.0.0.0/8",
		};
		const processes: Part[] = [];
		const apiPorts: number[] = [];
		for (const [name, role] of Object.entries(ROLES)) {
			const port = await freePort();
			if (role === "api") apiPorts.push(port);
			const env = { ...settings, FANFARE_ROLE: role, FANFARE_PORT: String(port) };
			processes.push(new Part(name, WHAT[role], new Server(env, port, dir.join(`${name}.log`)), told));
		}
		const [first, ...others] = processes;
		// The first one makes the schema; the others would wait for it anyway.
		await first?.start();
		await Promise.all(others.map((part) => part.start()));
		const ready = new ReadyTargets(apiPorts);
		await ready.one();
		const balancer = await Address.open(() => ready.next());
		return new Installation(database, nats, processes, { balancer, ready, dir, adminKey });
	}

	/** The part of this name; undefined if there is none. */
	part(name: string): Part | undefined {
		return this.parts.find((part) => part.name === name);
	}

	/** Where the logs are. */
	get logs(): string {
		return this.#dir.path;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#balancer.close();
		this.#ready.close();
		await Promise.all(this.#processes.map((part) => part.leave()));
		await Promise.all(this.#nats.map((part) => part.leave()));
		await this.database[Symbol.asyncDispose]();
		this.#dir[Symbol.dispose]();
	}
}

/** A Fanfare process. */
class Server implements Runnable {
	readonly #env: Readonly<Record<string, string>>;
	readonly #port: number;
	readonly #log: string;
	#process: FanfareProcess | null = null;

	constructor(env: Readonly<Record<string, string>>, port: number, log: string) {
		this.#env = env;
		this.#port = port;
		this.#log = log;
	}

	get pid(): number | null {
		return this.#process === null || this.#process.exit !== null ? null : this.#process.pid;
	}

	get lastWords(): string {
		const ended = this.#process;
		// What was stopped or killed has nothing to say.
		if (ended === null || ended.exit === null || ended.exit.signal !== null || ended.exit.code === 0) return "";
		return ended.stderr.trim().split("\n").slice(-5).join("\n");
	}

	async start(): Promise<void> {
		const log = openSync(this.#log, "a", 0o600);
		const started = new FanfareProcess(["serve"], { env: this.#env, stdout: log });
		closeSync(log);
		this.#process = started;
		for (const endAt = Date.now() + READY_MS; Date.now() < endAt; await pause(LOOK_MS)) {
			if (started.exit !== null) throw new Error(`a process has ended at its start:\n${started.stderr.slice(-2_000)}`);
			if (await isUp(this.#port)) return;
		}
		const seconds = READY_MS / 1_000;
		throw new Error(
			`a process does not answer ${seconds} s after its start; the machine may be too busy for all of them at once`,
		);
	}

	async stop(): Promise<void> {
		this.#process?.kill("SIGTERM");
		await this.#process?.exited;
	}
}

async function isUp(port: number): Promise<boolean> {
	try {
		const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(1_000) });
		await response.arrayBuffer();
		return response.ok;
	} catch {
		return false;
	}
}
