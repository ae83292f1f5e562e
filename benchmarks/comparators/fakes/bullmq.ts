// Stands in for the package `bullmq` in tests, with the fake of redis-server.
import { appendFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

interface Options {
	readonly connection: { readonly host: string; readonly port: number };
}

appendFileSync(process.env["FAKES_LOG"] ?? "/dev/null", `${process.pid}\n`);

abstract class Connected {
	protected readonly socket: Socket;

	constructor({ connection }: Options) {
		this.socket = connect(connection.port, connection.host);
		createInterface({ input: this.socket }).on("line", (line) => this.take(line));
	}

	/** Errors end the process, as without a listener. */
	on(): void {}

	async waitUntilReady(): Promise<void> {}

	protected abstract take(line: string): void;
}

export class Queue extends Connected {
	readonly #waiting: (() => void)[] = [];

	constructor(_: string, options: Options) {
		super(options);
	}

	add(_: string, data: object): Promise<void> {
		this.socket.write(`PUSH ${JSON.stringify(data)}\r\n`);
		return new Promise((resolve) => this.#waiting.push(resolve));
	}

	async addBulk(jobs: readonly { readonly name: string; readonly data: object }[]): Promise<void> {
		await Promise.all(jobs.map(({ name, data }) => this.add(name, data)));
	}

	protected take(): void {
		this.#waiting.shift()?.();
	}
}

export class Worker extends Connected {
	readonly #work: (job: { readonly data: unknown }) => Promise<void>;

	constructor(_: string, work: (job: { readonly data: unknown }) => Promise<void>, options: Options) {
		super(options);
		this.#work = work;
		this.socket.write("TAKE\r\n");
	}

	protected take(line: string): void {
		if (line !== "+OK") void this.#work({ data: JSON.parse(line) });
	}
}
