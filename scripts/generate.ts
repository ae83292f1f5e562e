// `npm run generate`: writes the files that are generated from the code. With --check, writes nothing and fails if one is out of date.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { renderConfigurationDoc, VERSION } from "@fanfare/server";
import { exportOpenApiDocument, renderAccessTable } from "@fanfare/server/documents";

import { renderCauses } from "./causes.ts";
import { renderCommandDoc } from "./command-doc.ts";
import { renderGrafanaBoard } from "./grafana-board.ts";
import { renderWireTypes, type WireDocument } from "./wire-types.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const openApi = JSON.stringify(exportOpenApiDocument(VERSION), null, 2);
const files: Readonly<Record<string, string>> = {
	"docs/openapi.json": `${openApi}\n`,
	"docs/access.md": renderAccessTable(),
	"docs/configuration.md": renderConfigurationDoc(),
	"docs/command.md": await renderCommandDoc(),
	"packages/cli/src/commands/why/generated/causes.ts": renderCauses(readFileSync(`${root}docs/causes.md`, "utf8")),
	"deploy/grafana/fanfare.json": renderGrafanaBoard(),
	"packages/sdk/src/wire/generated/types.ts": renderWireTypes(JSON.parse(openApi) as WireDocument),
};

const check = process.argv.includes("--check");
const outdated: string[] = [];
for (const [path, content] of Object.entries(files)) {
	const current = existsSync(root + path) ? readFileSync(root + path, "utf8") : null;
	if (current === content) continue;
	if (check) outdated.push(path);
	else writeFileSync(root + path, content);
}
if (outdated.length > 0) {
	console.error(`out of date: ${outdated.join(", ")}. Run npm run generate and commit the result.`);
	process.exitCode = 1;
}
