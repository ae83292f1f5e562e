// A whole server in its own process. Tests use it over HTTP, send it signals, kill it and start it again.
import type { Serializable } from "node:child_process";
import { readFileSync } from "node:fs";

import { CalledServer } from "./called-server.ts";
import { FanfareProcess, type Exit, type SpawnOptions } from "./fanfare-process.ts";
import { freePort } from "./programs/free-port.ts";
import { fastParent, TemporaryDir } from "./temporary-dir.ts";

/** Default settings: the server may call receivers on loopback. */
const DEFAULTS = { FANFARE_ALLOW_HTTP: "true", FANFARE_ALLOW_NETWORKS: "127.0.0.0/8" };
const MAX_PORTS_TRIED = 3;

export interface ServerOptions extends SpawnOptions {
	/** A directory of the caller, which is kept. If omitted, one is created, and removed when the server is disposed. */
	readonly dataDir?: string;
}

/**
 * Starts a server and waits until it listens. When disposed, it is killed if it still runs, and its data directory is removed.
 *
 * @example
 * await using server = await startServerProcess({ env: { FANFARE_LOG_LEVEL: "trace" } });
 * await server.project.events.send({ type: "order.paid", data: 1 });
 * server.kill("SIGKILL");
 * await server.restart();
 */
export async function startServerProcess(options: ServerOptions = {}): Promise<ServerProcess> {
	for (let tries = 1; ; tries++) {
		const server = new ServerProcess(options, await freePort());
		try {
			await server.ready();
			return server;
		} catch (error) {
			await server[Symbol.asyncDispose]();
			// Another process may have taken the port since it was chosen.
			if (tries === MAX_PORTS_TRIED || !/^fanfare: port \d+ .* is in use/m.test(server.stderr)) throw error;
		}
	}
}

export class ServerProcess extends CalledServer implements AsyncDisposable {
	readonly dataDir: string;
	readonly port: number;
	/** An admin key: the one that the first start has generated, or `FANFARE_ADMIN_KEY`. */
	key: string;
	#projectId = "";
	#process: FanfareProcess;
	#options: ServerOptions;
	readonly #ownDir: TemporaryDir | null;

	constructor(options: ServerOptions, port: number) {
		super();
		this.#options = options;
		this.port = port;
		this.#ownDir = options.dataDir === undefined ? new TemporaryDir(fastParent()) : null;
		this.dataDir = options.dataDir ?? this.#ownDir?.join("data") ?? "";
		this.key = options.env?.["FANFARE_ADMIN_KEY"] ?? "";
		this.#process = this.#spawn({});
	}

	get url(): string {
		return `http://127.0.0.1:${this.port}`;
	}

	get pid(): number {
		return this.#process.pid;
	}

	/** How the current run ends. `pid`, `stdout` and `stderr` are also those of the current run. */
	get exited(): Promise<Exit> {
		return this.#process.exited;
	}

	get stdout(): string {
		return this.#process.stdout;
	}

	get stderr(): string {
		return this.#process.stderr;
	}

	get projectId(): string {
		if (this.#projectId === "") throw new Error("the project is not known: wait for server.ready() first");
		return this.#projectId;
	}

	kill(signal: NodeJS.Signals): void {
		this.#process.kill(signal);
	}

	/** Closes the pipes of its standard output and standard error, as a reader does that goes away. */
	hangUp(): void {
		this.#process.hangUp();
	}

	/** Reads nothing of its log until it ends, as a reader does that hangs. */
	stopReading(): void {
		this.#process.stopReading();
	}

	/** Sends a message to the modules of `options.preload`. */
	send(message: Serializable): void {
		this.#process.send(message);
	}

	waitForStderr(pattern: RegExp): Promise<RegExpExecArray> {
		return this.#process.waitForStderr(pattern);
	}

	/** Resolves when the current run listens. Reads the project that a first start prints, and the key from its file. */
	async ready(): Promise<void> {
		await this.waitForStderr(/listens on .*\n/);
		this.#projectId = /^ {2}Project {4}(\S+)$/m.exec(this.stderr)?.[1] ?? this.#projectId;
		const keyFile = /^ {2}Admin key {2}in the file (.+)$/m.exec(this.stderr)?.[1];
		// Not in a later run: a test may have deleted the file, as the message asks.
		if (keyFile !== undefined && this.key === "") this.key = readFileSync(keyFile, "utf8").trim();
		// A process that only delivers answers no such call.
		const isWorker = this.#options.env?.["FANFARE_ROLE"] === "worker";
		if (this.#projectId === "" && !isWorker) this.#projectId = (await this.client.listProjects())[0]?.id ?? "";
	}

	/** Waits for the end of the current run, and starts another on the same data and port. `ready` resolves when it listens. */
	async begin(env: Readonly<Record<string, string>> = {}): Promise<void> {
		await this.exited;
		this.#process = this.#spawn(env);
	}

	/** Runs that begin later have the sources in this directory, which `unpackRef` or `WORKING_TREE` names. */
	useCode(codeDir: string): void {
		this.#options = { ...this.#options, codeDir };
	}

	/** `begin` and `ready`. */
	async restart(env: Readonly<Record<string, string>> = {}): Promise<void> {
		await this.begin(env);
		await this.ready();
	}

	/** Stops the server gracefully, and returns how it ended. */
	async stop(): Promise<Exit> {
		this.kill("SIGTERM");
		return this.exited;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.kill("SIGKILL");
		await this.exited;
		this.#ownDir?.[Symbol.dispose]();
	}

	#spawn(env: Readonly<Record<string, string>>): FanfareProcess {
		const settings = { FANFARE_PORT: String(this.port), FANFARE_DATA_DIR: this.dataDir };
		// A setting has one place, so those of a file are not set here.
		const defaults = this.#options.env?.["FANFARE_SETTINGS_FILE"] === undefined ? DEFAULTS : {};
		const all = { ...defaults, ...settings, ...this.#options.env, ...env };
		return new FanfareProcess(["serve"], { ...this.#options, env: all });
	}
}

export type { Answer } from "./called-server.ts";
export { freePort } from "./programs/free-port.ts";
