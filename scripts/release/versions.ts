// The places that have the version of Fanfare, and the changelog: reads them, and sets them in step.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The folders of the packages that are published, in the order of their dependencies. */
export const PUBLISHED = ["sdk", "portal", "server", "cli"] as const;

/** Semantic Versioning 2.0.0, without build metadata: npm drops that. */
const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

/** A text in a file, with the version as its only group. */
interface Place {
	readonly file: string;
	readonly pattern: RegExp;
}

const FIXED: readonly Place[] = [
	{ file: "README.md", pattern: /This is version ([^;\s]+);/g },
	{ file: "docs/deploying.md", pattern: /\bfanfare:(\d\S*)/g },
	{ file: "packages/cli/test/commands.test.ts", pattern: /stdout: "(\d[^"\\]*)\\n"/g },
	{ file: "packages/sdk/src/version.ts", pattern: /VERSION = "([^"]+)"/g },
	{ file: "deploy/docker/compose.yaml", pattern: /image: fanfare:(\S+)/g },
	{ file: "deploy/kubernetes/fanfare.yaml", pattern: /image: fanfare:(\S+)/g },
	{ file: "deploy/helm/fanfare/Chart.yaml", pattern: /^(?:version|appVersion): "?([^"\s]+)"?$/gm },
];
/** The version of a workspace, and those of the workspaces that it needs. */
const IN_MANIFEST = /"(?:version|@fanfare\/[a-z-]+|fanfare)": "(\d[^"]*)"/g;
/** The newest section of the changelog, such as `## 0.2.0 – unreleased`. */
const NEWEST_SECTION = /^## (\S+) – (.+)$/m;

/** Where the checkout at `root` has the version, and which. */
export function versionPlaces(root: string): readonly { readonly file: string; readonly version: string }[] {
	return places(root).flatMap(({ file, pattern }) => {
		const found = [...readFileSync(join(root, file), "utf8").matchAll(pattern)].map(([, version = ""]) => version);
		if (found.length === 0) throw new Error(`${file} has no version`);
		return found.map((version) => ({ file, version }));
	});
}

/**
 * Puts a version into every place, and the date into the changelog, whose newest section must be of this version and `unreleased`.
 * Changes nothing if something is wrong; throws a sentence that says what.
 *
 * @example
 * setVersion(root, "0.3.0", "2027-01-31");
 */
export function setVersion(root: string, version: string, date: string): void {
	if (!SEMVER.test(version)) throw new Error(`"${version}" is no version such as 1.2.3 or 1.2.3-rc.1`);
	const changelog = readFileSync(join(root, "CHANGELOG.md"), "utf8");
	const [heading, newest, state] = NEWEST_SECTION.exec(changelog) ?? [];
	if (heading === undefined || newest !== version || state !== "unreleased") {
		throw new Error(
			`the newest section of CHANGELOG.md must be "## ${version} – unreleased", and is "${heading ?? "missing"}": write what has changed first`,
		);
	}
	// Each place is read before the first one is written.
	versionPlaces(root);
	for (const { file, pattern } of places(root)) {
		const text = readFileSync(join(root, file), "utf8");
		const next = text.replaceAll(pattern, (found: string, old: string) => found.replace(old, () => version));
		writeFileSync(join(root, file), next);
	}
	writeFileSync(join(root, "CHANGELOG.md"), changelog.replace(heading, `## ${version} – ${date}`));
}

function places(root: string): readonly Place[] {
	const { workspaces } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { workspaces: string[] };
	const manifests = globSync(
		workspaces.map((folder) => `${folder}/package.json`),
		{ cwd: root },
	).toSorted();
	return [...["package.json", ...manifests].map((file) => ({ file, pattern: IN_MANIFEST })), ...FIXED];
}
