// Child processes and directories that must not outlive the benchmark.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";

export class Resources implements AsyncDisposable {
	readonly #children = new Set<ChildProcess>();
	readonly #directories = new Set<string>();
	/** For an exit that can't wait for promises. */
	readonly #onExit = () => this.#removeAll();

	constructor() {
		process.on("exit", this.#onExit);
	}

	track(child: ChildProcess): void {
		this.#children.add(child);
		child.once("exit", () => this.#children.delete(child));
	}

	trackDirectory(path: string): void {
		this.#directories.add(path);
	}

	removeDirectory(path: string): void {
		rmSync(path, { recursive: true, force: true, maxRetries: 3 });
		this.#directories.delete(path);
	}

	/** Kills every child, then removes every directory. May be called twice. */
	async [Symbol.asyncDispose](): Promise<void> {
		const children = [...this.#children].filter(({ pid }) => pid !== undefined);
		const exits = children.map((child) => once(child, "exit"));
		for (const child of children) child.kill("SIGKILL");
		await Promise.all(exits);
		this.#removeAll();
		process.off("exit", this.#onExit);
	}

	#removeAll(): void {
		for (const child of this.#children) child.kill("SIGKILL");
		for (const path of this.#directories) this.removeDirectory(path);
	}
}
