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
	// Those that nothing has are not loaded: the others of Mantine's are those of its own components inside of them.
	const INNER =
		/^(?:baseline|default-css-variables|global|ScrollArea|UnstyledButton|VisuallyHidden|Input|InlineInput|Loader|Group|FloatingIndicator|Combobox|Pill|PillsInput)$/;
	const loaded = [...styles.matchAll(/"@mantine\/core\/styles\/([\w-]+)\.css"/g)].map(([, name]) => name!);
	expect(loaded.filter((name) => !used.has(name) && !INNER.test(name))).toEqual([]);
});

it("nothing has a colour of Mantine's whose shades the build leaves out", () => {
	const build = readFileSync(`${SOURCES}/../vite.config.ts`, "utf8");
	const leftOut = /--mantine-color-\(\?:([\w|]+)\)/.exec(build)?.[1]?.split("|") ?? [];
	expect(leftOut.length).toBeGreaterThan(5);
	const color = new RegExp(`["'\`-](?:${leftOut.join("|")})["'\`.-]`);
	const names = globSync("**/*.{tsx,ts,css}", { cwd: SOURCES }).filter((name) => !name.endsWith(".test.ts"));
	expect(names.filter((name) => color.test(readFileSync(`${SOURCES}/${name}`, "utf8")))).toEqual([]);
	const mantine = fileURLToPath(new URL(".", import.meta.resolve("@mantine/core/styles/Button.css")));
	const loaded = [
		...readFileSync(`${SOURCES}/app/styles.ts`, "utf8").matchAll(/"@mantine\/core\/styles\/([\w-]+\.css)"/g),
	];
	const styles = loaded.map(([, name]) => [name!, readFileSync(`${mantine}/${name}`, "utf8")] as const);
	const rests = styles.map(
		([name, text]) => [name, text.replaceAll(/(?<=[;{])\s*--mantine-color-\w+-[^;]*;/g, "")] as const,
	);
	expect(rests.filter(([, text]) => color.test(text)).map(([name]) => name)).toEqual([]);
});
