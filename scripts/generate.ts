// `npm run generate`: writes the files that are made from the code. With --check it writes nothing and fails if one has drifted.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { exportOpenApiDocument, renderConfigurationDoc, VERSION } from "@fanfare/server";

const root = fileURLToPath(new URL("..", import.meta.url));

const files: Readonly<Record<string, string>> = {
	"docs/openapi.json": `${JSON.stringify(exportOpenApiDocument(VERSION), null, 2)}\n`,
	"docs/configuration.md": renderConfigurationDoc(),
};

const check = process.argv.includes("--check");
const drifted: string[] = [];
for (const [path, content] of Object.entries(files)) {
	const current = existsSync(root + path) ? readFileSync(root + path, "utf8") : null;
	if (current === content) continue;
	if (check) drifted.push(path);
	else writeFileSync(root + path, content);
}
if (drifted.length > 0) {
	console.error(
		`${drifted.join(" and ")} no longer ${drifted.length === 1 ? "fits" : "fit"} the code: run npm run generate and commit.`,
	);
	process.exitCode = 1;
}
