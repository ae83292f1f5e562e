// Runs the demo as a user does, in a folder for temporary files of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** A folder that the demos of a test have for temporary files. */
export class DemoHome implements AsyncDisposable {
	readonly path: string;

	private constructor(path: string) {
		this.path = path;
	}

	static async make(): Promise<DemoHome> {
		return new DemoHome(await mkdtemp(join(tmpdir(), "fanfare-demo-test-")));
	}

	/** The environment has settings that would break a server that inherited them. */
	start(...args: string[]) {
		const env = { ...process.env, TMPDIR: this.path, FANFARE_PORT: "1", FANFARE_NONSENSE: "x" };
		return spawn(process.execPath, ["--conditions=@fanfare/source", MAIN, ...args], {
			env,
			stdio: ["ignore", "pipe", "pipe"],
		});
	}

	/** Runs a demo to its end. */
	async demo(...args: string[]) {
		const child = this.start(...args);
		const [[code], output, errors] = await Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]);
		return { code: code as number | null, output, errors };
	}

	/** Retries, because a server that was killed may still be ending. */
	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.path, { recursive: true, maxRetries: 10 });
	}
}
