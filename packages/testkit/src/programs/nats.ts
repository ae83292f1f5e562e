// A real nats-server for tests: with users that may use the subjects of Fanfare and no others, as docs/nats.md says.
import { spawn, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";

import { eventually } from "../eventually.ts";
import { TemporaryDir } from "../temporary-dir.ts";
import { needNatsServer } from "./find-nats.ts";
import { freePort } from "./free-port.ts";

export { natsIssue } from "./find-nats.ts";

/** What docs/nats.md says about the subjects of the prefix `fanfare`. */
export const NATS_PERMISSIONS = [
	'publish = ["fanfare.beats", "fanfare.signals", "fanfare.hints.*"]',
	'subscribe = ["fanfare.beats", "fanfare.signals", "fanfare.hints.*"]',
];
const USER = { name: "fanfare_app", password: "of-tests-alone" };
/** May do everything, for tests that listen in or send what nobody should. */
const ANYBODY = { name: "anybody", password: "of-tests-too" };
const USERS = [
	"authorization {",
	`	users = [${userLine(USER, `, permissions = { ${NATS_PERMISSIONS.join(", ")} }`)}, ${userLine(ANYBODY, "")}]`,
	"}",
];
const MAX_STARTS = 3;

const running = new Set<ChildProcess>();
process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
});

export interface NatsOptions {
	/** More lines of the configuration, such as `max_payload = 65536`. */
	readonly settings?: readonly string[];
	/** Lines that say who may sign in, instead of the users of `url` and `openUrl`. */
	readonly users?: readonly string[];
}

/**
 * Starts a nats-server that belongs to the test. Throws if there is none: see `natsIssue`.
 *
 * @example
 * await using nats = await startNats();
 * const { url } = nats; // nats://fanfare_app:…@127.0.0.1:…
 */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
	const server = new NatsServer(options);
	try {
		await server.start();
	} catch (error) {
		await server[Symbol.asyncDispose]();
		throw error;
	}
	return server;
}

/** Tests stop it, suspend it and start it again, always without what it had before. */
export class NatsServer implements AsyncDisposable {
	readonly #program: string;
	readonly #dir = new TemporaryDir();
	readonly #settings: readonly string[];
	#users: readonly string[];
	#port = 0;
	#process: ChildProcess | null = null;
	#exited: Promise<void> = Promise.resolve();
	#log = "";

	/** Prepares the server. Throws if there is none. */
	constructor({ settings = [], users = USERS }: NatsOptions = {}) {
		this.#program = needNatsServer();
		this.#settings = settings;
		this.#users = users;
	}

	/** The id of its process; null while it is down. */
	get pid(): number | null {
		return this.#process?.pid ?? null;
	}

	/** For Fanfare: a user with the permissions that it needs, and no others. */
	get url(): string {
		return this.#urlOf(USER);
	}

	/** For a user who may do everything. */
	get openUrl(): string {
		return this.#urlOf(ANYBODY);
	}

	/** Starts the server and waits until it takes connections: at the port that it had before, or else at a free one. */
	async start(): Promise<void> {
		for (let starts = 1; ; starts++) {
			const isFirst = this.#port === 0;
			if (isFirst) this.#port = await freePort();
			this.#spawn();
			if (await this.#isReady()) return;
			// Another process may have taken the port since it was chosen.
			const isTaken = isFirst && this.#log.includes("address already in use");
			if (isFirst) this.#port = 0;
			if (!isTaken || starts === MAX_STARTS) throw new Error(`nats-server did not start:\n${this.#log}`);
		}
	}

	/** Ends the server at once. What it had not passed on is lost. */
	async kill(): Promise<void> {
		this.#process?.kill("SIGKILL");
		await this.#exited;
	}

	/** Changes who may sign in, and for what, while it runs. Connections stay open. */
	allow(users: readonly string[]): void {
		this.#users = users;
		this.#writeConfig();
		this.#process?.kill("SIGHUP");
	}

	/** It stands still until `resume`. */
	suspend(): void {
		this.#process?.kill("SIGSTOP");
	}

	resume(): void {
		this.#process?.kill("SIGCONT");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.kill();
		this.#dir[Symbol.dispose]();
	}

	#urlOf({ name, password }: typeof USER): string {
		return `nats://${name}:${password}@127.0.0.1:${this.#port}`;
	}

	#writeConfig(): string {
		const file = this.#dir.join("nats.conf");
		const lines = [`listen = "127.0.0.1:${this.#port}"`, ...this.#settings, ...this.#users];
		writeFileSync(file, `${lines.join("\n")}\n`);
		return file;
	}

	#spawn(): void {
		const file = this.#writeConfig();
		this.#log = "";
		const child = spawn(this.#program, ["--config", file], {
			cwd: this.#dir.path,
			stdio: ["ignore", "ignore", "pipe"],
		});
		running.add(child);
		this.#process = child;
		child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#log = (this.#log + text).slice(-20_000)));
		this.#exited = new Promise((resolve) => {
			child.once("error", (error) => {
				this.#log += error.message;
			});
			child.once("close", () => {
				running.delete(child);
				this.#process = null;
				resolve();
			});
		});
	}

	/** Whether it takes connections; false if it has ended. */
	async #isReady(): Promise<boolean> {
		const end = await eventually("nats-server to take connections", async () => {
			if (this.#process === null) return "ended";
			return (await answers(this.#port)) ? "ready" : null;
		});
		return end === "ready";
	}
}

function userLine({ name, password }: typeof USER, more: string): string {
	return `{ user = ${name}, password = "${password}"${more} }`;
}

/** Whether something at this port begins as NATS does. */
function answers(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, "127.0.0.1");
		socket.once("data", (data) => {
			resolve(data.toString("latin1").startsWith("INFO "));
			socket.destroy();
		});
		socket.once("error", () => resolve(false));
		socket.once("close", () => resolve(false));
	});
}
