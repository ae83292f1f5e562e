// A server, a folder for profiles, and the command that uses both.
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { ControlledWorld, PRELOAD } from "@fanfare/testkit/world/controlled-world";

import { runInProcess, type Result } from "./in-process.ts";

/** The parts of a command line in a template: words between spaces, words in quotes, and values, each of which is a word or a list of words. */
type Values = readonly (string | readonly string[])[];

/** A server, and commands that are logged in to it. */
export class World implements AsyncDisposable {
	readonly server: ServerProcess;
	readonly dir = new TemporaryDir();

	private constructor(server: ServerProcess) {
		this.server = server;
	}

	/** `env` has settings of the server. */
	static async start(env: Readonly<Record<string, string>> = {}): Promise<World> {
		return new World(await startServerProcess({ env }));
	}

	/** A server whose clock is ahead of that of the commands. */
	static async startAhead(ms: number): Promise<World> {
		const clock = new ControlledWorld();
		clock.offsetMs = ms;
		return new World(
			await startServerProcess({ preload: [PRELOAD], onMessage: clock.onMessage, env: { ...clock.env } }),
		);
	}

	/** The environment of a script: a key, and no profile. */
	get scriptEnv(): Record<string, string> {
		return {
			...this.profileEnv,
			FANFARE_URL: this.server.url,
			FANFARE_KEY: this.server.key,
			FANFARE_PROJECT: this.server.project.id,
		};
	}

	/** The environment of a person: profiles, and no key. */
	get profileEnv(): Record<string, string> {
		// CI runs on slow and loaded machines.
		return { FANFARE_CONFIG_DIR: this.dir.join("config"), FANFARE_TIMEOUT: "10m" };
	}

	/** Runs a command as a script does. */
	async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Result> {
		return runInProcess(args, { env: { ...this.scriptEnv, ...env }, cwd: this.dir.join(".") });
	}

	/** The same for a command line in a template. */
	readonly sh = (line: TemplateStringsArray, ...values: Values): Promise<Result> => this.run(words(line, values));

	/** Runs a command with `--json` that must succeed, and returns its objects. */
	readonly json = async (line: TemplateStringsArray, ...values: Values): Promise<Record<string, unknown>[]> => {
		const args = words(line, values);
		const { code, stdout, stderr } = await this.run([...args, "--json"]);
		if (code !== 0) throw new Error(`fanfare ${args.join(" ")} exited with ${code}: ${stderr}`);
		return objectsIn(stdout);
	};

	/** The same for a command that prints one object. */
	readonly one = async (line: TemplateStringsArray, ...values: Values): Promise<Record<string, unknown>> => {
		const [object, ...others] = await this.json(line, ...values);
		if (object === undefined || others.length > 0) throw new Error("the command has not printed one object");
		return object;
	};

	/** The id in what a command with `--quiet` prints. */
	readonly id = async (line: TemplateStringsArray, ...values: Values): Promise<string> => {
		const { code, stdout, stderr } = await this.run([...words(line, values), "--quiet"]);
		if (code !== 0) throw new Error(`${line.join("…")} exited with ${code}: ${stderr}`);
		return stdout.trim();
	};

	async [Symbol.asyncDispose](): Promise<void> {
		await this.server[Symbol.asyncDispose]();
		this.dir[Symbol.dispose]();
	}
}

/** The JSON objects in lines of text. */
export function objectsIn(text: string): Record<string, unknown>[] {
	return linesIn(text).map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The lines of a text, without empty ones. */
export function linesIn(text: string): string[] {
	return text.split("\n").filter((line) => line !== "");
}

/** `webhooks create ${url} --name 'a b'` as arguments. */
function words(line: TemplateStringsArray, values: Values): string[] {
	return line.flatMap((text, index) => {
		const plain = text.match(/'[^']*'|[^\s']+/g)?.map((word) => word.replaceAll("'", "")) ?? [];
		return [...plain, ...(index < values.length ? [values[index] ?? ""].flat() : [])];
	});
}
