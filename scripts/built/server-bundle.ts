// The code of the server's package: a few files instead of hundreds. Each file that Node loads costs about a millisecond of a start.
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { build, type Metafile, type Plugin } from "esbuild";

/** Programs of threads and of a process, which the code starts by the paths of their files. */
const PROGRAMS = [
	"adapters/ajv/thread.ts",
	"adapters/sqlite/backup/copy-process.ts",
	"adapters/sqlite/thread/store-thread.ts",
	"compose/accepting/acceptor-thread.ts",
	"compose/reading/reader-thread.ts",
	"compose/sending/sender-thread.ts",
];

/** Files that the code reads. */
const SCHEMAS = [
	"adapters/sqlite/schema/migrations",
	"adapters/sqlite/schema/schema.sql",
	"adapters/postgres/schema/migrations",
];

interface Manifest {
	readonly exports: Readonly<Record<string, string | { readonly "@fanfare/source": string }>>;
}

/**
 * Bundles the sources of the package in `folder` into its `dist/`, each entry of its manifest under its name. Libraries stay outside, and what is
 * imported on demand is in files of its own. Source maps lead to the sources.
 */
export async function bundleServer(folder: string): Promise<void> {
	const src = join(folder, "src");
	const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
	const entries = Object.values(exports).flatMap((entry) =>
		typeof entry === "string" ? [] : [entry["@fanfare/source"]],
	);
	const { metafile } = await build({
		entryPoints: [...entries.map((path) => join(folder, path)), ...PROGRAMS.map((path) => join(src, path))],
		outbase: src,
		outdir: join(folder, "dist"),
		absWorkingDir: folder,
		bundle: true,
		splitting: true,
		format: "esm",
		platform: "node",
		target: "node24",
		packages: "external",
		sourcemap: true,
		// The package has the sources.
		sourcesContent: false,
		metafile: true,
		plugins: [keepPlaces(src)],
	});
	requirePlaces(metafile, folder);
	for (const path of SCHEMAS) cpSync(join(src, path), join(folder, "dist", path), { recursive: true });
}

/** Code finds files beside it by `import.meta.url`: in a bundle, it gets the address that its own file would have. */
function keepPlaces(src: string): Plugin {
	return {
		name: "keep-places",
		setup(builder) {
			builder.onLoad({ filter: /\.ts$/ }, ({ path }) => {
				const code = readFileSync(path, "utf8");
				const place = JSON.stringify(
					`./${path
						.slice(src.length + 1)
						.replaceAll("\\", "/")
						.replace(/\.ts$/, ".js")}`,
				);
				return {
					loader: "ts",
					contents: code.replaceAll("import.meta.url", `new URL(${place}, import.meta.url).href`),
				};
			});
		},
	};
}

/** These addresses are right only in the files of `dist/` itself, not in its folders. */
function requirePlaces({ outputs }: Metafile, folder: string): void {
	for (const [output, { inputs }] of Object.entries(outputs)) {
		if (/^dist\/[^/]+$/.test(output)) continue;
		const lost = Object.keys(inputs).find((path) =>
			readFileSync(join(folder, path), "utf8").includes("import.meta.url"),
		);
		if (lost !== undefined)
			throw new Error(`${lost} looks for files beside it, but only ${output} has it: import it from index.ts, too`);
	}
}
