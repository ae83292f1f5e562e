// `npm run build:page`: builds the page. With `--if-stale`, for `npm start`, the page and the site of the documents, each only if its
// sources have changed since, and without complaint if the packages for development are not installed: then the server runs without them.
import { existsSync } from "node:fs";

import { ensureDocs } from "./built/docs-build.ts";
import { buildPage, ensurePage } from "./page-build.ts";

const isForStart = process.argv.includes("--if-stale");
const canBuild = existsSync(new URL("../node_modules/vite", import.meta.url));

if (!isForStart) await buildPage();
else if (!canBuild) console.error("The page is not built: the packages for development are not installed.");
else {
	await ensurePage(() => console.error("Building the page, which takes some seconds."));
	await ensureDocs(() => console.error("Building the documents, which takes some seconds."));
}
