// A child process whose functions can be called: the receiver, the load generator, the floor's pump, the store writer.
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import type { CallMessage, Calls, ReplyMessage } from "./call-messages.ts";
import { givenImports } from "./given-imports.ts";
import type { Resources } from "./resources.ts";

interface Waiting {
	readonly resolve: (result: never) => void;
	readonly reject: (error: Error) => void;
}

export class Child<C extends Calls<C>> implements AsyncDisposable {
	readonly #process: ChildProcess;
	readonly #name: string;
	readonly #waiting = new Map<number, Waiting>();
	#lastId = 0;

	private constructor(process: ChildProcess, name: string) {
		this.#process = process;
		this.#name = name;
		process.on("message", (reply) => this.#settle(reply as ReplyMessage));
		process.once("exit", (code, signal) => this.#ended(signal ?? `exit code ${code}`));
	}

	/**
	 * Starts `children/<name>.ts`, which must call `serveCalls`.
	 *
	 * @example
	 * await using load = await Child.start<LoadCalls>("load", resources);
	 * await load.call("closedLoop", options);
	 */
	static async start<C extends Calls<C>>(name: string, resources: Resources): Promise<Child<C>> {
		const module = fileURLToPath(new URL(`../../children/${name}.ts`, import.meta.url));
		const process = fork(module, {
			execArgv: ["--conditions=@fanfare/source", ...givenImports()],
			serialization: "advanced",
			stdio: ["ignore", "ignore", "inherit", "ipc"],
		});
		resources.track(process);
		const child = new Child<C>(process, name);
		await once(process, "spawn");
		return child;
	}

	get pid(): number {
		const { pid } = this.#process;
		if (pid === undefined) throw new Error(`the process of ${this.#name} has not started`);
		return pid;
	}

	call<Name extends keyof C & string>(
		name: Name,
		...parameters: Parameters<C[Name]>
	): Promise<Awaited<ReturnType<C[Name]>>> {
		const id = ++this.#lastId;
		const message: CallMessage = { id, name, parameters };
		return new Promise((resolve, reject) => {
			this.#waiting.set(id, { resolve, reject });
			this.#process.send(message, (error) => {
				if (error !== null) this.#waiting.get(id)?.reject(error);
			});
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
		const exited = once(this.#process, "exit");
		this.#process.kill("SIGKILL");
		await exited;
	}

	#settle({ id, result, error }: ReplyMessage): void {
		const waiting = this.#waiting.get(id);
		this.#waiting.delete(id);
		if (error === undefined) waiting?.resolve(result as never);
		else waiting?.reject(new Error(`${this.#name}: ${error}`));
	}

	#ended(how: string): void {
		for (const { reject } of this.#waiting.values()) reject(new Error(`the process of ${this.#name} ended: ${how}`));
		this.#waiting.clear();
	}
}
