// A folder in the server's package that is built from sources: built once for all who need it at the same time, and again when they change.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("../..", import.meta.url));
const HASH_FILE = "sources.sha256";
/** Smaller files are not worth a second copy. */
const MIN_COMPRESSED_BYTES = 512;
const LOOK_EVERY_MS = 100;

/** What is built, and how. Paths are relative to the repository. */
export interface BuiltFolderOptions {
	/** The finished folder. */
	readonly folder: string;
	/** Patterns of all files that the result depends on. Tests among them do not count. */
	readonly sources: readonly string[];
	/** The script that builds it. */
	readonly script: string;
	/** Writes the files into a new folder. */
	readonly write: (folder: string) => Promise<void>;
	/** Patterns of the files that get compressed copies. */
	readonly compressed: readonly string[];
}

/**
 * A folder that is built from sources.
 *
 * @example
 * await new BuiltFolder({ folder: "packages/server/dist/page", sources, script, write, compressed }).ensure();
 */
export class BuiltFolder {
	readonly #options: BuiltFolderOptions;
	readonly #folder: string;
	readonly #lock: string;

	constructor(options: BuiltFolderOptions) {
		this.#options = options;
		this.#folder = join(root, options.folder);
		this.#lock = `${this.#folder}.lock`;
	}

	/** Builds it, unless it was built from exactly these sources. Processes that call this at the same time wait for one build. */
	async ensure(onBuild = () => {}): Promise<void> {
		while (!this.#isBuiltFromSources()) {
			using lock = this.#takeLock();
			if (lock === null) await this.#otherBuild();
			else if (!this.#isBuiltFromSources()) {
				onBuild();
				// In a process of its own: Vite reads the variables of the process, and those of a test are not meant for it.
				await promisify(execFile)(process.execPath, [join(root, this.#options.script)], {
					env: { PATH: process.env["PATH"] },
				});
			}
		}
	}

	/** Builds it anew, and puts the finished folder in place as a whole. */
	async build(): Promise<void> {
		const hash = this.#hashOfSources();
		const fresh = `${this.#folder}.new`;
		rmSync(fresh, { recursive: true, force: true });
		await this.#options.write(fresh);
		for (const name of globSync(this.#options.compressed, { cwd: fresh })) compress(join(fresh, name));
		writeFileSync(join(fresh, HASH_FILE), hash);
		rmSync(this.#folder, { recursive: true, force: true });
		renameSync(fresh, this.#folder);
	}

	/** Whether it was built from the sources as they are now: they may change while it is built. */
	#isBuiltFromSources(): boolean {
		const path = join(this.#folder, HASH_FILE);
		return existsSync(path) && readFileSync(path, "utf8") === this.#hashOfSources();
	}

	/** Waits until the process that builds it has ended or is done. */
	async #otherBuild(): Promise<void> {
		do await delay(LOOK_EVERY_MS);
		while (existsSync(this.#lock) && isAlive(this.#lock));
	}

	#hashOfSources(): string {
		const hash = createHash("sha256");
		const entries = globSync(this.#options.sources, { cwd: root, withFileTypes: true });
		const files = entries.filter((entry) => entry.isFile());
		const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
		for (const path of paths.filter((path) => !/\.test\.tsx?$/.test(path))) {
			hash.update(path.slice(root.length)).update("\0").update(readFileSync(path)).update("\0");
		}
		return hash.digest("hex");
	}

	/** A file with the id of the process that builds. Null if another process has it; that of a process that has ended is removed. */
	#takeLock(): Disposable | null {
		const lock = this.#lock;
		mkdirSync(dirname(lock), { recursive: true });
		try {
			writeFileSync(lock, String(process.pid), { flag: "wx" });
			return { [Symbol.dispose]: () => rmSync(lock, { force: true }) };
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
			if (!isAlive(lock)) rmSync(lock, { force: true });
			return null;
		}
	}
}

function compress(path: string): void {
	const bytes = readFileSync(path);
	if (bytes.length < MIN_COMPRESSED_BYTES) return;
	const size = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
	writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: size }));
	writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
}

function isAlive(lock: string): boolean {
	try {
		const pid = Number.parseInt(readFileSync(lock, "utf8"), 10);
		// Not written yet, or just removed.
		if (!Number.isInteger(pid)) return true;
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code !== "ESRCH";
	}
}
