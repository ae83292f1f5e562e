// The file of an export: how many lines have come, whatever is in their cells.
import { runs } from "@fanfare/testkit/runs";
import fc from "fast-check";
import { expect, it } from "vitest";

import { exportToFile, LineEnds, type Exporter } from "./export-file.ts";

/** A list of two rows, which the server writes in pieces. */
const LIST: Exporter<null> = {
	async *export() {
		yield* [{ name: "Zoë" }, { name: "b" }];
	},
	async *exportCsv() {
		yield* ["name\r\nZ", "oë\r\nb\r\n"];
	},
};

it("begins a table with the mark by which spreadsheets know UTF-8, and lines of JSON without it", async () => {
	const saved = async (form: "csv" | "jsonl") => {
		const progress: number[] = [];
		const options = { signal: new AbortController().signal, onProgress: (written: number) => progress.push(written) };
		const { file, count } = await exportToFile(LIST, null, form, options);
		return { bytes: Buffer.from(await file.arrayBuffer()).toString(), count, progress };
	};
	expect(await saved("csv")).toEqual({ bytes: "\uFEFFname\r\nZoë\r\nb\r\n", count: 2, progress: [0, 2] });
	expect(await saved("jsonl")).toEqual({ bytes: '{"name":"Zoë"}\n{"name":"b"}\n', count: 2, progress: [2] });
});

it("counts the lines of a table that comes in pieces, and not the line breaks in its cells", () => {
	const table = 'id,webhookName\r\n1,billing\r\n2,"two\r\nlines, ""quoted"""\r\n3,"\n"\r\n';
	fc.assert(
		fc.property(fc.array(fc.nat(table.length), { maxLength: 8 }), (cuts) => {
			const at = [0, ...cuts.toSorted((a, b) => a - b), table.length];
			const ends = new LineEnds();
			const counts = at.slice(1).map((end, index) => ends.in(table.slice(at[index], end)));
			expect(counts.reduce((sum, count) => sum + count)).toBe(4);
		}),
		{ numRuns: runs(100) },
	);
});
