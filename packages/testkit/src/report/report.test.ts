import { describe, expect, it } from "vitest";

import { replaceSection } from "./marked-section.ts";
import { median, percentile } from "./percentiles.ts";
import { renderMarkdown, renderRow, renderText, type Table } from "./table.ts";

const table: Table = {
	header: ["scenario", "measured"],
	rows: [
		["a", "1 ms"],
		["", "12 ms"],
		["b", "3 ms"],
	],
	rightAligned: new Set([1]),
};

describe("a table", () => {
	it("is text in columns, with a line between header and rows", () => {
		expect(renderText(table).split("\n")).toEqual([
			"scenario  measured",
			"──────────────────",
			"a             1 ms",
			"             12 ms",
			"b             3 ms",
			"──────────────────",
		]);
	});

	it("has a line between groups if wanted", () => {
		const lines = renderText(table, { groups: true }).split("\n");
		expect(lines.slice(3)).toEqual([
			"             12 ms",
			"──────────────────",
			"b             3 ms",
			"──────────────────",
		]);
	});

	it("is Markdown that the formatter leaves as it is", () => {
		expect(renderMarkdown(table).split("\n")).toEqual([
			"| scenario | measured |",
			"| -------- | -------: |",
			"| a        |     1 ms |",
			"|          |    12 ms |",
			"| b        |     3 ms |",
		]);
	});

	it("gives no width to colours", () => {
		expect(renderRow(["\u001b[32mok\u001b[39m", "end"], [{ width: 4, align: "right" }])).toBe(
			"  \u001b[32mok\u001b[39m  end",
		);
	});
});

describe("a marked section", () => {
	const text = "a\n<!-- bench:budgets -->\nold\n<!-- /bench:budgets -->\nb";

	it("is replaced, and the text around it stays", () => {
		expect(replaceSection("f.md", text, "bench:budgets", "new")).toBe(
			"a\n<!-- bench:budgets -->\n\nnew\n\n<!-- /bench:budgets -->\nb",
		);
	});

	it("must be there", () => {
		expect(() => replaceSection("f.md", text, "bench:results", "new")).toThrow(
			"f.md must have <!-- bench:results --> and, below it, <!-- /bench:results -->",
		);
	});
});

it("medians are of odd and even numbers of values, and percentiles are by nearest rank", () => {
	expect(median([3, 1, 2])).toBe(2);
	expect(median([4, 1, 2, 3])).toBe(2.5);
	expect(percentile([1, 2, 3, 4], 0.5)).toBe(2);
	expect(percentile([1, 2, 3, 4], 0.99)).toBe(4);
	expect(percentile([1], 0)).toBe(1);
});
