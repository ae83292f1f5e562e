// `npm run release -- VERSION`: sets the version everywhere, builds, packs, lists what is inside, and makes the commit and the tag.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { publishCommand } from "./publishing.ts";
import { PUBLISHED, setVersion } from "./versions.ts";

const USAGE = `Usage: npm run release -- VERSION [--dry-run]

Prepares a release in a clean checkout of main: sets the version in every package, the chart and the images, dates the
changelog, runs npm run ci, builds and packs the packages into release/ with checksums and a list of what they contain (SBOM,
CycloneDX), and makes a commit and a tag. It publishes nothing; at the end it says how to.

  --dry-run   Build, pack and list, without npm run ci, commit and tag. The changed files stay: git restore . undoes them.`;

const root = fileURLToPath(new URL("../..", import.meta.url));
const out = join(root, "release");

const MAX_OUTPUT = 64 * 1_024 * 1_024;

const { values, positionals } = parseArgs({
	options: { "dry-run": { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false } },
	allowPositionals: true,
});
const [version] = positionals;
if (values.help) {
	console.log(USAGE);
} else if (version === undefined || positionals.length > 1) {
	console.error(USAGE);
	process.exitCode = 2;
} else {
	try {
		release(version, values["dry-run"]);
	} catch (error) {
		console.error(`No release: ${error instanceof Error ? error.message : String(error)}`);
		process.exitCode = 1;
	}
}

function release(next: string, isDryRun: boolean): void {
	if (read("git", "status", "--porcelain") !== "") throw new Error("the checkout has changes: commit or stash them");
	const branch = read("git", "branch", "--show-current");
	if (!isDryRun && branch !== "main") throw new Error(`a release is made on main, and this is ${branch}`);
	const tag = `v${next}`;
	if (read("git", "tag", "--list", tag) !== "") throw new Error(`the tag ${tag} exists`);
	setVersion(root, next, new Date().toISOString().slice(0, 10));
	let undo = "git restore .";
	try {
		show("npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund");
		// The API's document and the references have the version, too.
		show("npm", "run", "generate");
		if (!isDryRun) {
			show("git", "commit", "--quiet", "--all", "--message", `Release ${next}`);
			undo = "git reset --hard HEAD~1";
			show("npm", "run", "ci");
		}
		show("npm", "run", "build");
		pack(next);
		if (!isDryRun) show("git", "tag", "--annotate", tag, "--message", `Fanfare ${next}`);
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		throw new Error(`${reason}. To take back what was changed: ${undo}`, { cause: error });
	}
	console.log(`
release/ has the packages, SHA256SUMS and sbom.cdx.json. Look at them, then publish:

  git push origin main ${tag}
  ${PUBLISHED.map((name) => publishCommand(`release/${tarballOf(name)}`, next)).join("\n  ")}

--provenance works in a CI job that may ask for an identity (GitHub: "permissions: id-token: write"). Elsewhere leave it out.`);
}

/** Packs each package, and writes the checksums and the list of everything that an installation has. */
function pack(next: string): void {
	rmSync(out, { recursive: true, force: true });
	mkdirSync(out);
	for (const name of PUBLISHED)
		show("npm", "pack", "--silent", "--pack-destination", out, "--workspace", `packages/${name}`);
	const sbom = listInstallation();
	writeFileSync(join(out, "sbom.cdx.json"), `${JSON.stringify(sbom, null, 2)}\n`);
	const sums = readdirSync(out).map((file) => {
		const digest = createHash("sha256")
			.update(readFileSync(join(out, file)))
			.digest("hex");
		return `${digest}  ${file}\n`;
	});
	writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
	console.log(`packed ${next}: ${PUBLISHED.length} packages; an installation has ${sbom.components.length} packages`);
}

interface Sbom {
	readonly components: readonly { readonly externalReferences?: readonly { readonly url: string }[] }[];
}

/** What an installation of the packed packages has, as npm resolves it today. Nothing is installed. */
function listInstallation(): Sbom {
	const folder = mkdtempSync(join(tmpdir(), "fanfare-installation-"));
	try {
		writeFileSync(
			join(folder, "package.json"),
			'{ "name": "fanfare-installation", "version": "1.0.0", "private": true }\n',
		);
		const tarballs = PUBLISHED.map((name) => join(out, tarballOf(name)));
		const npm = (...args: readonly string[]) =>
			execFileSync("npm", args, { cwd: folder, encoding: "utf8", maxBuffer: MAX_OUTPUT });
		npm("install", "--package-lock-only", "--no-audit", "--no-fund", "--silent", ...tarballs);
		const sbom = JSON.parse(npm("sbom", "--sbom-format", "cyclonedx", "--package-lock-only")) as Sbom;
		// Where our own packages lie on this machine is nobody's business.
		const components = sbom.components.map(({ externalReferences = [], ...component }) => ({
			...component,
			externalReferences: externalReferences.filter(({ url }) => !url.startsWith("file:")),
		}));
		return { ...sbom, components };
	} finally {
		rmSync(folder, { recursive: true });
	}
}

function tarballOf(name: string): string {
	const { name: full, version: packed } = JSON.parse(
		readFileSync(join(root, "packages", name, "package.json"), "utf8"),
	) as {
		name: string;
		version: string;
	};
	return `${full.replace("@", "").replace("/", "-")}-${packed}.tgz`;
}

/** Runs a program, whose output is shown. */
function show(program: string, ...args: readonly string[]): void {
	console.log(`$ ${[program, ...args].join(" ")}`);
	execFileSync(program, args, { cwd: root, stdio: "inherit" });
}

/** Runs a program and returns what it prints. */
function read(program: string, ...args: readonly string[]): string {
	return execFileSync(program, args, { cwd: root, encoding: "utf8", maxBuffer: MAX_OUTPUT }).trim();
}
