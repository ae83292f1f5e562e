// A server in the test's own process, over real sockets and on a real data directory. It starts in a fraction of the time that a process
// takes, which is for signals, kills and what a command prints.
import { readConfig, startServer, type RunningServer, type StartOptions } from "@fanfare/server";
import { CalledServer } from "@fanfare/testkit/called-server";
import { fastParent, TemporaryDir } from "@fanfare/testkit/temporary-dir";

const DEFAULTS = {
	FANFARE_PORT: "0",
	FANFARE_ALLOW_HTTP: "true",
	FANFARE_ALLOW_NETWORKS: "127.0.0.0/8",
	FANFARE_SENDER_THREADS: "0",
};

/** A line of the log: its level, its message as `msg`, and its fields. */
export type LogLine = Readonly<Record<string, unknown>>;

/**
 * Starts a server whose receivers may be on loopback. When disposed, it is stopped and its data is removed.
 *
 * @example
 * await using server = await startHere({ FANFARE_MAX_REPLAYS: "1" });
 * await server.project.events.send({ type: "order.paid", data: 1 });
 */
export async function startHere(
	env: Readonly<Record<string, string>> = {},
	options: StartOptions = {},
): Promise<ServerHere> {
	const dir = new TemporaryDir(fastParent());
	const log: LogLine[] = [];
	const at = (level: string) => (fields: object, msg: string) => void log.push({ level, msg, ...fields });
	const logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), fatal: at("fatal") };
	try {
		const config = readConfig({ ...DEFAULTS, FANFARE_DATA_DIR: dir.join("data"), ...env });
		return new ServerHere(await startServer(config, { logger, ...options }), dir, log);
	} catch (error) {
		dir[Symbol.dispose]();
		throw error;
	}
}

export class ServerHere extends CalledServer implements AsyncDisposable {
	readonly running: RunningServer;
	readonly url: string;
	readonly port: number;
	/** The admin key and the project of the first start. */
	readonly key: string;
	readonly projectId: string;
	readonly log: readonly LogLine[];
	readonly #dir: TemporaryDir;

	constructor(running: RunningServer, dir: TemporaryDir, log: readonly LogLine[]) {
		super();
		this.running = running;
		this.url = running.url;
		this.port = Number(new URL(running.url).port);
		this.key = running.firstStart?.secretKey ?? "";
		this.projectId = running.firstStart?.project.id ?? "";
		this.log = log;
		this.#dir = dir;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.running.stop();
		this.#dir[Symbol.dispose]();
	}
}
