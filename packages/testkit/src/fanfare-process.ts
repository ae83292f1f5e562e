// The `fanfare` command as a process of its own, with an environment that holds nothing but what a test says.
import { spawn, type ChildProcessByStdio, type Serializable } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

import { eventually } from "./eventually.ts";

const MAIN = fileURLToPath(new URL("../../cli/src/main.ts", import.meta.url));
/** Ends the command with the test process, however that dies: the pipe to its standard input closes then. */
const DIE_WITH_PARENT = `data:text/javascript,${encodeURIComponent(`
	import { isMainThread } from "node:worker_threads";
	if (isMainThread) process.stdin.on("close", () => process.kill(process.pid, "SIGKILL")).resume().unref();
`)}`;
/** Halves the time of a start; written by each command that ends by itself. */
const COMPILE_CACHE = fileURLToPath(new URL("../../../node_modules/.cache/fanfare-tests", import.meta.url));
/** What the test process has in its environment and the command must not. */
const NOT_INHERITED = /^(FANFARE|NODE|VITEST|TEST|npm)_|^(VITEST|TEST|DEV|PROD|MODE|SSR|BASE_URL)$/;

/** How a process ended. */
export interface Exit {
	/** Null if a signal ended it. */
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
	readonly env?: Readonly<Record<string, string>>;
	readonly cwd?: string;
	/** The command's main file in a build, in place of the sources. */
	readonly builtMain?: string;
	/** Runs it as this user, which only root can. */
	readonly uid?: number;
	/** Where its standard output goes instead of to the test: the descriptor of a file. */
	readonly stdout?: number;
	/** Modules that are loaded before the command, in each of its threads. */
	readonly preload?: readonly string[];
	/** Takes what those modules say with `process.send`; with it, they can be told something by `send`. */
	readonly onMessage?: (message: unknown) => void;
}

const running = new Set<FanfareProcess>();

process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
});

/** A `fanfare` command under way, and all that it has printed. */
export class FanfareProcess {
	readonly exited: Promise<Exit>;
	stdout = "";
	stderr = "";
	/** How it ended; null while it runs. */
	exit: Exit | null = null;
	readonly #child: ChildProcessByStdio<Writable, Readable | null, Readable>;

	constructor(args: readonly string[], options: SpawnOptions = {}) {
		const { env = {}, cwd, uid, builtMain, stdout = "pipe", preload = [], onMessage } = options;
		const imports = [DIE_WITH_PARENT, ...preload].map((module) => `--import=${module}`);
		const main = builtMain === undefined ? ["--conditions=@fanfare/source", MAIN] : [builtMain];
		this.#child = spawn(process.execPath, [...imports, ...main, ...args], {
			env: { ...inherited(), NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
			stdio: ["pipe", stdout, "pipe", ...(onMessage === undefined ? [] : ["ipc" as const])],
			...(cwd !== undefined && { cwd }),
			...(uid !== undefined && { uid, gid: uid }),
		}) as ChildProcessByStdio<Writable, Readable | null, Readable>;
		if (onMessage !== undefined) this.#child.on("message", onMessage);
		running.add(this);
		this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
		this.#child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
		this.exited = new Promise((resolve, reject) => {
			this.#child.on("error", reject);
			// Not "exit": only now has everything that it printed been read.
			this.#child.on("close", (code, signal) => {
				running.delete(this);
				this.exit = { code, signal };
				resolve(this.exit);
			});
		});
		this.exited.catch(() => running.delete(this));
	}

	get pid(): number {
		if (this.#child.pid === undefined) throw new Error("the process was not started");
		return this.#child.pid;
	}

	kill(signal: NodeJS.Signals): void {
		this.#child.kill(signal);
	}

	/** Goes away as the reader of all that it prints. */
	hangUp(): void {
		this.#child.stdout?.destroy();
		this.#child.stderr.destroy();
	}

	/** Stays, and reads nothing of its standard output until it ends. */
	stopReading(): void {
		this.#child.stdout?.pause();
		this.#child.on("exit", () => this.#child.stdout?.resume());
	}

	/** Tells the preloaded modules something; nothing happens if the process is gone. */
	send(message: Serializable): void {
		if (this.#child.connected) this.#child.send(message, () => {});
	}

	/** The match of `pattern` in standard error, once it is there; throws if the process ends before. */
	async waitForStderr(pattern: RegExp, timeoutMs = 20_000): Promise<RegExpExecArray> {
		return eventually(
			`${pattern.source} on standard error`,
			() => {
				const match = pattern.exec(this.stderr);
				if (match === null && this.exit !== null) {
					throw new Error(
						`fanfare ended (${JSON.stringify(this.exit)}) before it said ${pattern.source}:\n${this.stderr}`,
					);
				}
				return match;
			},
			timeoutMs,
		);
	}
}

/** Runs a command to its end. One that does not end in time is killed, which its `signal` shows. */
export async function runFanfare(
	args: readonly string[],
	options: SpawnOptions & { readonly timeoutMs?: number } = {},
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
	const command = new FanfareProcess(args, options);
	const timer = setTimeout(() => command.kill("SIGKILL"), options.timeoutMs ?? 20_000);
	const exit = await command.exited;
	clearTimeout(timer);
	return { ...exit, stdout: command.stdout, stderr: command.stderr };
}

function inherited(): NodeJS.ProcessEnv {
	return Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name)));
}
