// Fanfare as an operator runs it: a process of its own, which can be killed and started again.
import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
const START_TIMEOUT_MS = 15_000;
const POLL_MS = 25;
const TAIL_LINES = 15;
const PORT_RANGE = [20_000, 32_000] as const;
const PORT_TRIES = 50;

export interface ServerSettings {
	readonly port: number;
	readonly dataDir: string;
	readonly adminKey: string;
	/** Takes everything that the server prints. */
	readonly logFile: string;
	/** Let it outlive this process. */
	readonly detached: boolean;
	/** It ended, and nobody here had killed it. */
	readonly onUnexpectedExit: (error: Error) => void;
}

/** States: down ──start──▶ starting ──ready──▶ up ──kill──▶ down; by itself it goes down with `onUnexpectedExit`. */
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

	/** Resolves when the server answers that it is ready; rejects with what happened instead. */
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

	/** Kills it with SIGKILL, as a lost machine would; resolves when it is gone. */
	async kill(): Promise<void> {
		const child = this.#child;
		if (child === null) return;
		const exited = once(child, "exit");
		this.killNow();
		await exited;
	}

	/** The same without waiting, for when this process ends. */
	killNow(): void {
		this.#child?.kill("SIGKILL");
		this.#child = null;
	}

	/** Lets this process end while the server goes on. */
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
		// Otherwise it was killed on purpose.
		if (this.#child !== child) return;
		this.#child = null;
		// Whoever starts it learns it there.
		if (this.#isReady) this.#settings.onUnexpectedExit(new Error(`The server ${how}, and not because of the demo.`));
	}
}

/**
 * A port that is free now and can be expected to stay so while the server is down: below the ranges that systems take the
 * ports of outgoing connections from, where even a client that calls the dead server could come to hold it.
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

/** The caller's environment without its settings of Fanfare, and with the demo's. */
function serverEnvironment({ port, dataDir, adminKey }: ServerSettings): NodeJS.ProcessEnv {
	const others = Object.entries(process.env).filter(([name]) => !name.startsWith("FANFARE_"));
	return {
		...Object.fromEntries(others),
		FANFARE_HOST: "127.0.0.1",
		FANFARE_PORT: String(port),
		FANFARE_DATA_DIR: dataDir,
		FANFARE_ADMIN_KEY: adminKey,
		FANFARE_LOG_LEVEL: "warn",
		// The receiver is on this machine and speaks plain HTTP. Outside of a demo, leave both unset.
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
