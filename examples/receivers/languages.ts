// How to build and start the receiver of each language. What is built is kept in node_modules/.cache, out of the checkout.
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A receiver that is ready to be started. */
export interface Program {
	readonly command: string;
	readonly args: readonly string[];
}

/** A language with its receiver. */
export interface Language {
	/** The programs that must be there; none of our scripts can install them. */
	readonly needs: readonly (readonly [command: string, ...args: string[]])[];
	/** Downloads the libraries and builds the receiver. Throws if that is not possible. */
	prepare(): Promise<Program>;
}

const here = fileURLToPath(new URL(".", import.meta.url));
const cache = fileURLToPath(new URL("../../node_modules/.cache/receivers", import.meta.url));

function run(
	folder: string,
	command: string,
	args: readonly string[],
	variables: NodeJS.ProcessEnv = {},
): Promise<void> {
	return new Promise((resolve, reject) => {
		const options = { cwd: join(here, folder), maxBuffer: 16 * 1_024 * 1_024, env: { ...process.env, ...variables } };
		execFile(command, args, options, (error, stdout, stderr) => {
			if (error === null) resolve();
			else
				reject(
					new Error(`${command} ${args.join(" ")}: ${(stdout + stderr).trim().split("\n").at(-1)}`, { cause: error }),
				);
		});
	});
}

function built(folder: string): string {
	const path = join(cache, folder);
	mkdirSync(path, { recursive: true });
	return path;
}

/** In the order of the time that they need: go about 5 s, rust more than a minute. */
export const LANGUAGES: Readonly<Record<string, Language>> = {
	go: {
		needs: [["go", "version"]],
		async prepare() {
			const command = join(built("go"), "receiver");
			// As the page's program in Go is built, so that Go compiles its library once for both.
			await run("go", "go", ["build", "-o", command, "."], { CGO_ENABLED: "0" });
			return { command, args: [] };
		},
	},
	python: {
		needs: [["python3", "-c", "import venv, ensurepip"]],
		async prepare() {
			const environment = join(built("python"), "venv");
			const python = join(environment, "bin/python");
			if (!existsSync(python)) await run("python", "python3", ["-m", "venv", environment]);
			await run("python", python, [
				"-m",
				"pip",
				"install",
				"--quiet",
				"--disable-pip-version-check",
				"-r",
				"requirements.txt",
			]);
			return { command: python, args: [join(here, "python/receiver.py")] };
		},
	},
	java: {
		needs: [
			["java", "-version"],
			["mvn", "--version"],
		],
		async prepare() {
			const folder = built("java");
			const libraries = join(folder, "libraries");
			await run("java", "mvn", ["-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${libraries}`]);
			await run("java", "javac", ["-cp", join(libraries, "*"), "-d", folder, "Receiver.java"]);
			return { command: "java", args: ["-cp", [join(libraries, "*"), folder].join(delimiter), "Receiver"] };
		},
	},
	rust: {
		needs: [["cargo", "--version"]],
		async prepare() {
			const folder = built("rust");
			await run("rust", "cargo", ["build", "--quiet", "--locked", "--target-dir", folder]);
			return { command: join(folder, "debug/receiver"), args: [] };
		},
	},
};

/** What is missing to build the receiver of a language, as a sentence; null if nothing is. */
export function missingProgram({ needs }: Language): string | null {
	const missing = needs.find(([command, ...args]) => spawnSync(command, args).status !== 0);
	return missing === undefined ? null : `${missing.join(" ")} fails`;
}
