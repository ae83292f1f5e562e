// A real redis-server for benchmarks, which keeps an append-only file in a directory of its own.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { promisify } from "node:util";

import { eventually } from "../eventually.ts";
import { TemporaryDir } from "../temporary-dir.ts";
import { findRedisServer, HOW_TO_GET_REDIS } from "./find-redis.ts";
import { freePort } from "./free-port.ts";

const ANSWER_WITHIN_MS = 10_000;

const running = new Set<ChildProcess>();
process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
});

/**
 * Starts a redis-server that belongs to the caller and syncs each write before it answers. Throws if there is none: see
 * `findRedisServer`.
 *
 * @param parent the directory for its files, on the disk that is to be measured
 * @example
 * await using redis = await startRedis(tmpdir());
 * await redis.command("CONFIG SET appendfsync everysec");
 */
export async function startRedis(parent: string): Promise<RedisServer> {
	const program = findRedisServer();
	if (program === null) throw new Error(HOW_TO_GET_REDIS);
	const dir = new TemporaryDir(parent);
	const server = new RedisServer(program, dir, await freePort());
	try {
		await server.ready();
	} catch (error) {
		await server[Symbol.asyncDispose]();
		throw error;
	}
	return server;
}

export class RedisServer implements AsyncDisposable {
	readonly port: number;
	readonly #program: string;
	readonly #dir: TemporaryDir;
	readonly #process: ChildProcess;
	readonly #exited: Promise<unknown>;
	#log = "";

	constructor(program: string, dir: TemporaryDir, port: number) {
		this.port = port;
		this.#program = program;
		this.#dir = dir;
		// As BullMQ's documentation asks: a log of all writes, and no key is ever evicted.
		const settings = {
			port: String(port),
			bind: "127.0.0.1",
			dir: dir.path,
			appendonly: "yes",
			appendfsync: "always",
			save: "",
			"maxmemory-policy": "noeviction",
		};
		const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
		const child = spawn(program, args, { cwd: dir.path, stdio: ["ignore", "pipe", "pipe"] });
		const keep = (text: string) => (this.#log = (this.#log + text).slice(-20_000));
		child.stdout.setEncoding("utf8").on("data", keep);
		child.stderr.setEncoding("utf8").on("data", keep);
		child.once("error", (error) => keep(error.message));
		running.add(child);
		child.once("close", () => running.delete(child));
		this.#exited = once(child, "close").catch(() => {});
		this.#process = child;
	}

	/** The id of its process. */
	get pid(): number {
		const { pid } = this.#process;
		if (pid === undefined) throw new Error(`redis-server did not start:\n${this.#log}`);
		return pid;
	}

	/** Such as `Redis 7.0.15`. */
	async version(): Promise<string> {
		const { stdout } = await promisify(execFile)(this.#program, ["--version"]);
		return `Redis ${/v=(\S+)/.exec(stdout)?.[1] ?? "of an unknown version"}`;
	}

	/** Resolves when it answers. */
	async ready(): Promise<void> {
		await eventually("redis-server to answer", async () => {
			if (!running.has(this.#process)) throw new Error(`redis-server did not start:\n${this.#log}`);
			return (await this.command("PING").catch(() => "")) === "+PONG";
		});
	}

	/**
	 * Sends a command whose words have no spaces, on a connection of its own. Resolves with the first line of the answer; rejects if that is
	 * an error, or if there is none in ten seconds.
	 */
	command(line: string): Promise<string> {
		return new Promise((resolve, reject) => {
			const socket = connect(this.port, "127.0.0.1", () => socket.write(`${line}\r\n`));
			const end = (error: Error) => socket.destroy(error);
			socket.setTimeout(ANSWER_WITHIN_MS, () => end(new Error(`redis-server did not answer ${line}`)));
			let answer = "";
			socket.setEncoding("utf8").on("data", (text: string) => {
				answer += text;
				const [first, ...more] = answer.split("\r\n");
				if (first === undefined || more.length === 0) return;
				if (first.startsWith("-")) end(new Error(`redis-server refused ${line}: ${first.slice(1)}`));
				else {
					resolve(first);
					socket.destroy();
				}
			});
			socket.once("error", reject);
			socket.once("close", () => reject(new Error(`redis-server closed the connection of ${line}`)));
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#process.kill("SIGKILL");
		if (running.has(this.#process)) await this.#exited;
		this.#dir[Symbol.dispose]();
	}
}
