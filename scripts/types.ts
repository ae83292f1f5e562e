// `npm run types`: checks the types of all sources and tests. The page, the portal and the documents have settings of their own.
import { fileURLToPath } from "node:url";

import { tsc } from "./built/tsc.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

for (const folder of [".", "packages/dashboard", "packages/portal", "packages/docs"]) {
	try {
		tsc(["--noEmit", "--project", `${root}${folder}`]);
	} catch {
		// The compiler has printed what it has found.
		process.exit(1);
	}
}
