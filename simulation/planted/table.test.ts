// The tables of planted bugs in docs/reliability.md have a row for each planted bug, and for no other one.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

import { PLANTED } from "./bugs.ts";

const DOC = fileURLToPath(new URL("../../docs/reliability.md", import.meta.url));
/** A name in code, what the bug does, the seed that found it (a dash: none is known any more), and what was seen. */
const ROW = /^\| `(?<name>[\w-]+)` +\| (?<effect>.+?) +\| +(?<seed>\d+|–) \| (?<breach>.+?) +\|$/;

/** The rows of the table whose first column has this title. */
function rowsBelow(title: string): readonly (Readonly<Record<string, string>> | undefined)[] {
	const lines = readFileSync(DOC, "utf8").split("\n");
	const begins = lines.findIndex((line) => line.startsWith(`| ${title} `));
	expect(begins).toBeGreaterThan(0);
	const rest = lines.slice(begins + 2);
	return rest.slice(0, rest.indexOf("")).map((line) => ROW.exec(line)?.groups);
}

it.each([
	["planted bug", PLANTED.filter(({ engines = 1 }) => engines === 1)],
	["planted bug, with three engines", PLANTED.filter(({ engines = 1 }) => engines > 1)],
])("the table below %j has the bugs that can be planted, with their effects", (title, planted) => {
	const rows = rowsBelow(title).map((row) => `${row?.["name"]}: ${row?.["effect"]}`);
	expect(rows.toSorted()).toEqual(planted.map(({ name, effect }) => `${name}: ${effect}`).toSorted());
});
