import { existsSync, globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

const SOURCES = fileURLToPath(new URL("..", import.meta.url));

it("the styles have those of each component of Mantine that the page uses", () => {
	const files = globSync("**/*.tsx", { cwd: SOURCES }).map((name) => readFileSync(`${SOURCES}/${name}`, "utf8"));
	const imports = files.flatMap((text) => [...text.matchAll(/import \{([^}]*)\} from "@mantine\/core";/g)]);
	const used = new Set(imports.flatMap(([, names = ""]) => names.split(",").map((name) => name.trim())));
	const folder = fileURLToPath(new URL(".", import.meta.resolve("@mantine/core/styles/Button.css")));
	const wanted = [...used].filter((name) => existsSync(`${folder}/${name}.css`));
	expect(wanted.length).toBeGreaterThan(10);
	const styles = readFileSync(`${SOURCES}/app/styles.ts`, "utf8");
	expect(wanted.filter((name) => !styles.includes(`"@mantine/core/styles/${name}.css"`))).toEqual([]);
});
