// A whole server as a process of its own, that tests talk to over HTTP and treat as badly as the world does.
import type { Serializable } from "node:child_process";
import { createServer } from "node:net";

import { Client, type CreateWebhook, type DeliveryDetail, type ProjectHandle, type Webhook } from "@fanfare/sdk";

import { eventually } from "./eventually.ts";
import { FanfareProcess, type Exit, type SpawnOptions } from "./fanfare-process.ts";
import { TemporaryDir } from "./temporary-dir.ts";

/** What each server has unless a test says otherwise: receivers on loopback may be called. */
const DEFAULTS = { FANFARE_ALLOW_HTTP: "true", FANFARE_ALLOW_NETWORKS: "127.0.0.0/8" };
/** Below the ports that the system gives to connections, so that no connection takes the port while the server is down. */
const PORTS = { from: 15_000, to: 32_000 };

export interface ServerOptions extends SpawnOptions {
	/** The caller's own, which stays; left out: one is made, and removed with the server. */
	readonly dataDir?: string;
}

/** An answer of the server. */
export interface Answer {
	readonly status: number;
	readonly headers: Headers;
	readonly text: string;
	/** The parsed body; undefined if it is not JSON. */
	readonly json: unknown;
}

/**
 * Starts a server and waits until it listens. Disposing of it kills it, if it still runs, and removes its data directory.
 *
 * @example
 * await using server = await startServerProcess({ env: { FANFARE_LOG_LEVEL: "trace" } });
 * await server.project.events.send({ type: "order.paid", data: 1 });
 * server.kill("SIGKILL");
 * await server.restart();
 */
export async function startServerProcess(options: ServerOptions = {}): Promise<ServerProcess> {
	const server = new ServerProcess(options, await freePort());
	try {
		await server.ready();
		return server;
	} catch (error) {
		await server[Symbol.asyncDispose]();
		throw error;
	}
}

export class ServerProcess implements AsyncDisposable {
	readonly dataDir: string;
	readonly port: number;
	/** An admin key: the one that the first start has printed, or that of the environment. */
	key: string;
	#projectId = "";
	#process: FanfareProcess;
	readonly #options: ServerOptions;
	readonly #ownDir: TemporaryDir | null;

	constructor(options: ServerOptions, port: number) {
		this.#options = options;
		this.port = port;
		this.#ownDir = options.dataDir === undefined ? new TemporaryDir() : null;
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

	/** Of the present run, as everything below. */
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
		if (this.#projectId === "") throw new Error("the server has not told the project's id: it is not its first start");
		return this.#projectId;
	}

	get client(): Client {
		return new Client(this.key, { endpoint: this.url });
	}

	get project(): ProjectHandle {
		return this.client.project(this.projectId);
	}

	kill(signal: NodeJS.Signals): void {
		this.#process.kill(signal);
	}

	/** Goes away as the reader of all that it prints. */
	hangUp(): void {
		this.#process.hangUp();
	}

	/** Stays, and reads nothing of its log until it ends. */
	stopReading(): void {
		this.#process.stopReading();
	}

	/** Tells the modules of `options.preload` something. */
	send(message: Serializable): void {
		this.#process.send(message);
	}

	waitForStderr(pattern: RegExp): Promise<RegExpExecArray> {
		return this.#process.waitForStderr(pattern);
	}

	/** Resolves when the present run listens; reads the key and the project of a first start. */
	async ready(): Promise<void> {
		await this.waitForStderr(/listens on .*\n/);
		this.#projectId = /^ {2}Project {4}(\S+)$/m.exec(this.stderr)?.[1] ?? this.#projectId;
		this.key = /^ {2}Admin key {2}(\S+)$/m.exec(this.stderr)?.[1] ?? this.key;
		if (this.#projectId === "") this.#projectId = (await this.client.listProjects())[0]?.id ?? "";
	}

	/** Waits for the end of the present run, and begins another on the same data and port. `ready` tells when it listens. */
	async begin(env: Readonly<Record<string, string>> = {}): Promise<void> {
		await this.exited;
		this.#process = this.#spawn(env);
	}

	/** `begin` and `ready`. */
	async restart(env: Readonly<Record<string, string>> = {}): Promise<void> {
		await this.begin(env);
		await this.ready();
	}

	/** Stops gracefully. */
	async stop(): Promise<Exit> {
		this.kill("SIGTERM");
		return this.exited;
	}

	/** One call with the key, without the SDK: `body` is sent as JSON, or as it is if it is text. */
	async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
		const response = await fetch(`${this.url}${path}`, {
			method,
			headers: { "secret-key": this.key, "content-type": "application/json", ...headers },
			...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
		});
		const text = await response.text();
		return { status: response.status, headers: response.headers, text, json: parse(text) };
	}

	/** A webhook of the first project; retries follow soon unless the spec says otherwise. */
	createWebhook(endpoint: string, spec: Partial<CreateWebhook["spec"]> = {}): Promise<Webhook> {
		const retries = { maxRetries: 3, maxRetryDelay: 50 };
		return this.project.batch.webhooks.create({ name: "test", spec: { endpoint, retries, ...spec } });
	}

	/** The one delivery of an event, with its attempts, once `isSo` of it. */
	waitForDelivery(
		eventId: string,
		isSo: (delivery: DeliveryDetail) => boolean,
		timeoutMs?: number,
	): Promise<DeliveryDetail> {
		const { deliveries } = this.project;
		const look = async () => {
			const [found] = (await deliveries.list({ eventId })).data;
			const delivery = found === undefined ? undefined : await deliveries.get(found.id);
			return delivery !== undefined && isSo(delivery) ? delivery : null;
		};
		return eventually(`the delivery of ${eventId} to be as wanted`, look, timeoutMs);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.kill("SIGKILL");
		await this.exited;
		this.#ownDir?.[Symbol.dispose]();
	}

	#spawn(env: Readonly<Record<string, string>>): FanfareProcess {
		const settings = { FANFARE_PORT: String(this.port), FANFARE_DATA_DIR: this.dataDir };
		const all = { ...DEFAULTS, ...settings, ...this.#options.env, ...env };
		return new FanfareProcess(["serve"], { ...this.#options, env: all });
	}
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
	const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
	const probe = createServer();
	const isFree = await new Promise<boolean>((resolve) => {
		probe.once("error", () => resolve(false));
		probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
	});
	return isFree ? port : freePort();
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return undefined;
	}
}
