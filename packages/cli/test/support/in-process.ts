// Runs the command inside the test's own process, which takes milliseconds. What it prints, its environment, its folder and its exit code are its
// own for as long as it runs, so one runs after the other. What needs signals, a terminal or a disk that is full needs a process: FanfareProcess.
import { runProgram } from "../../src/program.ts";

/** What a command has printed, and how it ended. */
export interface Result {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

export interface RunOptions {
	/** Besides the variables of the test process that have nothing to do with Fanfare. */
	readonly env?: Readonly<Record<string, string>>;
	readonly cwd?: string;
}

/** Thrown where the command ends the process. */
class Exited extends Error {
	readonly code: number;

	constructor(code: number) {
		super(`the command has ended with the exit code ${code}`);
		this.code = code;
	}
}

/** Variables of the test process that change what a command does. */
const NOT_INHERITED = /^(FANFARE|npm)_|^FORCE_COLOR$/;
/** Where commands add listeners, which would stay. */
const LISTENED = [
	[process, ["exit", "SIGINT", "SIGTERM", "SIGHUP"]],
	[process.stdout, ["error"]],
	[process.stderr, ["error"]],
] as const;

let last: Promise<unknown> = Promise.resolve();

/** Runs a command to its end, after those that were begun before. */
export function runInProcess(args: readonly string[], options: RunOptions = {}): Promise<Result> {
	const run = last.then(() => runNow(args, options));
	last = run.catch(() => {});
	return run;
}

async function runNow(args: readonly string[], { env = {}, cwd }: RunOptions): Promise<Result> {
	const printed = { stdout: "", stderr: "" };
	using before = new DisposableStack();
	keepEnvironment(before, env);
	keepListeners(before);
	const { exitCode } = process;
	before.defer(() => void (process.exitCode = exitCode));
	process.exitCode = undefined;
	replace(before, process, "exit", (code = process.exitCode) => {
		throw new Exited(Number(code ?? 0));
	});
	for (const name of ["stdout", "stderr"] as const) {
		replace(before, process[name], "write", (piece: string | Uint8Array) => {
			printed[name] += typeof piece === "string" ? piece : Buffer.from(piece).toString();
			return true;
		});
	}
	if (cwd !== undefined) {
		const folder = process.cwd();
		before.defer(() => process.chdir(folder));
		process.chdir(cwd);
	}
	try {
		await runProgram(args);
		return { code: codeOfProcess(), ...printed };
	} catch (error) {
		if (error instanceof Exited) return { code: error.code, ...printed };
		throw error;
	}
}

const codeOfProcess = () => Number(process.exitCode ?? 0);

/** Replaces a method until the end of the command. */
function replace<T extends object, Name extends keyof T>(
	before: DisposableStack,
	of: T,
	name: Name,
	by: T[Name],
): void {
	const own = Object.getOwnPropertyDescriptor(of, name);
	before.defer(() => {
		if (own === undefined) delete of[name];
		else Object.defineProperty(of, name, own);
	});
	of[name] = by;
}

function keepEnvironment(before: DisposableStack, env: Readonly<Record<string, string>>): void {
	const { ...variables } = process.env;
	before.defer(() => {
		for (const name of Object.keys(process.env)) if (!Object.hasOwn(variables, name)) delete process.env[name];
		Object.assign(process.env, variables);
	});
	for (const name of Object.keys(variables)) if (NOT_INHERITED.test(name)) delete process.env[name];
	Object.assign(process.env, env);
}

function keepListeners(before: DisposableStack): void {
	for (const [emitter, events] of LISTENED) {
		for (const event of events) {
			const known = new Set(emitter.rawListeners(event));
			before.defer(() => {
				for (const listener of emitter.rawListeners(event))
					if (!known.has(listener)) emitter.off(event, listener as () => void);
			});
		}
	}
}
