// `npm run build:page`: builds the page. With `--if-stale` only if its sources have changed since, and without complaint if the
// packages for development are not installed: then the server runs without it.
import { existsSync } from "node:fs";

import { buildPage, ensurePage } from "./page-build.ts";

const isForStart = process.argv.includes("--if-stale");
const canBuild = existsSync(new URL("../node_modules/vite", import.meta.url));

if (isForStart && !canBuild) console.error("The page is not built: the packages for development are not installed.");
else await (isForStart ? ensurePage(() => console.error("Building the page, which takes some seconds.")) : buildPage());
