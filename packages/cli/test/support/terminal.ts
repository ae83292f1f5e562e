// Runs the command in a pseudo-terminal, types into it, and reads the screen.
import { fileURLToPath } from "node:url";

import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { eventually } from "@fanfare/testkit/eventually";
import type * as Pty from "@lydell/node-pty";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** The library, or why this machine has none. */
export const pty: typeof Pty | string = await import("@lydell/node-pty").catch((error: unknown) => String(error));

/** The keys that tests press. */
export const KEYS = { enter: "\r", down: "\u001B[B", controlC: "\u0003", escape: "\u001B" } as const;

/** A command in a terminal of its own. It is killed when disposed. */
export class Terminal implements AsyncDisposable {
	/** Everything it has printed, without colours and movements of the cursor. */
	text = "";
	readonly #process: Pty.IPty;
	readonly #exited: Promise<number>;
	#hasExited = false;

	constructor(args: readonly string[], env: Readonly<Record<string, string>>, columns = 100) {
		if (typeof pty === "string") throw new Error(pty);
		this.#process = pty.spawn(process.execPath, ["--conditions=@fanfare/source", MAIN, ...args], {
			cols: columns,
			rows: 40,
			env: { PATH: process.env["PATH"] ?? "", TERM: "xterm-256color", NO_COLOR: "1", ...env },
		});
		this.#process.onData((data) => (this.text += plain(data)));
		this.#exited = new Promise((resolve) => {
			this.#process.onExit(({ exitCode }) => {
				this.#hasExited = true;
				resolve(exitCode);
			});
		});
	}

	/** Waits until the text matches, beginning at what was printed since the last key. */
	async shows(pattern: RegExp): Promise<void> {
		await eventually(
			`${pattern.source} on the terminal`,
			() => {
				if (pattern.test(this.text)) return true;
				if (this.#hasExited) throw new Error(`The command has ended before it showed ${pattern.source}:\n${this.text}`);
				return false;
			},
			DEADLINE_MS,
		);
	}

	/** Waits until the command has ended, and returns its exit code. */
	async ended(): Promise<number> {
		await eventually(`the end of the command, which shows:\n${this.text}`, () => this.#hasExited, DEADLINE_MS);
		return this.#exited;
	}

	/** Types, and forgets what was shown before. */
	type(keys: string): void {
		this.text = "";
		this.#process.write(keys);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (!this.#hasExited) this.#process.kill("SIGKILL");
		await this.#exited;
	}
}

function plain(data: string): string {
	// oxlint-disable-next-line no-control-regex -- the escape sequences of terminals
	return data.replaceAll(/\u001B\[[0-9;?]*[A-Za-z]|\u001B[()][A-Z0-9]|\r/g, "");
}
