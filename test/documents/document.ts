// Runs the commands of a document as a reader would: in one shell, in a folder of their own, with the command and the SDK of this checkout.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** A loop of a test that waits for what never comes is ended, too. */
const LONGEST_MS = 500_000;

/** A block of code of a document. */
export interface CodeBlock {
	readonly language: string;
	readonly code: string;
	/** The text before it, back to the block before. */
	readonly before: string;
}

/** The blocks of code of a document, in order. */
export function codeBlocks(document: string): CodeBlock[] {
	const source = readFileSync(join(root, document), "utf8");
	let end = 0;
	return [...source.matchAll(/^ *```(\w*)\n(.*?)^ *```$/gms)].map(
		({ 0: whole, 1: language = "", 2: code = "", index }) => {
			const before = source.slice(end, index);
			end = index + whole.length;
			return { language, code, before };
		},
	);
}

/** A folder in which a reader works. */
export class ReaderFolder implements Disposable {
	readonly #dir = new TemporaryDir();
	readonly #env: Readonly<Record<string, string>>;

	/** `env` is set for all commands. None of the caller's settings of Fanfare are. */
	constructor(env: Readonly<Record<string, string>>) {
		this.#env = env;
		symlinkSync(join(root, "node_modules"), this.#dir.join("node_modules"));
		// As `npm install` puts it there, for `npx fanfare` and for `fanfare`.
		const bin = this.#dir.join("bin");
		mkdirSync(bin);
		const fanfare = `exec "${process.execPath}" --conditions=@fanfare/source "${join(root, "packages/cli/src/main.ts")}"`;
		writeFileSync(join(bin, "fanfare"), `#!/bin/sh\n${fanfare} "$@"\n`, { mode: 0o755 });
		writeFileSync(join(bin, "npx"), `#!/bin/sh\nexec "$@"\n`, { mode: 0o755 });
		// Programs of the reader import the SDK, whose sources are not built here.
		writeFileSync(join(bin, "node"), `#!/bin/sh\nexec "${process.execPath}" --conditions=@fanfare/source "$@"\n`, {
			mode: 0o755,
		});
	}

	/** Saves a program. */
	save(name: string, code: string): void {
		writeFileSync(this.#dir.join(name), code);
	}

	/**
	 * Runs commands in one shell, which ends at the first that fails, and everything that they have begun in the background with it. Rejects
	 * with what was printed if one fails.
	 */
	async run(script: string): Promise<string> {
		const inherited = Object.entries(process.env).filter(([name]) => !/^(FANFARE|NODE|VITEST)_|^VITEST$/.test(name));
		const path = [this.#dir.join("bin"), process.env["PATH"]].join(delimiter);
		const env = { ...Object.fromEntries(inherited), ...this.#env, PATH: path };
		const whole = `set -m\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n${script}`;
		const shell = spawn("bash", ["-euc", whole], {
			cwd: this.#dir.path,
			env,
			stdio: ["ignore", "pipe", "pipe"],
			timeout: LONGEST_MS,
		});
		const ended = new Promise<number | null>((resolve) => shell.once("exit", resolve));
		const [stdout, stderr, code] = await Promise.all([text(shell.stdout), text(shell.stderr), ended]);
		if (code !== 0) throw new Error(`the commands exited with ${code}:\n${script}\n${stdout}\n${stderr}`);
		return `${stdout}${stderr}`;
	}

	[Symbol.dispose](): void {
		this.#dir[Symbol.dispose]();
	}
}
