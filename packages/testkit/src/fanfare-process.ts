// The `fanfare` command in its own process, with only the settings that a test gives it.
import { spawn, type ChildProcessByStdio, type Serializable } from "node:child_process";
import type { Readable, Writable } from "node:stream";

import { DEADLINE_MS } from "./deadline.ts";
import { eventually } from "./eventually.ts";
import { COMPILE_CACHE } from "./programs/compile-cache.ts";
import { commandOf, WORKING_TREE } from "./programs/server-code.ts";

/** Ends the command when the test process has ended for any reason: the pipe to its standard input closes then. */
const DIE_WITH_PARENT = `data:text/javascript,${encodeURIComponent(`
	import { isMainThread } from "node:worker_threads";
	if (isMainThread) process.stdin.on("close", () => process.kill(process.pid, "SIGKILL")).resume().unref();
`)}`;
/** Variables of the test process that the command must not inherit. */
const NOT_INHERITED = /^(FANFARE|NODE|VITEST|TEST|npm)_|^(VITEST|TEST|DEV|PROD|MODE|SSR|BASE_URL)$/;

/** What `fanfare serve` sets on Linux before it starts itself again. */
const AS_SERVE_SETS = { MALLOC_ARENA_MAX: "2" };

/** How a process ended. */
export interface Exit {
	/** Null if a signal ended it. */
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
	readonly env?: Readonly<Record<string, string>>;
	readonly cwd?: string;
	/** The main file of a built command. Defaults to the sources. */
	readonly builtMain?: string;
	/** The directory of the sources, such as `unpackRef` returns. Defaults to the working tree. */
	readonly codeDir?: string;
	/** Loads each module of the working tree itself, also where tests run a bundle of them. Defaults to false. */
	readonly unbundled?: boolean;
	/** The Node that runs it. Defaults to that of the test. */
	readonly node?: string;
	/** Runs the command as this user, for which the test process must be root. */
	readonly uid?: number;
	/** The descriptor of a file that gets its standard output. Defaults to a pipe to the test. */
	readonly stdout?: number;
	/** Modules to load before the command, in each of its threads. */
	readonly preload?: readonly string[];
	/** Takes the messages that these modules send with `process.send`. Without it, `send` has no effect. */
	readonly onMessage?: (message: unknown) => void;
}

/** Only a command that hangs takes this long. Some use seconds of CPU time, of which a busy machine gives them a thirtieth. */
const COMMAND_MS = 5 * DEADLINE_MS;

const running = new Set<FanfareProcess>();

process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
});

/**
 * A `fanfare` command that runs, and all that it has printed. It is killed when disposed.
 *
 * @example
 * await using command = new FanfareProcess(["serve"], { env: { FANFARE_PORT: "0" } });
 * await command.waitForStderr(/listens on/);
 */
export class FanfareProcess implements AsyncDisposable {
	readonly exited: Promise<Exit>;
	stdout = "";
	stderr = "";
	/** How the process ended; null while it runs. */
	exit: Exit | null = null;
	readonly #child: ChildProcessByStdio<Writable, Readable | null, Readable>;

	constructor(args: readonly string[], options: SpawnOptions = {}) {
		const {
			env = {},
			cwd,
			uid,
			builtMain,
			codeDir = WORKING_TREE,
			unbundled = false,
			node = process.execPath,
			stdout = "pipe",
			preload = [],
			onMessage,
		} = options;
		// In a run of the tests, those of the working tree are loaded as a bundle: see vitest.config.ts.
		const isBundled = !unbundled && builtMain === undefined && codeDir === WORKING_TREE;
		const bundle = isBundled ? process.env["TEST_BUNDLE"] : undefined;
		const modules = [
			COMPILE_CACHE,
			...(bundle === undefined || bundle === "" ? [] : [bundle]),
			DIE_WITH_PARENT,
			...preload,
		];
		// Otherwise the modules would be loaded twice; and with a channel, which would be lost, it does not start again.
		const isSet = args[0] === "serve" && (bundle !== undefined || onMessage !== undefined);
		const imports = modules.map((module) => `--import=${module}`);
		const main = builtMain === undefined ? ["--conditions=@fanfare/source", commandOf(codeDir)] : [builtMain];
		this.#child = spawn(node, [...imports, ...main, ...args], {
			env: { ...(isSet && AS_SERVE_SETS), ...inherited(), ...env },
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
			// Not "exit": at "close", everything that the process printed has been read.
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

	/** Closes the pipes of its standard output and standard error, as a reader does that goes away. */
	hangUp(): void {
		this.#child.stdout?.destroy();
		this.#child.stderr.destroy();
	}

	/** Reads nothing of its standard output until it ends, as a reader does that hangs. */
	stopReading(): void {
		this.#child.stdout?.pause();
		this.#child.on("exit", () => this.#child.stdout?.resume());
	}

	/** Sends a message to the preloaded modules. Does nothing if the process has ended. */
	send(message: Serializable): void {
		if (this.#child.connected) this.#child.send(message, () => {});
	}

	/** Waits for `pattern` in standard error, and returns the match. Throws if the process ends before that. */
	async waitForStderr(pattern: RegExp, timeoutMs = DEADLINE_MS): Promise<RegExpExecArray> {
		return eventually(
			`${pattern.source} on standard error`,
			() => {
				const match = pattern.exec(this.stderr);
				if (match === null && this.exit !== null) {
					throw new Error(
						`fanfare ended (${JSON.stringify(this.exit)}) before it printed ${pattern.source}:\n${this.stderr}`,
					);
				}
				return match;
			},
			timeoutMs,
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.kill("SIGKILL");
		await this.exited;
	}
}

/** Runs a command to its end. A command that does not end in time is killed, and has the signal SIGKILL. */
export async function runFanfare(
	args: readonly string[],
	options: SpawnOptions & { readonly timeoutMs?: number } = {},
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
	const command = new FanfareProcess(args, options);
	const timer = setTimeout(() => command.kill("SIGKILL"), options.timeoutMs ?? COMMAND_MS);
	const exit = await command.exited;
	clearTimeout(timer);
	return { ...exit, stdout: command.stdout, stderr: command.stderr };
}

function inherited(): NodeJS.ProcessEnv {
	return Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name)));
}
