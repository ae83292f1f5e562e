// A server, a folder for profiles, and the command that uses both.
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { ControlledWorld, PRELOAD } from "@fanfare/testkit/world/controlled-world";

/** What a command has printed, and how it ended. */
export interface Result {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

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
		return runFanfare(args, { env: { ...this.scriptEnv, ...env }, cwd: this.dir.join(".") });
	}

	/** Runs a command with `--json` that must succeed, and returns its objects. */
	async json(...args: readonly string[]): Promise<Record<string, unknown>[]> {
		const { code, stdout, stderr } = await this.run([...args, "--json"]);
		if (code !== 0) throw new Error(`fanfare ${args.join(" ")} exited with ${code}: ${stderr}`);
		return stdout
			.split("\n")
			.filter((line) => line !== "")
			.map((line) => JSON.parse(line) as Record<string, unknown>);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.server[Symbol.asyncDispose]();
		this.dir[Symbol.dispose]();
	}
}
