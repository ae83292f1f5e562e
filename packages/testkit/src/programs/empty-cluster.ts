// The files of a PostgreSQL server without databases, made once and copied: `initdb` takes ten times as long as a copy of what it makes.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
/** Is removed by `npm ci`. */
const CACHE = fileURLToPath(new URL("../../../../node_modules/.cache/fanfare-postgres/", import.meta.url));

/** The user and group that files belong to. */
export interface Owner {
	readonly uid: number;
	readonly gid: number;
}

/** What a server is made with. */
export interface EmptyClusterOptions {
	/** The folder of its programs. */
	readonly programs: string;
	/** Options of `initdb`. */
	readonly how: readonly string[];
	/** Null for the user of this process. */
	readonly owner: Owner | null;
}

/** Fills a folder that belongs to the owner and is empty with the files of a new server. */
export async function fillWithEmptyCluster(dataDir: string, options: EmptyClusterOptions): Promise<void> {
	const { programs, how, owner } = options;
	const initdb = join(programs, "initdb");
	// Programs of another version may be in the same folder later.
	const { stdout: version } = await run(initdb, ["--version"]);
	const made = join(
		CACHE,
		createHash("sha256")
			.update(JSON.stringify([version, how, owner]))
			.digest("hex")
			.slice(0, 16),
	);
	if (existsSync(made)) {
		await run("cp", ["-a", `${made}/.`, dataDir]);
		return;
	}
	await run(initdb, [...how, "-D", dataDir], { ...owner, cwd: dataDir });
	mkdirSync(CACHE, { recursive: true });
	const own = `${made}.${process.pid}`;
	try {
		await run("cp", ["-a", dataDir, own]);
		renameSync(own, made);
	} catch (error) {
		rmSync(own, { recursive: true, force: true });
		// Another process has made them meanwhile.
		if (!existsSync(made)) throw error;
	}
}
