// Fanfare as an operator runs it: in its own process, which the demo kills and starts again.
import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 25;
const TAIL_LINES = 15;
const PORT_RANGE = [20_000, 32_000] as const;
const PORT_TRIES = 50;

export interface ServerSettings {
	readonly port: number;
	readonly dataDir: string;
	readonly adminKey: string;
	/** The file for everything that the server prints. */
	readonly logFile: string;
	/** Whether the server may outlive this process. */
	readonly detached: boolean;
	/** Called when the server ends without having been killed by the demo. */
	readonly onUnexpectedExit: (error: Error) => void;
}

/** States: down ──start──▶ starting ──ready──▶ up ──kill──▶ down. If it goes down by itself, `onUnexpectedExit` is called. */
export class ServerProcess {
	readonly url: string;
	readonly #settings: ServerSettings;
	#child: ChildProcess | null = null;
	#isReady = false;

	constructor(settings: ServerSettings) {
		this.#settings = settings;
		this.url = `http://127.0.0.1:${settings.port}`;
	}

	get pid(): number | undefined {
		return this.#child?.pid;
	}

	/** Resolves when the server is ready. Rejects if it does not become ready. */
	async start(): Promise<void> {
		if (this.#child !== null) throw new Error("the server is running already");
		const log = openSync(this.#settings.logFile, "a", 0o600);
		const child = spawn(process.execPath, ["--conditions=@fanfare/source", COMMAND, "serve"], {
			env: serverEnvironment(this.#settings),
			stdio: ["ignore", log, log],
			detached: this.#settings.detached,
		});
		closeSync(log);
		this.#child = child;
		child.once("error", (error) => this.#ended(child, error.message));
		child.once("exit", (code, signal) => this.#ended(child, `ended with ${signal ?? `exit code ${code}`}`));
		await this.#ready(child);
	}

	/** Kills the server with SIGKILL, and resolves when it has ended. */
	async kill(): Promise<void> {
		const child = this.#child;
		if (child === null) return;
		const exited = once(child, "exit");
		this.killNow();
		await exited;
	}

	/** Kills the server without waiting, for when this process ends. */
	killNow(): void {
		this.#child?.kill("SIGKILL");
		this.#child = null;
	}

	/** Lets this process end while the server keeps running. */
	unref(): void {
		this.#child?.unref();
	}

	/** The last lines that the server printed. */
	logTail(): string[] {
		try {
			return readFileSync(this.#settings.logFile, "utf8").trimEnd().split("\n").filter(Boolean).slice(-TAIL_LINES);
		} catch {
			return [];
		}
	}

	async #ready(child: ChildProcess): Promise<void> {
		this.#isReady = false;
		const deadline = Date.now() + START_TIMEOUT_MS;
		while (this.#child === child && Date.now() < deadline) {
			if (await answersReady(this.url)) {
				this.#isReady = true;
				return;
			}
			await sleep(POLL_MS);
		}
		if (this.#child !== child) throw new Error(`The server at ${this.url} did not start; its last lines are below.`);
		throw new Error(`The server at ${this.url} was not ready within ${START_TIMEOUT_MS / 1_000} s.`);
	}

	#ended(child: ChildProcess, how: string): void {
		// If it is another child or none, this one was killed on purpose.
		if (this.#child !== child) return;
		this.#child = null;
		// During a start, start() reports it.
		if (this.#isReady) this.#settings.onUnexpectedExit(new Error(`The server ${how}, but the demo did not end it.`));
	}
}

/**
 * A port that is free now and stays free while the server is down: it is below the range of outgoing connections, from which
 * even a client that calls the stopped server could get it.
 */
export async function freePort(): Promise<number> {
	for (let left = PORT_TRIES; left > 0; left--) {
		const port = randomInt(...PORT_RANGE);
		if (await isFree(port)) return port;
	}
	throw new Error(`None of ${PORT_TRIES} ports between ${PORT_RANGE.join(" and ")} was free.`);
}

async function isFree(port: number): Promise<boolean> {
	const probe = createServer();
	try {
		await once(probe.listen(port, "127.0.0.1"), "listening");
	} catch {
		return false;
	}
	await once(probe.close(), "close");
	return true;
}

/** The caller's environment, with the demo's settings in place of the caller's `FANFARE_*` variables. */
function serverEnvironment({ port, dataDir, adminKey }: ServerSettings): NodeJS.ProcessEnv {
	const others = Object.entries(process.env).filter(([name]) => !name.startsWith("FANFARE_"));
	return {
		...Object.fromEntries(others),
		FANFARE_HOST: "127.0.0.1",
		FANFARE_PORT: String(port),
		FANFARE_DATA_DIR: dataDir,
		FANFARE_ADMIN_KEY: adminKey,
		FANFARE_LOG_LEVEL: "warn",
		// The receiver is on this machine and uses plain HTTP. Outside of a demo, leave both unset.
		FANFARE_ALLOW_HTTP: "true",
		FANFARE_ALLOW_NETWORKS: "127.0.0.0/8",
	};
}

async function answersReady(url: string): Promise<boolean> {
	try {
		const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1_000) });
		await response.arrayBuffer();
		return response.ok;
	} catch {
		return false;
	}
}
