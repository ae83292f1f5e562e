// `node deploy/docker/gather.mjs FOLDER`: copies what runs the server, and nothing else, from the built checkout into a folder.
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [target] = process.argv.slice(2);
if (target === undefined) throw new Error("expected the folder to copy to");
const root = fileURLToPath(new URL("../..", import.meta.url));

mkdirSync(target, { recursive: true });
// Libraries, and a link to each of the packages.
cpSync(join(root, "node_modules"), join(target, "node_modules"), { recursive: true, verbatimSymlinks: true });
for (const name of ["sdk", "server", "cli"]) {
	for (const part of ["package.json", "LICENSE", "dist"]) {
		cpSync(join(root, "packages", name, part), join(target, "packages", name, part), { recursive: true });
	}
	// Libraries that another package needs in another version.
	const own = join("packages", name, "node_modules");
	if (readdirSync(join(root, "packages", name)).includes("node_modules")) {
		cpSync(join(root, own), join(target, own), { recursive: true, verbatimSymlinks: true });
	}
}
cpSync(join(root, "deploy/docker/healthy.mjs"), join(target, "healthy.mjs"));
